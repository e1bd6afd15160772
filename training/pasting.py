"""Spare balls, which are balls, and bright things that are none, painted into a panorama."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from touchline.synth.pitch import BALL_RADIUS, EYE, world_to_rig
from touchline.synth.scene import Observer
from training.filming import BALL, Boxes, Rgb

_FINE = 8  # samples per pixel along each axis
Mask = NDArray[np.float32]


def paste_balls(
    picture: Rgb, observer: Observer, colour: NDArray[np.float64], count: int, rng: np.random.Generator
) -> Boxes:
    """Paints balls at random places of the pitch, on the grass and in the air, some smeared by their speed.

    Returns:
        Their boxes, one for each that shows.
    """
    edges = []
    for _ in range(count):
        x, y = rng.uniform(-55, 55), rng.uniform(-37, 37)
        z = BALL_RADIUS if rng.random() < 0.6 else rng.uniform(0.2, 9.0)
        place = _project(observer, (x, y, z))
        above = _project(observer, (x, y, z + BALL_RADIUS))
        if not np.isfinite([place, above]).all():
            continue
        radius = float(np.hypot(*(above - place)))
        smear = radius * rng.uniform(0.5, 4.0) if rng.random() < 0.3 else 0.0
        angle = rng.uniform(-0.5, 0.5) if rng.random() < 0.7 else rng.uniform(0, np.pi)
        half = smear / 2 * np.array([np.cos(angle), np.sin(angle)])
        box = np.r_[place - half, place + half] + 0.5
        box = np.r_[np.minimum(box[:2], box[2:]) - radius, np.maximum(box[:2], box[2:]) + radius]
        if box[0] < 1 or box[1] < 1 or box[2] > picture.shape[1] - 1 or box[3] > picture.shape[0] - 1:
            continue
        ink = colour * rng.uniform(0.75, 1.05) if rng.random() < 0.6 else rng.uniform(150, 255, 3)
        if z == BALL_RADIUS and rng.random() < 0.8:
            _shade(picture, place + 0.5 + (-0.5 * radius, 0.8 * radius), (1.6 * radius, 0.7 * radius), 0.6)
        _ball(picture, place + 0.5, radius, half, ink, rng)
        edges.append(box)
    count = len(edges)
    return Boxes(
        np.array(edges, np.float32).reshape(-1, 4), np.full(count, BALL, np.int64), np.zeros(count, bool)
    )


def paste_clutter(picture: Rgb, observer: Observer, count: int, rng: np.random.Generator) -> None:
    """Paints what a ball may be taken for: spots and bits of line, cones, bottles, flags, paper, bigger discs."""
    for _ in range(count):
        x, y = rng.uniform(-60, 60), rng.uniform(-40, 38)
        place, above = _project(observer, (x, y, 0.0)), _project(observer, (x, y, 1.0))
        if not np.isfinite([place, above]).all():
            continue
        metre = float(np.hypot(*(above - place)))
        flat = metre * EYE[2] / float(np.linalg.norm(np.array([x, y, 0.0]) - EYE))  # a metre towards the mast
        place, ink = place + 0.5, rng.uniform(180, 255) * (1 - rng.uniform(0, 0.15, 3))
        kind = rng.integers(6)
        if kind == 0:  # a painted spot
            size = rng.uniform(0.12, 0.5)
            _ellipse(picture, place, (size * metre, size * flat), ink)
        elif kind == 1:  # a piece of a line
            along = rng.uniform(0.5, 3.0)
            end = place + along * np.array([metre, 0] if rng.random() < 0.5 else [0.3 * metre, flat])
            _stroke(picture, place, end, 0.06 * metre, ink)
        elif kind == 2:  # a cone or a hat
            ink = np.array([(250, 110, 20), (240, 220, 30), (60, 120, 240)][rng.integers(3)], float)
            _stroke(picture, place, place - (0, 0.25 * metre), 0.09 * metre, ink)
        elif kind == 3:  # a bottle, a corner flag's pole, a post
            up = rng.choice([0.3, 1.5, 1.0])
            _stroke(picture, place, place - (0, up * metre), 0.035 * metre, ink)
        elif kind == 4:  # a bag, a bib, a sheet of paper
            half = rng.uniform(0.15, 0.6) * metre * np.array([1.0, 0.0])
            ink = rng.uniform(20, 255, 3)
            _stroke(picture, place - half, place + half, rng.uniform(0.07, 0.3) * metre, ink)
        else:  # a disc that is far too big
            size = metre * BALL_RADIUS * rng.uniform(3.0, 6.0)
            _ellipse(picture, place, (size, size * rng.uniform(0.7, 1.0)), ink)


def _project(observer: Observer, point: tuple[float, float, float]) -> NDArray[np.float64]:
    return np.asarray(observer.project(world_to_rig(np.array(point))))


def _patch(picture: Rgb, low: NDArray[np.float64], high: NDArray[np.float64]) -> tuple[slice, slice] | None:
    """Rows and columns of the picture around a box; None if it lies outside."""
    left, top = np.maximum(np.floor(low).astype(int) - 1, 0)
    right, bottom = np.minimum(np.ceil(high).astype(int) + 1, picture.shape[1::-1])
    return (slice(top, bottom), slice(left, right)) if right > left and bottom > top else None


def _samples(rows: slice, columns: slice) -> tuple[Mask, Mask]:
    """Places x and y of all samples of a patch."""
    x = columns.start + (np.arange((columns.stop - columns.start) * _FINE) + 0.5) / _FINE
    y = rows.start + (np.arange((rows.stop - rows.start) * _FINE) + 0.5) / _FINE
    return np.asarray(x[None, :], np.float32), np.asarray(y[:, None], np.float32)


def _mix(picture: Rgb, at: tuple[slice, slice], cover: Mask, colour: NDArray[np.float64]) -> None:
    """Paints a colour, one or one per sample, where the samples say, averaged over each pixel."""
    rows, columns = at
    size = (columns.stop - columns.start, rows.stop - rows.start)
    ink = np.broadcast_to(np.asarray(colour, np.float32), (*cover.shape, 3)) * cover[..., None]
    share = cv2.resize(cover, size, interpolation=cv2.INTER_AREA)[..., None]
    paint = cv2.resize(ink, size, interpolation=cv2.INTER_AREA).reshape(size[1], size[0], 3)
    patch = picture[rows, columns]
    patch[:] = np.clip(patch * (1 - share) + paint + 0.5, 0, 255).astype(np.uint8)


def _ball(
    picture: Rgb,
    place: NDArray[np.float64],
    radius: float,
    half: NDArray[np.float64],
    ink: NDArray[np.float64],
    rng: np.random.Generator,
) -> None:
    reach = np.abs(half) + radius
    at = _patch(picture, place - reach, place + reach)
    if at is None:
        return
    x, y = _samples(*at)
    steps = 1 if not half.any() else 9
    light = np.zeros((y.shape[0], x.shape[1]), np.float32)
    cover = np.zeros_like(light)
    dark, spots = rng.uniform(0.3, 1.0), rng.uniform(-0.8, 0.8, (4, 2))
    for step in np.linspace(-1, 1, steps):
        u, v = (x - place[0] - step * half[0]) / radius, (y - place[1] - step * half[1]) / radius
        inside = (u * u + v * v < 1).astype(np.float32)
        shade = 1.0 - 0.16 * (0.5 * u + 0.85 * v + 0.3)
        for spot in spots:
            shade = np.where((u - spot[0]) ** 2 + (v - spot[1]) ** 2 < 0.09, shade * dark, shade)
        light += inside * shade / steps
        cover += inside / steps
    _mix(picture, at, cover, (light / np.maximum(cover, 1e-6))[..., None] * ink)


def _ellipse(
    picture: Rgb, place: NDArray[np.float64], radii: tuple[float, float], ink: NDArray[np.float64]
) -> None:
    at = _patch(picture, place - radii, place + radii)
    if at is not None:
        x, y = _samples(*at)
        inside = ((x - place[0]) / radii[0]) ** 2 + ((y - place[1]) / radii[1]) ** 2 < 1
        _mix(picture, at, inside.astype(np.float32), ink)


def _shade(picture: Rgb, place: NDArray[np.float64], radii: tuple[float, float], depth: float) -> None:
    at = _patch(picture, place - radii, place + radii)
    if at is not None:
        x, y = _samples(*at)
        inside = ((x - place[0]) / radii[0]) ** 2 + ((y - place[1]) / radii[1]) ** 2 < 1
        _mix(picture, at, depth * inside.astype(np.float32), np.array([10.0, 14.0, 10.0]))


def _stroke(
    picture: Rgb,
    start: NDArray[np.float64],
    end: NDArray[np.float64],
    radius: float,
    ink: NDArray[np.float64],
) -> None:
    at = _patch(picture, np.minimum(start, end) - radius, np.maximum(start, end) + radius)
    if at is None:
        return
    x, y = _samples(*at)
    way = end - start
    along = np.clip(((x - start[0]) * way[0] + (y - start[1]) * way[1]) / max(float(way @ way), 1e-9), 0, 1)
    gap = np.hypot(x - start[0] - along * way[0], y - start[1] - along * way[1])
    _mix(picture, at, (gap < radius).astype(np.float32), ink)
