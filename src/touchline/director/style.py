"""How a camera operator films, in words that a viewer would use, and what that means in numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from typing import Literal, get_args

Pace = Literal["calm", "standard", "lively"]
Sport = Literal["football", "futsal", "basketball", "hockey", "handball", "rugby"]
PACES: tuple[Pace, ...] = get_args(Pace)
SPORTS: tuple[Sport, ...] = get_args(Sport)


@dataclass(frozen=True)
class Style:
    """What is framed and how the camera's head moves. Make one with :meth:`of`, change it with ``replace``.

    Attributes:
        closest_deg, widest_deg: the narrowest and the widest field of view.
        margin: share of the half picture, at its edge, that the ball keeps away from.
        middle: share of the half picture in which the middle of the play may move without the camera.
        lead_s: the camera looks so far ahead of a moving ball: room in front of it.
        company: 0 .. 1, how much the players around the ball pull the middle of the picture away from it.
        around_m: players up to about so far from the ball belong to the play.
        roominess: the picture is so many times as wide as the play is spread.
        keep_ball, keep_play, keep_size: what each degree costs, each second, that the ball is outside its margin, the
            play outside the middle, the field of view not what the play's spread asks for.
        look_s: the camera stays where it is if what would move it lasts no longer than such a look; so each degree
            of way costs half of it.
        evenness: what each degree per second costs by which the speed changes: the camera pans evenly.
        softness: what each degree per second squared costs by which the acceleration changes: it starts and settles
            gently.
        pan_speed, tilt_speed, zoom_speed: at most, degrees per second.
        pan_push, tilt_push, zoom_push: acceleration at most, degrees per second squared.
        field_m: length and width of the field, metres.

    Raises:
        ValueError: for numbers that make no sense.
    """

    closest_deg: float = 26.0
    widest_deg: float = 50.0
    margin: float = 0.2
    middle: float = 0.3
    lead_s: float = 0.4
    company: float = 0.35
    around_m: float = 14.0
    roominess: float = 1.0
    keep_ball: float = 6.0
    keep_play: float = 2.0
    keep_size: float = 1.0
    look_s: float = 1.2
    evenness: float = 0.4
    softness: float = 0.2
    pan_speed: float = 40.0
    tilt_speed: float = 15.0
    zoom_speed: float = 10.0
    pan_push: float = 40.0
    tilt_push: float = 15.0
    zoom_push: float = 10.0
    field_m: tuple[float, float] = (105.0, 68.0)

    def __post_init__(self) -> None:
        for one in fields(self):
            values = getattr(self, one.name)
            for value in values if isinstance(values, tuple) else (values,):
                if not (math.isfinite(value) and value >= 0):
                    raise ValueError(f"{one.name} must be a number from 0 on, not {value}")
        if not 5 <= self.closest_deg < self.widest_deg <= 120:
            raise ValueError(
                f"fields of view from {self.closest_deg:g} to {self.widest_deg:g} degrees: they must be in order, "
                "from 5 to 120"
            )
        if not (self.margin < 0.9 and self.middle < 0.9 and self.company <= 1):
            raise ValueError("margin and middle must be below 0.9 and company at most 1")
        if not 1 <= self.roominess <= 10:
            raise ValueError(f"roominess must be 1 to 10, not {self.roominess:g}")
        positive = ("keep_ball", "keep_play", "keep_size", "look_s", "evenness", "softness", "around_m")
        for name in (*positive, *(f"{axis}_{what}" for axis in AXES for what in ("speed", "push"))):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be above 0")
        if min(self.field_m) <= 0:
            raise ValueError(f"a field can't measure {self.field_m[0]:g} x {self.field_m[1]:g} m")

    @classmethod
    def of(cls, sport: Sport = "football", pace: Pace = "standard") -> Style:
        """The preset for a sport and a pace of camera work.

        Raises:
            ValueError: for a sport or a pace that there is none for.
        """
        if sport not in _SPORTS or pace not in _PACES:
            raise ValueError(
                f"no style for {sport!r}, {pace!r}: sports are {', '.join(SPORTS)}; paces {', '.join(PACES)}"
            )
        style = _SPORTS[sport]
        return replace(style, **{name: getattr(style, name) * by for name, by in _PACES[pace].items()})

    @property
    def way_cost(self) -> float:
        """What a degree of way costs: to go away and come back is worth it for longer than a look."""
        return 0.5 * self.look_s * self.keep_play

    @property
    def speeds(self) -> tuple[float, float, float]:
        """Of pan, tilt and zoom, at most, degrees per second."""
        return self.pan_speed, self.tilt_speed, self.zoom_speed

    @property
    def pushes(self) -> tuple[float, float, float]:
        """Acceleration of pan, tilt and zoom, at most, degrees per second squared."""
        return self.pan_push, self.tilt_push, self.zoom_push


AXES = ("pan", "tilt", "zoom")

# What differs from football, which the defaults are for. Indoors the mast stands near and the game turns often.
_SPORTS: dict[str, Style] = {
    "football": Style(),
    "rugby": Style(field_m=(100.0, 70.0), around_m=16.0, roominess=1.1, lead_s=0.3),
    "hockey": Style(field_m=(91.4, 55.0), around_m=13.0, pan_speed=50.0, pan_push=50.0),
    "handball": Style(
        field_m=(40.0, 20.0),
        around_m=9.0,
        closest_deg=32.0,
        widest_deg=64.0,
        company=0.5,
        middle=0.35,
        lead_s=0.3,
    ),
    "futsal": Style(
        field_m=(40.0, 20.0),
        around_m=8.0,
        closest_deg=32.0,
        widest_deg=64.0,
        company=0.4,
        middle=0.35,
        lead_s=0.25,
    ),
    "basketball": Style(
        field_m=(28.0, 15.0),
        around_m=7.0,
        closest_deg=36.0,
        widest_deg=68.0,
        company=0.5,
        middle=0.35,
        lead_s=0.25,
    ),
}
_PACES: dict[str, dict[str, float]] = {
    "calm": {"look_s": 1.6, "evenness": 1.6, "softness": 1.6, "middle": 1.2, "closest_deg": 1.1},
    "standard": {},
    "lively": {"look_s": 0.5, "evenness": 0.5, "softness": 0.5, "middle": 0.8, "closest_deg": 0.9},
}
