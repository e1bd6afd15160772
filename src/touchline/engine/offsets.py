"""The time between two recordings, read from their files or streams and put into the rig."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from touchline.capture import SourceUri
from touchline.capture.feeds import MOST_LIVE_S
from touchline.capture.frames import Picture
from touchline.capture.recordings import RATE, Recording, record
from touchline.errors import OffsetError
from touchline.geometry import Rig
from touchline.panorama.offset import Answer, TimeOffset, choose
from touchline.panorama.offset_overlap import Cells, Overlap, Signals
from touchline.panorama.offset_pictures import REACH_S, offset_from_pictures
from touchline.panorama.offset_sound import Sound, offset_from_sound

LENGTH_S = 12.0


def find_offset(
    left: SourceUri,
    right: SourceUri,
    rig: Rig,
    *,
    length_s: float = LENGTH_S,
    reach_s: float | None = None,
    progress: Callable[[float], None] | None = None,
) -> TimeOffset:
    """How much later the right recording was started than the left one.

    Args:
        left, right: the cameras; nobody else has them open, unless they are files.
        rig: of these cameras. What it says of time is not asked.
        length_s: how much of the footage is looked at; what lies behind one another by more than the reach must not
            be all of it.
        reach_s: offsets up to this are looked for, both ways. By default 3 s; 1 s of live cameras, which share a clock.
        progress: told now and then how much has been read, 0 .. 1.

    Raises:
        InputError: if the footage can't be read.
        OffsetError: if the cameras have no overlap to look at.
        RigError: if the rig was made for other pictures.
    """
    reach = reach_s or (MOST_LIVE_S if left.live else REACH_S)
    overlap = Overlap(rig)

    def sampler(side: int) -> Callable[[Picture, float], Cells]:
        def sample(picture: Picture, _since: float) -> Cells:
            with picture.read() as planes:
                return overlap.sample(side, planes.y)

        return sample

    recordings = [
        Recording(name, uri, length_s + reach, sampler(side), sound=True)
        for side, (name, uri) in enumerate((("left", left), ("right", right)))
    ]
    record(
        recordings, progress, lambda infos: rig.check_sizes(*((info.width, info.height) for info in infos))
    )
    one, two = (Signals.in_order(r.times, r.made) for r in recordings)
    pictures = _answer(lambda: offset_from_pictures(one, two, overlap.seen, reach_s=reach))
    sounds = [recording.sound() for recording in recordings]
    heard = [Sound(start, samples, RATE) for start, samples in (s for s in sounds if s is not None)]
    sound = _answer(lambda: offset_from_sound(heard[0], heard[1], reach_s=reach)) if len(heard) == 2 else None
    frame_s = max(s.frame_s for s in (one, two)) if min(len(one.times), len(two.times)) > 1 else 0.04
    return choose(pictures, sound, frame_s)


def with_offset(
    rig: Rig, left: SourceUri, right: SourceUri, progress: Callable[[float], None] | None = None
) -> tuple[Rig, TimeOffset]:
    """A rig that was found in this footage, with the time between the recordings. Raises as :func:`find_offset`."""
    try:
        found = find_offset(left, right, rig, progress=progress)
    except OffsetError as error:
        found = TimeOffset(0.0, 0.0, "neither", error, None)
    return replace(rig, time_offset_s=found.offset_s), found


def _answer(ask: Callable[[], Answer]) -> Answer:
    """What one way says, or why it can't."""
    try:
        return ask()
    except OffsetError as error:
        return error
