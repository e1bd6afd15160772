"""What the player's cues become, and what is counted where the programme has no room."""

from __future__ import annotations

from fractions import Fraction

from touchline.delay import Cue, Frame, Shown
from touchline.engine.books import _let_out
from touchline.engine.showing import Showing
from touchline.gst.caps import PlaneLayout, VideoCaps
from touchline.gst.library import SECOND, Gst


class Outlet:
    """Takes every second picture."""

    def __init__(self) -> None:
        self.taken: list[int] = []
        self.asked = 0

    def push(self, buffer: Gst.Buffer) -> bool:
        self.asked += 1
        if self.asked % 2:
            self.taken.append(buffer.pts)
            return True
        return False


class Channel:
    """As much of a channel as its books look at."""

    def __init__(self, showing: Showing, shown: int, held: int) -> None:
        self.showing = showing
        self.meter = type("Meter", (), {"shown": shown})()
        self.player = type("Player", (), {"held": held, "slates": 0})()


def test_pictures_that_filled_a_gap_and_found_no_room_are_no_loss_of_frames_that_were_shown():
    """They were taken off what had been let out without having been in it: 350 frames recorded, 0 shown."""
    caps = VideoCaps(64, 48, Fraction(30))
    outlet = Outlet()
    showing = Showing(None, PlaneLayout.from_caps(caps.to_gst()), None, None, SECOND // 30, outlet.push)
    kinds = [Shown.FRAME, Shown.FRAME, Shown.HELD, Shown.HELD, Shown.HELD, Shown.HELD, Shown.FRAME]
    for number, kind in enumerate(kinds):
        buffer = Gst.Buffer.new()
        buffer.pts = number * SECOND // 30
        showing.show(Cue(kind, Frame(buffer, buffer.pts, SECOND // 30, number), buffer.pts))
    assert outlet.taken == [number * SECOND // 30 for number in (0, 2, 4, 6)]
    assert showing.unseen == 2
    channel = Channel(showing, shown=len(outlet.taken), held=kinds.count(Shown.HELD))
    assert _let_out(channel) == 2, "frames 0 and 6"
