"""What ``--view`` may say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from touchline.errors import ConfigurationError
from touchline.geometry import View

HOW_TO = "use follow, panorama or fixed:YAW,PITCH,FOV (degrees, such as fixed:-20,-8,45)"


@dataclass(frozen=True)
class ViewChoice:
    """What the programme shows.

    Attributes:
        kind: ``follow`` the play, the whole ``panorama``, or a ``fixed`` view.
        fixed: the view, if it is fixed, as it was asked for.
    """

    kind: Literal["follow", "panorama", "fixed"]
    fixed: View | None = None

    def __post_init__(self) -> None:
        if (self.kind == "fixed") != (self.fixed is not None):
            raise ValueError("a fixed view needs its angles, and no other view has any")

    def __str__(self) -> str:
        """What :func:`parse_view` reads."""
        if self.fixed is None:
            return self.kind
        return f"fixed:{self.fixed.yaw_deg!r},{self.fixed.pitch_deg!r},{self.fixed.fov_deg!r}"


def parse_view(text: str) -> ViewChoice:
    """Reads the value of ``--view``.

    Raises:
        ConfigurationError: for anything but ``follow``, ``panorama`` and ``fixed:YAW,PITCH,FOV``.
    """
    kind, colon, numbers = text.strip().partition(":")
    if kind == "follow" and not colon:
        return ViewChoice("follow")
    if kind == "panorama" and not colon:
        return ViewChoice("panorama")
    if kind != "fixed":
        raise ConfigurationError(f"--view {_short(text)} is unknown; {HOW_TO}")
    try:
        yaw, pitch, fov = (float(number) for number in numbers.split(","))
    except ValueError:
        raise ConfigurationError(f"--view {_short(text)} does not hold three numbers; {HOW_TO}") from None
    try:
        return ViewChoice("fixed", View(yaw, pitch, fov))
    except ValueError as error:
        raise ConfigurationError(f"--view {_short(text)}: {error}; {HOW_TO}") from error


def _short(text: str) -> str:
    """The text on one line that is not too long."""
    return repr(text if len(text) <= 60 else text[:57] + "...")
