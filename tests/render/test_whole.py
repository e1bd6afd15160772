"""The whole panorama in the programme's picture: its place, its scale, its margins."""

from __future__ import annotations

import numpy as np
import pytest

from touchline.gst.nv12 import Nv12
from touchline.panorama.workers import Workers
from touchline.render.whole import WholePanorama


@pytest.fixture(scope="module")
def workers():
    with Workers(2) as some:
        yield some


def ramp(width: int, height: int) -> Nv12:
    """Luma grows to the right, U downwards, V falls to the right: means of areas are values at their centres."""
    picture = Nv12.empty(width, height)
    picture.y[:] = np.rint(30 + 180 * np.arange(width) / width)
    picture.uv[..., 0] = np.rint(40 + 160 * np.arange(height // 2) / (height // 2))[:, None]
    picture.uv[..., 1] = np.rint(200 - 160 * np.arange(width // 2) / (width // 2))
    return picture


@pytest.mark.parametrize(
    ("source", "size", "top", "left", "shown"),
    [
        ((1600, 400), (640, 360), 100, 0, (160, 640)),
        ((1600, 400), (320, 320), 120, 0, (80, 320)),
        ((400, 400), (640, 360), 0, 140, (360, 360)),
        ((300, 100), (640, 360), 72, 0, (214, 640)),
        ((5700, 1900), (322, 180), 36, 0, (108, 322)),
    ],
)
def test_place_scale_and_margins(workers, source, size, top, left, shown):
    out = Nv12.empty(*size)
    out.fill(99, 99, 99)
    whole = WholePanorama(source, *size, workers)
    whole.render(ramp(*source), out)
    rows, columns = slice(top, top + shown[0]), slice(left, left + shown[1])
    across = (np.arange(shown[1]) + 0.5) / shown[1]
    wanted = 30 + 180 * (across - 0.5 / source[0])
    assert np.abs(out.y[rows, columns][:, 2:-2] - wanted[2:-2]).max() <= 1.5
    chroma = out.uv[top // 2 : (top + shown[0]) // 2, left // 2 : (left + shown[1]) // 2]
    down = (np.arange(shown[0] // 2) + 0.5) / (shown[0] // 2)
    wanted = 40 + 160 * (down - 0.5 / (source[1] // 2))
    assert np.abs(chroma[2:-2, 4, 0] - wanted[2:-2]).max() <= 1.5
    margin = np.ones(out.y.shape, bool)
    margin[rows, columns] = False
    assert (out.y[margin] == 16).all()
    assert (out.uv[margin[::2, ::2]] == 128).all()


def test_fine_stripes_become_grey(workers):
    source = Nv12.empty(1600, 400)
    source.fill(0, 128, 128)
    source.y[:, ::2] = 220
    out = Nv12.empty(320, 180)
    WholePanorama((1600, 400), 320, 180, workers).render(source, out)
    shown = out.y[60:120].astype(float)
    assert np.abs(shown - 110).max() < 32, "a mean of five stripes leaves a fifth of their contrast"
    assert abs(shown.mean() - 110) < 1


def test_other_sizes_are_refused(workers):
    whole = WholePanorama((1600, 400), 320, 180, workers)
    with pytest.raises(ValueError, match="320x180"):
        whole.render(ramp(1600, 400), Nv12.empty(180, 320))
    with pytest.raises(ValueError, match="1600x400"):
        whole.render(ramp(400, 400), Nv12.empty(320, 180))
