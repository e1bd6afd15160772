"""Drawing on NV12: colours come out as asked for, where asked for, and nowhere else."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchline.gst.nv12 import Nv12
from touchline.render.drawing import Ink, Pen, part_of

RED = Ink.rgb(255, 0, 0)


def blank(width: int = 64, height: int = 48, pad: int = 0) -> Nv12:
    """Black; with padded rows, as a decoder's."""
    if not pad:
        picture = Nv12.empty(width, height)
    else:
        stride = width + pad
        data = np.zeros(stride * height * 3 // 2, np.uint8)
        picture = Nv12.over(data.data, width, height, (stride, stride), (0, stride * height))
    picture.fill(16, 128, 128)
    return picture


@pytest.mark.parametrize(
    "rgb", [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0), (255, 220, 0)]
)
def test_inks_are_bt709(rgb: tuple[int, int, int]) -> None:
    """The inverse, by ITU-R BT.709's own numbers, gives the colour back."""
    ink = Ink.rgb(*rgb)
    y, cb, cr = (ink.y - 16) / 219, (ink.u - 128) / 224, (ink.v - 128) / 224
    red, blue = y + 1.5748 * cr, y + 1.8556 * cb
    green = (y - 0.2126 * red - 0.0722 * blue) / 0.7152
    assert np.array([red, green, blue]) * 255 == pytest.approx(np.array(rgb), abs=2)
    assert 16 <= ink.y <= 235
    assert all(16 <= chroma <= 240 for chroma in (ink.u, ink.v))


@pytest.mark.parametrize("pad", [0, 24])
def test_a_box_has_edges_and_nothing_inside(pad: int) -> None:
    picture = blank(pad=pad)
    Pen(picture).box(10, 12, 50, 36, RED, 1)
    for x, y in ((10, 20), (50, 20), (30, 12), (30, 36)):
        assert picture.y[y, x] == pytest.approx(RED.y, abs=6)  # smoothed
        assert tuple(picture.uv[y // 2, x // 2]) == (RED.u, RED.v)
    assert (picture.y[15:33, 14:47] == 16).all()
    assert (picture.y[:10] == 16).all()
    assert (picture.uv[8:16, 8:22] == 128).all()


def test_dots_and_fillings() -> None:
    picture = blank()
    pen = Pen(picture)
    pen.fill([(4, 4), (20, 4), (20, 20), (4, 20)], RED)
    assert (picture.y[6:18, 6:18] == RED.y).all()
    assert (picture.uv[4:9, 4:9] == (RED.u, RED.v)).all()
    pen.dot(40, 30, 4, Ink.rgb(255, 255, 255))
    assert picture.y[30, 40] == 235
    assert picture.y[30, 46] == 16


def test_a_part_is_drawn_on_alone() -> None:
    picture = blank()
    part = part_of(picture, 32, 24, 32, 24)
    Pen(part).fill([(-5, -5), (60, -5), (60, 60), (-5, 60)], RED)
    assert (picture.y[24:, 32:] == RED.y).all()
    assert (picture.uv[12:, 16:] == (RED.u, RED.v)).all()
    assert (picture.y[:24] == 16).all()
    assert (picture.y[:, :32] == 16).all()
    assert (picture.uv[:12] == 128).all()


@pytest.mark.parametrize("cut", [(1, 0, 4, 4), (0, 0, 5, 4), (0, 0, 66, 4), (-2, 0, 4, 4), (0, 0, 0, 4)])
def test_no_part_is_refused(cut: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValueError, match=r"NV12 is cut at even|is no part of"):
        part_of(blank(), *cut)


anything = st.floats(allow_nan=True, allow_infinity=True, width=32)


@given(st.lists(st.tuples(anything, anything), max_size=6), st.booleans())
def test_points_from_behind_the_camera_do_no_harm(points: list[tuple[float, float]], closed: bool) -> None:
    """nan, infinity and numbers that do not fit OpenCV's 32 bits; what is drawn is one ink."""
    picture = blank()
    pen = Pen(picture)
    pen.line(np.array(points).reshape(-1, 2), RED, 2, closed=closed)
    pen.fill(np.array(points).reshape(-1, 2), RED)
    for x, y in points:
        pen.dot(x, y, 3, RED)
    assert ((picture.y >= 16) & (picture.y <= max(16, RED.y))).all()


def test_a_gap_in_a_line_is_not_bridged() -> None:
    picture = blank()
    Pen(picture).line([(2, 10), (12, 10), (math.nan, 0), (40, 10), (60, 10)], RED, 1)
    assert picture.y[10, 6] > 50
    assert picture.y[10, 50] > 50
    assert (picture.y[10, 16:36] == 16).all()
    assert cv2.countNonZero((picture.y != 16).astype(np.uint8)) < 110
