"""Where the field is: the ground of one colour that most of the lower picture shows, cut along its white lines.

Over several pictures the median of each pixel shows the ground without players. Its most common colour is the ground's
colour; the largest connected region of that colour is the ground. The field may be smaller, since grass is mown beyond
its lines: white lines that run all the way across the ground near its edge bound it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from touchline.errors import FieldError
from touchline.geometry import FieldOutline, Panorama, Rig, angles_to_rays, rays_to_angles
from touchline.geometry.outline import Points
from touchline.panorama.calibrate_still import Image
from touchline.panorama.field_lines import GroundLine, ground_lines, line_pixels
from touchline.panorama.warp import edge_distance, right_share

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

_WIDTH = 3200  # pixels of the panorama that is looked at, at most
_FINER = 1.5  # than the cameras are in their middle: towards the edges they are finer
_COLOURS = 6.0  # levels of a and b within which a colour is the ground's, at least
_SIGMAS = 3.5
_LEAST_SHARE = 0.08  # of what is seen below the horizon
_LEAST_SOLID = 0.8  # of its convex hull
_FILLED = 0.45  # of a line's way across the ground that must be white
_BESIDE = 0.4  # share of the ground that may lie beyond a line that bounds the field
_ON = math.radians(0.6)  # from a line, what counts as ground under it
_CORNER_DEG = 0.25  # by which corners may be off that are left out


def find_field(rig: Rig, pairs: Sequence[tuple[Image, Image]]) -> Points:
    """The field's outline in the rig's frame.

    Args:
        rig: the cameras.
        pairs: BGR pictures of the left and of the right camera at the same moments; five or more, some seconds apart,
            so that players have moved on.

    Returns:
        Corners (yaw, pitch) in degrees, for :class:`touchline.geometry.Rig`. Where the field goes on outside the
        pictures, the outline runs along what they show.

    Raises:
        FieldError: if there is no ground of one colour that could be a field.
        RigError: for pictures of other sizes than the rig's.
    """
    if not pairs:
        raise FieldError("no pictures to find the field in: the footage is empty or could not be read")
    for pair in pairs:
        rig.check_sizes(*((image.shape[1], image.shape[0]) for image in pair))
    panorama, seen = looked_at(rig)
    picture = ground_picture(rig, panorama, pairs)
    ground = _ground(picture, panorama, seen)
    rays = panorama.rays(np.arange(panorama.width)[None, :], np.arange(panorama.height)[:, None])
    coarse = rays[::4, ::4]
    hull = _hull(rays[ground][::3])
    _check_solid(hull, coarse, ground[::4, ::4], seen[::4, ::4])
    inner = cv2.erode(ground.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    white = line_pixels(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), inner)
    lines = ground_lines(rays[white], coarse[ground[::4, ::4]])
    return _outline(hull, bounding(lines, coarse[ground[::4, ::4]]))


def ground_picture(rig: Rig, panorama: Panorama, pairs: Sequence[tuple[Image, Image]]) -> Image:
    """The panorama without what moves: the median over the pairs of each pixel, BGR."""
    rays = panorama.rays(np.arange(panorama.width)[None, :], np.arange(panorama.height)[:, None])
    right = right_share(rig, rays, 1.0) > 0.5
    places = [
        np.clip(camera.project(rays)[0], -10, 32000).astype(np.float32) for camera in (rig.left, rig.right)
    ]
    # Each direction from one camera alone: a blend is sharp nowhere.
    made = np.empty((len(pairs), panorama.height, panorama.width, 3), dtype=np.uint8)
    for number, pair in enumerate(pairs):
        rig.check_sizes(*((image.shape[1], image.shape[0]) for image in pair))
        one, two = (
            cv2.remap(
                image, at[..., 0].copy(), at[..., 1].copy(), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
            )
            for image, at in zip(pair, places, strict=True)
        )
        made[number] = np.where(right[..., None], two, one)
    middle = len(pairs) // 2
    return np.asarray(np.partition(made, middle, axis=0)[middle])


def bounding(lines: Sequence[GroundLine], ground: Floats) -> list[Floats]:
    """The poles, pointing to the field, of the lines that bound it, shape (3,) each.

    They are white most of the way across the ground, most of which lies on one side, and no other such line runs
    beyond them: the line of the penalty area lies within the goal line.

    Args:
        lines: what was found.
        ground: unit vectors all over the ground, shape (n, 3).
    """
    found = []
    for line in lines:
        share = float((ground @ line.pole > 0).mean())
        if line.filled >= _FILLED and min(share, 1 - share) <= _BESIDE:
            found.append(line.pole if share > 0.5 else -line.pole)
    return [pole for pole in found if not any(_beyond(other, pole, ground) for other in found)]


def _beyond(other: Floats, pole: Floats, ground: Floats) -> bool:
    """True if a line runs across the ground on the outer side of another one."""
    along = ground[np.abs(ground @ other) < _ON]
    return len(along) > 0 and float((along @ pole < 0).mean()) > 0.9


def looked_at(rig: Rig) -> tuple[Panorama, Mask]:
    """All that the cameras see from far below to a little above the horizon, and where in it they see anything."""
    step = math.radians(0.5)
    yaw, pitch = np.arange(-math.pi, math.pi, step), np.arange(math.radians(-75), math.radians(8), step)
    rays = angles_to_rays(yaw[None, :], pitch[:, None])
    sees = np.maximum(edge_distance(rig.left, rays), edge_distance(rig.right, rays)) > 0
    columns, rows = np.nonzero(sees.any(axis=0))[0], np.nonzero(sees.any(axis=1))[0]
    limits = [float(a) for a in (yaw[columns[0]], yaw[columns[-1]], pitch[rows[0]], pitch[rows[-1]])]
    per_radian = min(_FINER * rig.left.fx, _WIDTH / (limits[1] - limits[0]))
    width, height = (round((high - low) * per_radian / 2) * 2 for low, high in (limits[:2], limits[2:]))
    panorama = Panorama("equirectangular", width, height, *limits)
    rays = panorama.rays(np.arange(width)[None, :], np.arange(height)[:, None])
    return panorama, np.maximum(edge_distance(rig.left, rays), edge_distance(rig.right, rays)) > 1


def _ground(picture: Image, panorama: Panorama, seen: Mask) -> Mask:
    """The largest region of the most common colour below the horizon. Raises FieldError if it is no field."""
    smooth = cv2.medianBlur(picture, 5)
    lab = cv2.cvtColor(smooth, cv2.COLOR_BGR2LAB).astype(np.float32)
    rows = np.arange(panorama.height)
    below = seen & (panorama.pixels_to_angles(0.0, rows)[1] < 0)[:, None]
    colour, spread = _common(lab, below)
    off = np.abs(lab - colour) / np.maximum(_SIGMAS * spread, (45.0, _COLOURS, _COLOURS))
    like = ((off.max(axis=-1) < 1) & below).astype(np.uint8)
    # Lines and worn places belong to it, and a thread of the same colour to something else does not.
    size = max(3, panorama.width // 250) | 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    like = cv2.morphologyEx(cv2.morphologyEx(like, cv2.MORPH_CLOSE, disc), cv2.MORPH_OPEN, disc)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(like, connectivity=4)
    if count < 2:
        raise _nothing("no colour is common enough")
    largest = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
    share = float(stats[largest, cv2.CC_STAT_AREA]) / max(1, int(below.sum()))
    if share < _LEAST_SHARE:
        raise _nothing(f"the largest region of one colour is {share:.0%} of what is seen below the horizon")
    return _filled(labels == largest)


def _common(lab: NDArray[np.float32], where: Mask) -> tuple[Floats, Floats]:
    """The colour at the peak of the histogram of a and b, and the spread about it, L, a and b each.

    Grey is no ground's colour: roads, stands and walls are grey.
    """
    values = lab[where]
    coloured = values[np.hypot(values[:, 1] - 128, values[:, 2] - 128) > 8]
    if len(coloured) < 0.02 * len(values) or len(coloured) < 100:
        raise _nothing("nothing below the horizon has a colour")
    bins = np.histogram2d(coloured[:, 1], coloured[:, 2], bins=64, range=((0, 256), (0, 256)))[0]
    peak = np.unravel_index(int(np.argmax(cv2.GaussianBlur(bins, (0, 0), 1.0))), bins.shape)
    a, b = (4.0 * float(index) + 2.0 for index in peak)
    near = coloured[(np.abs(coloured[:, 1] - a) < 10) & (np.abs(coloured[:, 2] - b) < 10)]
    colour = np.median(near, axis=0)
    return colour.astype(np.float64), 1.48 * np.median(np.abs(near - colour), axis=0).astype(np.float64)


def _filled(region: Mask) -> Mask:
    """A region with its holes: players who stood, goals, worn places."""
    outlines, _ = cv2.findContours(region.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    drawn = np.zeros(region.shape, np.uint8)
    cv2.drawContours(drawn, outlines, -1, 1, cv2.FILLED)
    return drawn > 0


def _hull(rays: Floats) -> Floats:
    """The convex outline of some directions: its corners, shape (n, 3)."""
    frame = _frame(rays[:: max(1, len(rays) // 4000)])
    seen = rays @ frame.T
    if seen[:, 2].min() < math.cos(math.radians(87)):
        raise _nothing("the ground of one colour goes half-way round the mast")
    flat = (seen[:, :2] / seen[:, 2:]).astype(np.float32)
    corners = cv2.convexHull(flat.reshape(-1, 1, 2)).reshape(-1, 2).astype(np.float64)
    made = np.column_stack([corners, np.ones(len(corners))]) @ frame
    made /= np.linalg.norm(made, axis=1, keepdims=True)
    return np.asarray(made)


def _check_solid(hull: Floats, rays: Floats, ground: Mask, seen: Mask) -> None:
    """Raises FieldError if the ground fills too little of its convex outline to be a field."""
    points = tuple(zip(*(np.degrees(angle).tolist() for angle in rays_to_angles(hull)), strict=True))
    inside = FieldOutline(points).contains(rays) & seen
    solid = float((ground & inside).sum()) / max(1, int(inside.sum()))
    if solid < _LEAST_SOLID:
        raise _nothing(f"the largest region of one colour fills {solid:.0%} of its outline")


def _frame(rays: Floats) -> Floats:
    """Axes, the last one into the middle of some directions."""
    middle = rays.mean(axis=0)
    for k in range(2, 200):
        middle = middle / np.linalg.norm(middle)
        middle = middle + (rays[int(np.argmin(rays @ middle))] - middle) / k
    ahead = middle / np.linalg.norm(middle)
    aside = np.cross(ahead, (0.0, 1.0, 0.0))
    aside /= np.linalg.norm(aside)
    return np.stack([aside, np.cross(ahead, aside), ahead])


def _outline(corners: Floats, poles: list[Floats]) -> Points:
    """A convex outline cut along great circles, its needless corners left out."""
    for pole in poles:
        corners = _cut(corners, pole)
    frame = _frame(corners)
    seen = corners @ frame.T
    flat = (seen[:, :2] / seen[:, 2:]).astype(np.float32).reshape(-1, 1, 2)
    kept = cv2.approxPolyDP(flat, math.radians(_CORNER_DEG), True).reshape(-1, 2).astype(np.float64)
    rays = np.column_stack([kept, np.ones(len(kept))]) @ frame
    yaw, pitch = (np.degrees(angle) for angle in rays_to_angles(rays))
    points = tuple((round(float(y), 3), round(float(p), 3)) for y, p in zip(yaw, pitch, strict=True))
    return FieldOutline(points).points


def _cut(corners: Floats, pole: Floats) -> Floats:
    """What of a convex outline lies on the pole's side (Sutherland and Hodgman 1974), shape (n, 3)."""
    heights = corners @ pole
    made: list[Floats] = []
    for number, here in enumerate(heights):
        before = heights[number - 1]
        if (here >= 0) != (before >= 0):
            crossing = corners[number - 1] * abs(here) + corners[number] * abs(before)
            made.append(crossing / np.linalg.norm(crossing))
        if here >= 0:
            made.append(corners[number])
    return np.array(made)


def _nothing(why: str) -> FieldError:
    return FieldError(f"no field found ({why}): draw it, with touchline field ... --draw or --points")
