"""The curves: there and back, and what they do to a picture against the camera's own arithmetic in float64."""

from __future__ import annotations

import math

import numpy as np
import pytest
from two_views import PANORAMA, RIG, Sensor, film, radius2, transfer

from touchline.gst.nv12 import Nv12
from touchline.panorama.kernels import warp_rows
from touchline.panorama.shading import Shading
from touchline.panorama.tone import Light, corrected, to_light, to_signal
from touchline.panorama.tone_kernels import plain_tones
from touchline.panorama.warp import block_count, picture_of, plan_stitch, writable_picture_of


def test_the_transfer_function_is_bt_709s_and_has_an_inverse():
    signal = np.linspace(-0.07, 1.09, 500)
    assert np.abs(to_signal(to_light(signal)) - signal).max() < 1e-9
    light = np.linspace(0, 1.2, 500)
    assert np.abs(to_signal(light) - transfer(light)).max() < 4e-4, (
        "in three digits its two pieces do not meet"
    )


def test_a_gain_in_light_is_undone_exactly():
    levels = np.arange(20, 230, 0.5)
    light = to_light((levels - 16) / 219)
    brighter = 16 + 219 * to_signal(np.exp(0.3) * light + 0.01)
    seen = Light(0.3, 0.01 / math.exp(0.15))
    left, right = seen.halves()
    both = brighter < 235
    assert np.abs(corrected(levels, *left) - corrected(brighter, *right))[both].max() < 1e-6


def made_with(tones, pictures):
    """The panorama of two pictures under some tones, no seam in it: left of the middle the left one, then the right."""
    plan = plan_stitch(RIG, PANORAMA, 0.0)
    out = Nv12.empty(PANORAMA.width, PANORAMA.height)
    warp_rows(
        0,
        block_count(PANORAMA.width, PANORAMA.height)[0],
        plan.kinds,
        *(picture_of(picture) for picture in pictures),
        plan.left.coefficients,
        plan.right.coefficients,
        plan.weights,
        tones,
        writable_picture_of(out),
    )
    return plan, out


@pytest.mark.parametrize(
    ("gain", "offset", "short"),
    [(0.25, 0.0, True), (-0.2, 0.002, True), (0.25, 0.012, False), (1.0, 0.0, False)],
)
@pytest.mark.parametrize("falloffs", [(0.0, 0.0), (0.3, 0.1)])
def test_the_kernel_does_what_the_curves_say(falloffs, gain, offset, short):
    pictures = [film(camera, (), Sensor(noise=20.0), seed) for seed, camera in enumerate(RIG.cameras)]
    seen = Light(gain, offset, 0.03, -0.02, *falloffs)
    shades = Shading(RIG, PANORAMA).shades(*falloffs)
    tones = seen.tones(shades)
    assert tones.short[:, 6].all() == short, "a parabola would do, or would not"
    plan, out = made_with(tones, pictures)
    _, plain = made_with(plain_tones(), pictures)
    # Corrected after it was resampled; the plain panorama has the resampled levels, rounded.
    half = seen.halves()
    x, y = np.arange(PANORAMA.width)[None, :], np.arange(PANORAMA.height)[:, None]
    rays = PANORAMA.rays(x, y)
    share = np.kron(plan.kinds & 3, np.ones((16, 16), int))[: PANORAMA.height, : PANORAMA.width]
    for side, camera in enumerate(RIG.cameras):
        only = share == side + 1
        pixels, inside = camera.project(rays)
        scaled = np.where(
            inside,
            ((pixels - [camera.cx, camera.cy]) ** 2).sum(-1) / ((camera.width**2 + camera.height**2) / 4),
            0,
        )
        wanted = corrected(plain.y, *half[side])
        pivot = 16 - 0.099 * 219
        wanted = np.clip((wanted - pivot) * np.exp(0.45 * falloffs[side] * scaled) + pivot, 0, 255)
        error = np.abs(out.y - wanted)[only & inside]
        assert np.mean(error <= 1.6) > 0.999, "the plain one was rounded before, which the curve stretches"
        assert np.abs((out.y - wanted)[only & inside].mean()) < 0.05


def test_colours_keep_their_hue_under_a_gain():
    """A red wall filmed with twice the light has its colour differences scaled with the slope of its curve."""
    light = np.array([0.3, 0.08, 0.06])  # R, G, B
    signals = [transfer(light * gain) for gain in (1.0, 1.25)]
    luma = [s @ [0.2126, 0.7152, 0.0722] for s in signals]
    red = [224 * (s[0] - grey) / 1.5748 for s, grey in zip(signals, luma, strict=True)]
    seen = Light(math.log(1.25))
    made = []
    for side in (0, 1):
        tones = seen.tones(np.zeros((2, 0, 0, 3), np.int32))
        level = tones.luma[side][round(4 * (16 + 219 * luma[side]))] / 256
        made.append((level, red[side] * tones.chroma[side][round(level)] / 4096))
    assert made[0][0] == pytest.approx(made[1][0], abs=0.5)
    assert made[0][1] == pytest.approx(made[1][1], abs=0.5)


def test_nothing_seen_is_nothing_done():
    tones = Light().tones(np.zeros((2, 0, 0, 3), np.int32))
    levels = np.arange(1021) / 4
    assert np.abs(tones.luma[:, :1021] / 256 - levels).max() < 0.01
    assert (tones.chroma == 4096).all()
    assert (tones.tints[:, :2] == 0).all()


def test_shades_are_the_lens_backwards():
    shades = Shading(RIG, PANORAMA).shades(0.3, 0.2) / 2**20
    x, y = np.arange(8, PANORAMA.width, 16), np.arange(8, PANORAMA.height, 16)[:, None]
    rays = PANORAMA.rays(*np.broadcast_arrays(x, y))
    for side, (camera, k) in enumerate(zip(RIG.cameras, (0.3, 0.2), strict=True)):
        pixels, seen = camera.project(rays)
        radii = radius2(camera)[
            np.clip(np.rint(pixels[..., 1]), 0, camera.height - 1).astype(int),
            np.clip(np.rint(pixels[..., 0]), 0, camera.width - 1).astype(int),
        ]
        rows, columns = seen.shape
        middle = shades[side, :rows, :columns] @ [1, 8, 8]
        assert np.abs(middle - np.exp(0.45 * k * radii))[seen].max() < 0.005
