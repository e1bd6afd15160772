"""The rig: the cameras on one mast, and the file that describes them."""

from __future__ import annotations

import dataclasses
import json
import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from touchline.errors import RigError
from touchline.geometry.camera import Camera
from touchline.geometry.outline import FieldOutline, Points

FORMAT = "touchline-rig"
FORMAT_VERSION = 1
MOST_OFFSET_S = 60.0  # two recordings that were started further apart are not put together by a rig


@dataclass(frozen=True)
class Rig:
    """Cameras that share one viewpoint, from left to right.

    Args:
        cameras: two cameras; the structure allows more.
        error_px: median reprojection error in pixels of the calibration that found the rig, if one did.
        notes: anything that a person or a calibration wants to keep beside it.
        field: where the field is seen, as corners (yaw, pitch) in degrees; see
            :class:`touchline.geometry.outline.FieldOutline`. Empty: nobody has said.
        time_offset_s: how much later the right camera's recording was started than the left one's, seconds, -60 .. 60:
            its picture of PTS t shows the moment that the left one's picture of PTS t + time_offset_s shows. Negative
            if it was started earlier.

    Raises:
        ValueError: without cameras, for a field that can't be, or for a time offset that is not finite or out of its
            range.
    """

    cameras: tuple[Camera, ...]
    error_px: float | None = None
    notes: dict[str, Any] = dataclasses.field(default_factory=dict)
    field: Points = ()
    time_offset_s: float = 0.0

    def __post_init__(self) -> None:
        if not self.cameras:
            raise ValueError("a rig needs at least one camera")
        if self.field:
            object.__setattr__(self, "field", FieldOutline(self.field).points)
        if not (math.isfinite(self.time_offset_s) and abs(self.time_offset_s) <= MOST_OFFSET_S):
            raise ValueError(
                f"time_offset_s must be a number of seconds from -{MOST_OFFSET_S:g} to {MOST_OFFSET_S:g}, "
                f"not {self.time_offset_s}"
            )

    @property
    def left(self) -> Camera:
        return self.cameras[0]

    @property
    def right(self) -> Camera:
        return self.cameras[-1]

    @cached_property
    def outline(self) -> FieldOutline | None:
        """Where the field is; None if nobody has said."""
        return FieldOutline(self.field) if self.field else None

    def check_sizes(self, *sizes: tuple[int, int], where: str = "this rig") -> None:
        """Raises :class:`RigError` unless the cameras have these picture sizes (width, height)."""
        own = [(c.width, c.height) for c in self.cameras]
        if own != list(sizes):
            written = " and ".join(f"{w}x{h}" for w, h in own)
            got = " and ".join(f"{w}x{h}" for w, h in sizes)
            raise RigError(
                f"{where} belongs to other cameras: it was made for pictures of {written}, these are {got}; "
                "run `touchline calibrate` on this footage, or leave --rig away"
            )

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "format": FORMAT,
            "version": FORMAT_VERSION,
            "cameras": [camera.to_dict() for camera in self.cameras],
            "error_px": self.error_px,
            "time_offset_s": self.time_offset_s,
            "notes": self.notes,
            "field": [list(corner) for corner in self.field],
        }

    @classmethod
    def from_dict(cls, data: Any, where: str = "rig") -> Rig:
        """The inverse of :meth:`to_dict`. Raises :class:`RigError`, naming ``where``, for anything else."""
        if not isinstance(data, dict) or data.get("format") != FORMAT:
            raise RigError(f'{where} is not a rig file (no "format": "{FORMAT}" in it)')
        if data.get("version") != FORMAT_VERSION:
            raise RigError(
                f"{where} has version {data.get('version')!r}; this Touchline reads {FORMAT_VERSION}"
            )
        try:
            cameras = tuple(Camera.from_dict(c) for c in data["cameras"])
            error = data.get("error_px")
            corners = tuple((float(yaw), float(pitch)) for yaw, pitch in data.get("field") or ())
            notes = dict(data.get("notes") or {})
            rig = cls(
                cameras,
                None if error is None else float(error),
                notes,
                corners,
                float(data.get("time_offset_s", 0.0)),
            )
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise RigError(f"{where} can't be used: {type(error).__name__}: {error}") from error
        if rig.error_px is not None and not math.isfinite(rig.error_px):
            raise RigError(f"{where} can't be used: error_px must be a finite number")
        return rig

    def save(self, path: str | Path) -> None:
        """Writes the rig as JSON. Raises :class:`RigError` if that can't be done."""
        text = json.dumps(self.to_dict(), indent=2) + "\n"
        try:
            Path(path).write_text(text, encoding="utf-8")
        except OSError as error:
            raise RigError(f"the rig can't be written to {path}: {error.strerror}") from error

    @classmethod
    def load(cls, path: str | Path) -> Rig:
        """Reads a rig. Raises :class:`RigError` if there is none or it can't be used."""
        try:
            text = Path(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not text"
            raise RigError(f"the rig {path} can't be read: {reason}") from error
        try:
            data = json.loads(text)
        except json.JSONDecodeError as error:
            raise RigError(f"the rig {path} is not JSON: line {error.lineno}: {error.msg}") from error
        except (
            ValueError,
            RecursionError,
        ) as error:  # a number of thousands of digits, or too deep a nesting
            raise RigError(f"the rig {path} is not JSON: {error}") from error
        return cls.from_dict(data, where=f"the rig {path}")
