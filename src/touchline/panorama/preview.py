"""A picture of a calibration for a person to judge: the panorama with its seam, and the overlap in detail."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from touchline.geometry import Panorama, Rig, fit_panorama, rays_to_angles
from touchline.panorama.calibrate_matches import Matches
from touchline.panorama.calibrate_still import Image
from touchline.panorama.compare import shown
from touchline.panorama.field_picture import draw_outline
from touchline.panorama.joint import FEATHER_DEG
from touchline.panorama.warp import edge_distance, right_share

Floats = NDArray[np.float64]

_WIDTH = 1920
_MARGIN, _BAND = 24, 44
_PAPER, _INK, _SEAM, _DOT = (32, 28, 24), (235, 235, 235), (40, 210, 255), (80, 255, 120)
_LINE, _FIELD = (90, 200, 255), (255, 150, 50)
_CHECK = 40  # pixels along a square of the checkerboard
_FONT = cv2.FONT_HERSHEY_SIMPLEX


def preview(
    rig: Rig,
    left: Image,
    right: Image,
    points: Matches | None = None,
    note: str = "",
    lines: tuple[Floats, Floats] | None = None,
) -> Image:
    """Draws what a rig makes of a pair of pictures.

    Above, the whole panorama, blended, with the seam as a dashed line. Below, the overlap: once as a checkerboard
    of the two pictures, in which every line must run on from square to square, and once with the points that fit.
    The field is outlined in the panorama if the rig knows it.
    Last, if there are any, the straight lines that the rig was levelled by.

    Args:
        rig: the cameras.
        left, right: BGR pictures of the rig's sizes, uint8.
        points: matched points in pixels, drawn if there are any.
        note: a line of text for the bottom.
        lines: places along straight lines in the left and the right picture, pixels, shape (n, 2) each.

    Returns:
        A BGR picture, 1920 pixels wide.

    Raises:
        RigError: for pictures of other sizes, or a rig without a panorama.
    """
    rig.check_sizes(*((image.shape[1], image.shape[0]) for image in (left, right)))
    panorama = fit_panorama(rig)
    inner = _WIDTH - 2 * _MARGIN
    scale = min(inner / panorama.width, 900 / panorama.height)
    small = _sized(panorama, scale)
    top, title = _panorama(rig, small, left, right), "Panorama; the dashed line is the seam"
    outlined = top
    if rig.outline:
        outlined = draw_outline(small, top, rig.outline, _FIELD)
        title += ", the blue one the field's outline"
    detail = _overlap(rig, panorama)
    checks = _checkerboard(rig, detail, left, right)
    dots = _dotted(rig, detail, left, right, points)
    pages = [
        _titled(_fitted(outlined, inner, 900), title),
        _beside(
            _titled(
                _fitted(checks, inner // 2 - _MARGIN, 700),
                "Overlap, left and right in turn: lines must run on",
            ),
            _titled(_fitted(dots, inner // 2 - _MARGIN, 700), "Points that fit the rig"),
        ),
    ]
    if lines is not None and len(lines[0]) + len(lines[1]):
        drawn = _lined(rig, small, top, lines)
        pages.append(
            _titled(
                _fitted(drawn, inner, 900), "Straight lines that say where the field lies and what is level"
            )
        )
    if note:
        pages.append(_text(note, inner))
    return _stacked(pages)


def _sized(panorama: Panorama, scale: float) -> Panorama:
    return panorama.scaled(*(max(2, round(n * scale / 2) * 2) for n in (panorama.width, panorama.height)))


def _both(rig: Rig, panorama: Panorama, left: Image, right: Image) -> tuple[Image, Image, Floats]:
    """Both pictures in the panorama, the right one in the left one's colours, and the right one's share."""
    rays = panorama.rays(np.arange(panorama.width)[None, :], np.arange(panorama.height)[:, None])
    one, two = shown(rig.left, left, rays), shown(rig.right, right, rays)
    seen = np.minimum(edge_distance(rig.left, rays), edge_distance(rig.right, rays)) > 2
    if np.count_nonzero(seen) > 100:
        ratio = one[seen].astype(np.float64).mean(axis=0) / np.maximum(
            two[seen].astype(np.float64).mean(axis=0), 1
        )
        two = np.clip(two * np.clip(ratio, 0.5, 2.0), 0, 255).astype(np.uint8)
    return one, two, right_share(rig, rays, FEATHER_DEG)


def _panorama(rig: Rig, panorama: Panorama, left: Image, right: Image) -> Image:
    one, two, share = _both(rig, panorama, left, right)
    mixed = np.rint(one * (1 - share[..., None]) + two * share[..., None]).astype(np.uint8)
    seam = np.abs(np.diff(np.sign(share - 0.5), axis=1)) > 0
    dashed = seam & (np.arange(len(seam))[:, None] // 12 % 2 == 0)
    thick = cv2.dilate(dashed.astype(np.uint8), np.ones((1, 2), np.uint8)) > 0
    mixed[:, :-1][thick] = _SEAM
    return mixed


def _overlap(rig: Rig, panorama: Panorama) -> Panorama:
    """The part of the panorama that both cameras see, as finely as the whole."""
    rays = panorama.rays(np.arange(0, panorama.width, 8)[None, :], np.arange(0, panorama.height, 8)[:, None])
    seen = np.minimum(edge_distance(rig.left, rays), edge_distance(rig.right, rays)) > 2
    columns = np.nonzero(seen.any(axis=0))[0] * 8
    if len(columns) < 4:
        columns = np.array([0, panorama.width - 1])
    first, last = panorama.pixels_to_angles([columns[0] - 0.5, columns[-1] + 0.5], [0, 0])[0]
    width = max(16, int(columns[-1] - columns[0]) // 2 * 2)
    p = panorama
    return Panorama(p.projection, width, p.height, float(first), float(last), p.pitch_min, p.pitch_max)


def _checkerboard(rig: Rig, detail: Panorama, left: Image, right: Image) -> Image:
    one, two, share = _both(rig, detail, left, right)
    rays = detail.rays(np.arange(detail.width)[None, :], np.arange(detail.height)[:, None])
    both = np.minimum(edge_distance(rig.left, rays), edge_distance(rig.right, rays)) > 0
    y, x = np.mgrid[0 : detail.height, 0 : detail.width]
    chosen = np.where(both, (x // _CHECK + y // _CHECK) % 2 == 0, share < 0.5)
    return np.where(chosen[..., None], one, two)


def _dotted(rig: Rig, detail: Panorama, left: Image, right: Image, points: Matches | None) -> Image:
    one, two, share = _both(rig, detail, left, right)
    mixed = (one * (1 - share[..., None]) + two * share[..., None]) * 0.6
    drawn = np.ascontiguousarray(mixed.astype(np.uint8))
    if points is not None:
        rays = rig.left.unproject(points.left) + rig.right.unproject(points.right)
        yaw = np.arctan2(rays[:, 0], rays[:, 2])
        pitch = np.arctan2(-rays[:, 1], np.hypot(rays[:, 0], rays[:, 2]))
        for x, y in zip(*detail.angles_to_pixels(yaw, pitch), strict=True):
            cv2.circle(drawn, (round(float(x)), round(float(y))), 3, _DOT, -1, cv2.LINE_AA)
    return np.asarray(drawn, dtype=np.uint8)


def _lined(rig: Rig, panorama: Panorama, picture: Image, lines: tuple[Floats, Floats]) -> Image:
    drawn = np.ascontiguousarray((picture * 0.55).astype(np.uint8))
    for camera, places in zip(rig.cameras, lines, strict=True):
        yaw, pitch = rays_to_angles(camera.unproject(places))
        for x, y in zip(*panorama.angles_to_pixels(yaw, pitch), strict=True):
            cv2.circle(drawn, (round(float(x)), round(float(y))), 2, _LINE, -1, cv2.LINE_AA)
    return np.asarray(drawn, dtype=np.uint8)


def _fitted(image: Image, width: int, height: int) -> Image:
    scale = min(width / image.shape[1], height / image.shape[0])
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    return np.asarray(cv2.resize(image, size, interpolation=method), dtype=np.uint8)


def _text(line: str, width: int) -> Image:
    page = np.full((_BAND, width, 3), _PAPER, np.uint8)
    written = cv2.getTextSize(line, _FONT, 0.7, 1)[0][0]
    cv2.putText(page, line, (0, 30), _FONT, 0.7 * min(1.0, width / max(1, written)), _INK, 1, cv2.LINE_AA)
    return page


def _titled(image: Image, title: str) -> Image:
    width = max(image.shape[1], 620)
    page = np.full((image.shape[0] + _BAND, width, 3), _PAPER, np.uint8)
    page[:_BAND] = _text(title, width)
    page[_BAND:, : image.shape[1]] = image
    return page


def _beside(one: Image, two: Image) -> Image:
    page = np.full((max(len(one), len(two)), one.shape[1] + 2 * _MARGIN + two.shape[1], 3), _PAPER, np.uint8)
    page[: len(one), : one.shape[1]] = one
    page[: len(two), -two.shape[1] :] = two
    return page


def _stacked(pages: list[Image]) -> Image:
    height = sum(len(page) for page in pages) + _MARGIN * (len(pages) + 1)
    picture = np.full((height, _WIDTH, 3), _PAPER, np.uint8)
    y = _MARGIN
    for page in pages:
        picture[y : y + len(page), _MARGIN : _MARGIN + page.shape[1]] = page[:, : _WIDTH - _MARGIN]
        y += len(page) + _MARGIN
    return picture
