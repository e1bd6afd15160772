"""Times of a live camera whose clock jumps, and of one whose frames are only late."""

from __future__ import annotations

import itertools

from touchline.capture.arrival import Arrival
from touchline.gst.library import MILLISECOND

FRAME = 40 * MILLISECOND


def placed(arrival: Arrival, frames: list[tuple[int, int]]) -> list[int]:
    """Frames as numbers of their PTS and of their arrival; the numbers of where they were put."""
    return [round(arrival.place(pts * FRAME, came * FRAME + 7) / FRAME) for pts, came in frames]


def steady(first: int, last: int, shift: int = 0) -> list[tuple[int, int]]:
    return [(i + shift, i) for i in range(first, last)]


def test_what_is_right_stays_as_it_is() -> None:
    arrival = Arrival()
    assert placed(arrival, steady(0, 500)) == list(range(500))
    assert arrival.jumps == 0


def test_a_clock_that_jumps_ahead_is_moved_back_at_once() -> None:
    arrival = Arrival()
    placed(arrival, steady(0, 100))
    assert placed(arrival, steady(100, 200, shift=90_000)) == list(range(100, 200))
    assert arrival.jumps == 1


def test_a_clock_that_jumps_back_is_moved_within_little_more_than_a_second() -> None:
    arrival = Arrival()
    placed(arrival, steady(0, 100))
    found = placed(arrival, steady(100, 200, shift=-90))
    moved = found.index(100 + 25)
    assert moved in (25, 26)
    assert found[:moved] == list(range(10, 10 + moved))
    assert found[moved:] == list(range(100 + moved, 200))
    assert arrival.jumps == 1


def test_a_camera_that_begins_again_after_a_silence_goes_on_at_the_time_of_its_arrival() -> None:
    """Its sender was restarted and goes on where it was, 20 seconds later."""
    arrival = Arrival()
    placed(arrival, steady(0, 100))
    found = placed(arrival, steady(600, 700, shift=-500))
    assert found[40:] == list(range(640, 700))


def test_frames_that_were_held_up_on_their_way_keep_their_times() -> None:
    """A network that stood still for three seconds delivers what it has, twice as fast as it was filmed."""
    arrival = Arrival()
    placed(arrival, steady(0, 100))
    burst = [(i, 175 + (i - 100) // 2) for i in range(100, 250)]
    assert placed(arrival, burst + steady(250, 300)) == list(range(100, 300))
    assert arrival.jumps == 0


def test_a_slow_first_frame_does_not_set_the_measure() -> None:
    arrival = Arrival()
    found = placed(arrival, [(0, 60), *[(i, 60 + i // 10) for i in range(1, 60)], *steady(66, 300)])
    assert found == [*range(60), *range(66, 300)]
    assert arrival.jumps == 0


def test_a_camera_that_was_opened_again_is_believed() -> None:
    arrival = Arrival()
    placed(arrival, steady(0, 100))
    placed(arrival, steady(100, 200, shift=5000))
    arrival.restart()
    assert placed(arrival, steady(200, 300)) == list(range(200, 300))


def test_times_that_run_a_little_fast_for_a_day_are_followed() -> None:
    """A quartz that is 50 millionths off is 4 seconds off after a day; it never looks like a jump."""
    arrival = Arrival()
    last = -1
    for i in itertools.chain(range(0, 25 * 86400, 25)):
        pts = arrival.place(i * FRAME + round(i * FRAME * 50e-6), i * FRAME)
        assert pts > last
        last = pts
    assert arrival.jumps == 0
