"""Long lines, faint ones too, found along directions that are nearly known.

All straight things that run along one direction of the world lie in planes through the viewpoint that share that
direction's axis, like the pages of a book. Swept page by page, and averaged along each page over some tens of pixels,
a picture shows mown stripes and worn lines that no detector of short segments sees, and each of them to a
few hundredths of a pixel (the average of a Hough transform, with the lens in it). Where a line really lies in each
stretch is measured; whether it stays on one page is for the adjustment to see.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from touchline.panorama.calibrate_adjust import plane_basis
from touchline.panorama.calibrate_lens import Floats, Lens
from touchline.panorama.calibrate_still import Image, halvings

_STRETCH, _ROWS = 26.0, 13  # length of a stretch in pixels, and how many rows of it are averaged
_NEAREST_DEG = 4.0  # to the vanishing point
_STEP = 0.5  # pixels from sample to sample across the pages
_BLUR = 1.0  # pixels, across the pages only
_FAINTEST, _OUT_OF_NOISE = 0.8, 4.0  # levels per pixel; and so many times the slopes' typical size
_WIDEST = 4.5  # pixels between the slopes of a painted line
_ALONE, _LOPSIDED = 2.0, 0.5  # pixels beside an edge; what may be there, as a share of its slope
_LEAST_STRETCHES, _LEAST_SHARE = 4, 0.6  # of a line, and of those between its ends
_MOST_LINES = 150
_MOST_SAMPLES = 30000  # what OpenCV can remap in a row


@dataclass(frozen=True)
class Places:
    """Where lines cross stretches.

    Attributes:
        lean: angle of the page, radians, shape (n,).
        along: angle from the vanishing point, radians, shape (n,).
        stretch: number of the stretch, shape (n,).
        kind: 0 a ridge, 1 an edge that is bright on the side of larger leans, -1 one that is dark there.
        strength: levels per pixel, shape (n,).
        scale: pixels per radian of lean there, shape (n,).
    """

    lean: Floats
    along: Floats
    stretch: NDArray[np.intp]
    kind: NDArray[np.intp]
    strength: Floats
    scale: Floats

    def __len__(self) -> int:
        return len(self.lean)


@dataclass(frozen=True)
class Lines:
    """Lines of one direction in one picture.

    Attributes:
        points: pixel positions along them, shape (n, 2).
        owner: the line of each, shape (n,).
        lean, kind, scale: of the lines; see :class:`Places`; shape (m,) each.
    """

    points: Floats
    owner: NDArray[np.intp]
    lean: Floats
    kind: NDArray[np.intp]
    scale: Floats

    def __len__(self) -> int:
        return len(self.lean)


def same_lines(left: Lines, right: Lines, reach: float) -> list[tuple[int, int]]:
    """Which lines of two cameras are one: on one page within ``reach`` pixels, and no other one nearly so."""
    if not len(left) or not len(right):
        return []
    turn = (left.lean[:, None] - right.lean[None, :] + np.pi) % (2 * np.pi) - np.pi
    apart = np.abs(turn) * (left.scale[:, None] + right.scale[None, :]) / 2
    apart = np.where(left.kind[:, None] == right.kind[None, :], apart, np.inf)
    found = []
    for one in range(len(left)):
        two = int(np.argmin(apart[one]))
        others = np.r_[np.delete(apart[one], two), np.delete(apart[:, two], one), np.inf]
        if apart[one, two] < reach and others.min() > 3 * apart[one, two] + 2:
            found.append((one, two))
    return found


def sweep(picture: Image, lens: Lens, turn: Floats, axes: Floats, axis: int, reach: float) -> Lines:
    """Points along lines of one direction in one picture.

    Args:
        picture: grey, uint8.
        lens, turn: the camera, and its rotation from the rig's frame.
        axes: the three directions of the world in the rig's frame, as rows.
        axis: which of them.
        reach: pixels by which a line's stretches may stray from a page.

    """
    one, two = (basis[axis] for basis in plane_basis(axes))
    book = np.stack([one, two, axes[axis]]) @ turn.T  # rows: the book's axes in the camera's frame
    small, times = halvings(picture)
    places = _crossings(small.astype(np.float32), lens.shrunk(times), book)
    chosen, owner = _lines(places, reach / times)
    rays = _rays(places.lean[chosen], places.along[chosen]) @ book
    heads = chosen[np.unique(owner, return_index=True)[1]]
    lean = np.bincount(owner, places.lean[chosen]) / np.bincount(owner) if len(owner) else np.empty(0)
    return Lines(lens.pixels(rays), owner, lean, places.kind[heads], places.scale[heads] * times)


def _rays(lean: Floats, along: Floats) -> Floats:
    one = np.sin(along) * np.cos(lean)
    return np.stack([one, np.sin(along) * np.sin(lean), np.broadcast_to(np.cos(along), one.shape)], axis=-1)


def _crossings(picture: NDArray[np.float32], lens: Lens, book: Floats) -> Places:
    """All ridges and edges across all stretches."""
    height, width = picture.shape
    pixels = np.stack(
        np.meshgrid(np.linspace(0, width - 1, 48), np.linspace(0, height - 1, 32)), axis=-1
    ).reshape(-1, 2)
    seen = lens.rays(pixels) @ book.T
    along = np.arccos(np.clip(seen[:, 2], -1, 1))
    least = np.radians(_NEAREST_DEG)
    first, last = max(least, float(along.min())), min(np.pi - least, float(along.max()))
    step = _STRETCH / lens.focal
    found = []
    for number, start in enumerate(np.arange(first, last - step, step)):
        inside = (along > start - step) & (along < start + 2 * step)
        if np.count_nonzero(inside) < 2:
            continue
        leans = np.unwrap(np.sort(np.arctan2(seen[inside, 1], seen[inside, 0])))
        gaps = np.diff(np.r_[leans, leans[0] + 2 * np.pi])
        begin = leans[
            (int(np.argmax(gaps)) + 1) % len(leans)
        ]  # the arc that is seen begins after the widest gap
        width = 2 * np.pi - float(gaps.max())
        found.append(_stretch(picture, lens, book, number, (start, start + step), (begin, begin + width)))
    fields = zip(*(f for f in found if len(f[0])), strict=True) if any(len(f[0]) for f in found) else None
    if fields is None:
        nothing, nobody = np.empty(0), np.empty(0, np.intp)
        return Places(nothing, nothing, nobody, nobody, nothing, nothing)
    lean, middle, stretch, kind, strength, scale = (np.concatenate(f) for f in fields)
    return Places(lean, middle, stretch.astype(np.intp), kind.astype(np.intp), strength, scale)


def _stretch(
    picture: NDArray[np.float32],
    lens: Lens,
    book: Floats,
    number: int,
    ends: tuple[float, float],
    leans: tuple[float, float],
) -> tuple[Floats, ...]:
    """Lean, angle along, stretch, kind, strength and scale of what crosses one stretch."""
    middle = (ends[0] + ends[1]) / 2
    probe = lens.pixels(_rays(np.linspace(*leans, 9), np.full(9, middle)) @ book)
    across = float(np.median(np.linalg.norm(np.diff(probe, axis=0), axis=1))) / max(
        1e-9, (leans[1] - leans[0]) / 8
    )
    count = min(_MOST_SAMPLES, int((leans[1] - leans[0]) * across / _STEP))
    if count < 40:
        return (np.empty(0),) * 6
    lean = np.linspace(*leans, count)
    rows = ends[0] + (np.arange(_ROWS) + 0.5) / _ROWS * (ends[1] - ends[0])
    rays = _rays(lean[None, :], rows[:, None]) @ book
    at = lens.pixels(rays.reshape(-1, 3)).reshape(_ROWS, count, 2)
    height, width = picture.shape
    inside = ((at >= 0) & (at <= (width - 1, height - 1))).all(axis=-1) & (rays[..., 2] > 0.05)
    whole = np.asarray(inside.all(axis=0))
    values = cv2.remap(
        picture,
        at[..., 0].astype(np.float32),
        at[..., 1].astype(np.float32),
        cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REPLICATE,
    )
    mean = np.asarray(values, dtype=np.float64).mean(axis=0)
    profile = cv2.GaussianBlur(mean[None, :], (0, 0), _BLUR / _STEP, borderType=cv2.BORDER_REPLICATE)[0]
    centre = at[_ROWS // 2]
    pace = np.linalg.norm(np.gradient(centre, axis=0), axis=1) / _STEP  # how far samples are apart, in steps
    index, kind, strength = _peaks(np.gradient(profile, _STEP) / np.maximum(pace, 0.1), whole)
    places = np.asarray(np.interp(index, np.arange(count), lean))
    scale = np.asarray(np.interp(index, np.arange(count), pace) * _STEP / (lean[1] - lean[0]))
    along, stretch = np.full(len(index), middle), np.full(len(index), float(number))
    return places, along, stretch, kind.astype(np.float64), strength, scale


def _peaks(slope: Floats, whole: NDArray[np.bool_]) -> tuple[Floats, NDArray[np.intp], Floats]:
    """Places (in samples), kinds and strengths of ridges and of edges that stand alone."""
    size = np.abs(slope)
    typical = float(np.median(size[whole])) if whole.any() else 0.0
    least = max(_FAINTEST, _OUT_OF_NOISE * typical)
    top = np.nonzero((size[1:-1] > size[:-2]) & (size[1:-1] >= size[2:]) & (size[1:-1] > least))[0] + 1
    room = round(2 * _ALONE / _STEP)
    top = top[(top >= room) & (top < len(slope) - room)]
    top = top[np.convolve(whole, np.ones(2 * room + 1), "same")[top] == 2 * room + 1] if len(top) else top
    exact = top + _vertices(size, top)
    index, kind, strength = [], [], []
    for n, k in enumerate(top):
        rising = slope[k] > 0
        partner = n + 1
        if (
            rising
            and partner < len(top)
            and (top[partner] - k) * _STEP <= _WIDEST
            and slope[top[partner]] < 0
        ):
            if min(size[k], size[top[partner]]) > 0.5 * max(size[k], size[top[partner]]):
                index.append((exact[n] + exact[partner]) / 2)
                kind.append(0)
                strength.append(float(min(size[k], size[top[partner]])))
            continue
        if _alone(slope, int(k)):
            index.append(exact[n])
            kind.append(1 if rising else -1)
            strength.append(float(size[k]))
    return np.array(index), np.array(kind, dtype=np.intp), np.array(strength)


def _vertices(size: Floats, top: NDArray[np.intp]) -> Floats:
    """How far behind the samples ``top`` the maxima lie, by the parabolas through them and their neighbours."""
    before, here, after = size[top - 1], size[top], size[top + 1]
    bend = before - 2 * here + after
    bent = bend < -1e-12
    return np.where(bent, np.clip((before - after) / np.where(bent, 2 * bend, 1.0), -1, 1), 0.0)


def _alone(slope: Floats, k: int) -> bool:
    """Whether an edge falls off alike on both sides, as blur makes it, with nothing close by to push it aside."""
    near, far = round(_ALONE / _STEP), round(2 * _ALONE / _STEP)
    steep = abs(slope[k])
    beside = max(np.abs(slope[k - far : k - near]).max(), np.abs(slope[k + near + 1 : k + far + 1]).max())
    one, two = slope[k - near : k][::-1], slope[k + 1 : k + near + 1]
    return bool(beside < _LOPSIDED * steep and np.abs(one - two).max() < _LOPSIDED * steep)


def _lines(places: Places, reach: float) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Numbers of places that line up on one page, and the line of each; the strongest lines first."""
    chosen: list[NDArray[np.intp]] = []
    free = np.ones(len(places), np.bool_)
    for seed in np.argsort(-places.strength, kind="stable"):
        if len(chosen) >= _MOST_LINES:
            break
        if not free[seed]:
            continue
        beside = np.abs(places.lean - places.lean[seed]) * places.scale
        alike = np.nonzero(free & (places.kind == places.kind[seed]) & (beside < reach))[0]
        order = alike[np.lexsort((beside[alike], places.stretch[alike]))]
        mine = order[np.unique(places.stretch[order], return_index=True)[1]]
        mine = _unbroken(mine, places.stretch, int(places.stretch[seed]))
        if len(mine) >= _LEAST_STRETCHES:
            chosen.append(mine)
            free[mine] = False
        free[seed] = False
    if not chosen:
        return np.empty(0, np.intp), np.empty(0, np.intp)
    return np.concatenate(chosen), np.repeat(np.arange(len(chosen)), [len(mine) for mine in chosen])


def _unbroken(mine: NDArray[np.intp], stretch: NDArray[np.intp], seed: int) -> NDArray[np.intp]:
    """The run around the seed's stretch without a gap of more than two stretches, if enough of it is filled."""
    numbers = stretch[mine]
    breaks = np.nonzero(np.diff(numbers) > 3)[0] + 1
    for run in np.split(np.arange(len(mine)), breaks):
        span = numbers[run]
        if len(span) and span[0] <= seed <= span[-1]:
            filled = len(span) / (span[-1] - span[0] + 1)
            return mine[run] if filled >= _LEAST_SHARE else np.empty(0, np.intp)
    return np.empty(0, np.intp)
