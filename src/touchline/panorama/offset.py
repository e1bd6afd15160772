"""The time between two recordings: what their pictures and their sound say of it, and which of the two counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from touchline.errors import OffsetError

_DIGITS = 4  # a tenth of a millisecond: finer than either way


@dataclass(frozen=True)
class Estimate:
    """One way's answer; a way that is not sure of it raises :class:`OffsetError` instead.

    Attributes:
        offset_s: as :attr:`touchline.geometry.Rig.time_offset_s`: how much later the right recording was started.
        sigma_s: standard deviation of it, seconds.
        likeness: how alike both recordings are at that offset: a correlation, up to 1.
        rival: likeness at the best offset that is clearly another one, as a share of this one's.
    """

    offset_s: float
    sigma_s: float
    likeness: float
    rival: float


Answer = Estimate | OffsetError


@dataclass(frozen=True)
class TimeOffset:
    """What is taken for the time between two recordings, and why.

    Attributes:
        offset_s: as :attr:`touchline.geometry.Rig.time_offset_s`; 0 if nobody knows.
        sigma_s: standard deviation of it, seconds; 0 if nobody knows.
        used: which way was believed.
        pictures, sound: each way's answer; None for sound that one of the recordings does not have.
        clash: one line, if both ways are sure and contradict each other.
    """

    offset_s: float
    sigma_s: float
    used: Literal["pictures", "sound", "neither"]
    pictures: Answer
    sound: Answer | None
    clash: str | None = None

    def facts(self) -> list[tuple[str, str]]:
        """Names and values for a person to read."""
        if self.used == "neither":
            reasons = [str(answer) for answer in (self.pictures, self.sound) if answer is not None]
            return [("time between them", f"not found, taken as none: {'; '.join(reasons)}")]
        sure = f"by {self.used}, ±{1e3 * self.sigma_s:.1f} ms"
        both = isinstance(self.pictures, Estimate) and isinstance(self.sound, Estimate)
        agreed = "; pictures and sound agree" if both and not self.clash else ""
        facts = [("time between them", f"{later_words(self.offset_s)} ({sure}{agreed})")]
        return [*facts, ("pictures and sound", self.clash)] if self.clash else facts


def choose(pictures: Answer, sound: Answer | None, frame_s: float) -> TimeOffset:
    """Weighs both ways.

    Sound is the finer one, and counts where the pictures are within a frame of it. Where they are not, the pictures
    count, because they are what is put together; a camera may well record its sound early or late.

    Args:
        pictures: what :func:`~touchline.panorama.offset_pictures.offset_from_pictures` returned or raised.
        sound: the same of :func:`~touchline.panorama.offset_sound.offset_from_sound`; None without sound.
        frame_s: duration of a frame of the slower camera, seconds.
    """
    seen = pictures if isinstance(pictures, Estimate) else None
    heard = sound if isinstance(sound, Estimate) else None
    clash = None
    if seen and heard and abs(seen.offset_s - heard.offset_s) > frame_s:
        clash = (
            f"they contradict each other: {seen.offset_s:.3f} s by the pictures, {heard.offset_s:.3f} s by the sound; "
            "the pictures count"
        )
    believed = seen if clash else heard or seen
    if believed is None:
        return TimeOffset(0.0, 0.0, "neither", pictures, sound)
    used: Literal["pictures", "sound"] = "sound" if believed is heard else "pictures"
    return TimeOffset(round(believed.offset_s, _DIGITS), believed.sigma_s, used, pictures, sound, clash)


def later_words(offset_s: float) -> str:
    """A time offset of a rig in words."""
    if round(offset_s, _DIGITS) == 0:
        return "both recordings were started at the same moment"
    return (
        f"the right recording was started {round(abs(offset_s), _DIGITS):g} s "
        f"{'later' if offset_s > 0 else 'earlier'} than the left one"
    )
