"""Two known cameras over a ground with lines: points and lines with noise, of which everything true is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from touchline.geometry import rotation_from_angles
from touchline.panorama.calibrate_adjust import Stand, Strokes
from touchline.panorama.calibrate_lens import Lens
from touchline.panorama.calibrate_matches import Matches
from touchline.panorama.calibrate_square import ACROSS, ALONG, UPRIGHT, pixels_per_plane

SIZE = (1280, 720)
SIZES = (SIZE, SIZE)
EYE = 9.0  # metres above the ground


def true_stand(model: str = "brown", heading: float = 0.1) -> Stand:
    """Two cameras of about 100 degrees, 84 degrees apart, no two numbers alike."""
    bends = ((-0.18, 0.03), (-0.185, 0.032)) if model == "brown" else ((-0.01, 0.002), (-0.012, 0.003))
    focals = (690.0, 694.0) if model == "brown" else (735.0, 738.0)
    lenses = tuple(
        Lens(model, focal, 639.5 + off, 359.5 - off, *bend)
        for focal, off, bend in zip(focals, (2.0, -1.5), bends, strict=True)
    )
    angles = ((-41.9, -13.0, 2.0), (41.9, -12.5, -1.6))
    turns = tuple(rotation_from_angles(*np.radians(a)) for a in angles)
    return Stand(lenses, turns, heading)


def seen_points(stand: Stand, count: int, noise: float, rng: np.random.Generator) -> Matches:
    """Matches spread over the overlap, both ends with noise of so many pixels."""
    left = rng.uniform((0, 0), SIZE, (200 * count, 2))
    right = stand.lenses[1].pixels(stand.lenses[0].rays(left) @ stand.between.T)
    seen = (right >= 0).all(axis=1) & (right <= np.array(SIZE) - 1).all(axis=1)
    left, right = left[seen][:count], right[seen][:count]
    assert len(left) == count
    return Matches(*(p + rng.normal(0, noise, p.shape) for p in (left, right)))


@dataclass(frozen=True)
class WorldLine:
    """A straight line from one place to another, metres: to the right of, below and ahead of the eye; its axis."""

    start: tuple[float, float, float]
    end: tuple[float, float, float]
    axis: int


FIELD = (
    *(WorldLine((-50, EYE, z), (50, EYE, z), ALONG) for z in (14, 24, 40, 60, 78)),
    *(WorldLine((x, EYE, 14), (x, EYE, 78), ACROSS) for x in (-50, -34, -12, 0, 20, 34, 50)),
    *(
        WorldLine((x, EYE, z), (x, EYE - 8, z), UPRIGHT)
        for x, z in ((-40, 50), (-15, 70), (25, 60), (45, 45))
    ),
)


def seen_strokes(
    stand: Stand, noise: float, rng: np.random.Generator, lines: tuple[WorldLine, ...] = FIELD
) -> Strokes:
    """The lines of a field that lies at the stand's heading, as both cameras see them, with noise."""
    turn = rotation_from_angles(-stand.heading, 0.0, 0.0)
    points, groups, scales, axes = [], [], [], []
    for lens, camera in zip(stand.lenses, stand.turns, strict=True):
        mine, group, scale = [], [], []
        for line in lines:
            along = np.linspace(0, 1, 400)[:, None]
            rays = (np.array(line.start) * (1 - along) + np.array(line.end) * along) @ turn.T @ camera.T
            pixels = lens.pixels(rays)
            seen = (
                (rays[:, 2] > 0.15) & (pixels >= 0).all(axis=1) & (pixels <= np.array(SIZE) - 1).all(axis=1)
            )
            chosen = np.nonzero(seen)[0]
            if len(chosen) < 20:
                continue
            chosen = chosen[np.linspace(0, len(chosen) - 1, 12).astype(int)]
            normal = np.cross(rays[chosen[0]], rays[chosen[-1]])
            normal /= np.linalg.norm(normal)
            mine.append(pixels[chosen] + rng.normal(0, noise, (12, 2)))
            group.append(np.full(12, len(axes)))
            scale.append(pixels_per_plane(lens, pixels[chosen], np.tile(normal, (12, 1))))
            axes.append(line.axis)
        points.append(np.vstack(mine))
        groups += group
        scales += scale
    return Strokes((points[0], points[1]), np.concatenate(groups), np.array(axes), np.concatenate(scales))
