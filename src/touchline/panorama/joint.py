"""How two pictures are joined in their overlap, and how that is written."""

from __future__ import annotations

from dataclasses import dataclass

FEATHER_DEG = 3.0
LEAST_LEVELS, MOST_LEVELS, LEVELS = 2, 6, 5


@dataclass(frozen=True)
class Joint:
    """How the two pictures are joined in their overlap.

    Attributes:
        feather_deg: width in degrees of the band in which one picture fades into the other; less where the overlap is
            narrow. Means nothing with ``levels``.
        levels: 0 to fade so; 2 .. 6 to blend in so many bands of frequencies, each over a width of its own
            (:mod:`touchline.panorama.multiband`).
        adaptive: let the seam keep out of the way of players and of what differs
            (:mod:`touchline.panorama.seam_follow`); otherwise it stays in the middle of the overlap.

    Raises:
        ValueError: for another number of levels, or a width below zero.
    """

    feather_deg: float = FEATHER_DEG
    levels: int = 0
    adaptive: bool = False

    def __post_init__(self) -> None:
        if self.levels and not LEAST_LEVELS <= self.levels <= MOST_LEVELS:
            raise ValueError(
                f"pictures are blended in {LEAST_LEVELS} to {MOST_LEVELS} bands, not in {self.levels}"
            )
        if not self.feather_deg >= 0:
            raise ValueError(f"a feather can't be {self.feather_deg} degrees wide")

    @classmethod
    def parsed(cls, blend: str, seam: str) -> Joint:
        """Reads ``feather``, ``multiband`` or ``multiband:LEVELS``, and ``fixed`` or ``adaptive``.

        Raises:
            ValueError: saying what can be written.

        >>> Joint.parsed("multiband:4", "adaptive").levels
        4
        """
        if seam not in ("fixed", "adaptive"):
            raise ValueError(f"a seam is fixed or adaptive, not {seam!r}")
        way, colon, number = blend.partition(":")
        if way == "feather" and not colon:
            return cls(adaptive=seam == "adaptive")
        if way != "multiband" or (colon and not (number.isascii() and number.isdigit())):
            raise ValueError(f"pictures are joined by feather, multiband or multiband:LEVELS, not {blend!r}")
        levels = int(number) if colon else LEVELS
        return cls(levels=levels or -1, adaptive=seam == "adaptive")

    @property
    def plain(self) -> bool:
        """Whether it asks for no more than a feather in the middle of the overlap, which every backend has."""
        return not self.levels and not self.adaptive
