"""A lens by itself, and the file that keeps it: a camera of which nobody says yet where it looks."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from touchline.errors import RigError
from touchline.geometry.camera import Camera

FORMAT = "touchline-lens"
FORMAT_VERSION = 1
_ANGLES = ("yaw_deg", "pitch_deg", "roll_deg")
_ALIKE = 1e-3  # how far two shapes of a picture may differ


def save_lens(path: str | Path, camera: Camera, notes: dict[str, Any] | None = None) -> None:
    """Writes a camera's lens as JSON; its angles are left out.

    Args:
        path: the file.
        camera: picture size, focal lengths, centre and distortion.
        notes: what is to be kept beside it: how well it is known, and from what.

    Raises:
        RigError: if it can't be written.
    """
    lens = {name: value for name, value in camera.to_dict().items() if name not in _ANGLES}
    data = {"format": FORMAT, "version": FORMAT_VERSION, "camera": lens, "notes": notes or {}}
    try:
        Path(path).write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise RigError(f"the lens can't be written to {path}: {error.strerror}") from error


def load_lens(path: str | Path, size: tuple[int, int] | None = None) -> Camera:
    """Reads a lens as a camera that looks straight ahead.

    Args:
        path: a file of :func:`save_lens`.
        size: width and height of the pictures that it is wanted for; None: those that it was made for. A smaller or
            larger picture of the whole sensor is the same lens with all lengths scaled.

    Raises:
        RigError: if there is no such file, it can't be used, or its pictures have another shape.
    """
    try:
        data = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise RigError(f"the lens {path} can't be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise RigError(f"the lens {path} is not JSON: {error}") from error
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise RigError(f'{path} is not a lens file (no "format": "{FORMAT}" in it)')
    if data.get("version") != FORMAT_VERSION:
        raise RigError(f"{path} has version {data.get('version')!r}; this Touchline reads {FORMAT_VERSION}")
    try:
        camera = Camera.from_dict({**data["camera"], **dict.fromkeys(_ANGLES, 0.0)})
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise RigError(f"{path} can't be used: {type(error).__name__}: {error}") from error
    return camera if size is None else scaled_lens(camera, size, f"the lens {path}")


def scaled_lens(camera: Camera, size: tuple[int, int], where: str = "this lens") -> Camera:
    """The same lens for pictures of another size. Raises RigError, naming ``where``, for another shape."""
    across, down = size[0] / camera.width, size[1] / camera.height
    if abs(across / down - 1) > _ALIKE:
        raise RigError(
            f"{where} belongs to other pictures: it was made for {camera.width}x{camera.height}, and these are "
            f"{size[0]}x{size[1]}, of another shape; film the board with the settings that the match is filmed with"
        )
    return replace(
        camera,
        width=size[0],
        height=size[1],
        fx=camera.fx * across,
        fy=camera.fy * down,
        cx=(camera.cx + 0.5) * across - 0.5,
        cy=(camera.cy + 0.5) * down - 0.5,
    )
