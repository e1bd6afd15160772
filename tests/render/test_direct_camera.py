"""Views straight from two pictures against a float64 reference that shares no code with the kernels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pairs import PLAIN, TONED, empty_pair, textured_pair, two_cameras, view_of_pair
from rendering import padded, within
from touchline.errors import RigError
from touchline.geometry import Panorama, Rig, View, ViewLimits, fit_panorama
from touchline.gst.nv12 import Nv12
from touchline.panorama.pair import LightLog, PairKeeper, PairLayout
from touchline.panorama.reduce import reduce_luma
from touchline.panorama.shading import Shading
from touchline.panorama.stitch import CpuStitcher
from touchline.panorama.tone import Light
from touchline.panorama.warp import node_positions, right_share, source_positions
from touchline.panorama.workers import Workers
from touchline.render.camera import CpuVirtualCamera
from touchline.render.direct import DirectCamera, ReducedPanorama
from touchline.render.pair_aim import lens_of, project_rays
from touchline.render.pair_resample import PairResampler
from touchline.synth.match import SyntheticMatch

LIGHT = Light(0.4, 0.0, 0.05, -0.04, 0.2, 0.3)


@pytest.fixture(scope="module")
def workers():
    with Workers(2) as some:
        yield some


@pytest.mark.parametrize("lens", ["brown", "fisheye"])
@pytest.mark.parametrize(
    ("size", "pad", "view", "fetches", "difference", "width"),
    [
        ((320, 176), 0, View(-40, -8, 30), 1, TONED, 640),  # the left picture alone
        ((318, 182), 7, View(38, -9, 30), 1, TONED, 640),  # the right one
        ((320, 180), 6, View(2, -9, 36), 1, PLAIN, 640),  # across the seam
        ((320, 180), 0, View(-3, -7, 36), 1, TONED, 640),
        ((160, 90), 2, View(2, -9, 50), 2, TONED, 640),
        ((162, 90), 4, View(-1, -9, 44), 3, TONED, 1280),
        ((128, 72), 0, View(-40, -9, 36), 2, TONED, 640),
        ((128, 72), 2, View(35, -9, 36), 2, PLAIN, 640),
    ],
)
def test_a_view_equals_the_reference(workers, lens, size, pad, view, fetches, difference, width):
    rig = two_cameras(width, width * 9 // 16, lens)
    view = ViewLimits(fit_panorama(rig), size[0] / size[1]).clamp(view)
    pair, out = textured_pair(rig, pad=pad), padded(*size, pad)
    camera = DirectCamera(rig, *size, workers)
    camera.aim(view)
    camera.show(pair, difference.curves(), out)
    assert camera.fetches == fetches
    assert (camera.mixed > 0) == (abs(view.yaw_deg) < 20)
    within(out, view_of_pair(rig, pair, view, size, fetches, difference))


@pytest.mark.parametrize("lens", ["brown", "fisheye"])
def test_positions_are_the_cameras_own(lens):
    """Also where a camera sees nothing, and behind it."""
    rig = two_cameras(lens=lens)
    x, y = node_positions(400, 300)
    for view in (View(0, -9, 150), View(-120, 0, 100), View(170, 60, 120)):
        rays = view.rays(x, y, 400, 300)
        for camera in rig.cameras:
            nodes = np.empty((*rays.shape[:2], 2))
            project_rays(rays * 3.0, lens_of(camera), nodes)
            wanted = source_positions(camera, rays)
            assert np.array_equal(np.isnan(nodes), np.isnan(wanted))
            seen = ~np.isnan(wanted)
            assert np.allclose(nodes[seen], wanted[seen], rtol=1e-9, atol=1e-6)


@pytest.mark.parametrize("lens", ["brown", "fisheye"])
@pytest.mark.parametrize("feather", [0.0, 3.0, 60.0])
def test_the_seam_is_the_stitcher_s(workers, lens, feather):
    rig = two_cameras(lens=lens)
    x, y = node_positions(320, 176)
    resampler = PairResampler(rig, 320, 176, workers, feather_deg=feather)
    for view in (View(0, -9, 30), View(10, -15, 45), View(-40, 0, 40)):
        rays = view.rays(x, y, 320, 176)
        resampler.aim(rays, coarse=0.6)
        wanted = right_share(rig, rays[1:-1, 1:-1], feather)
        assert np.abs(resampler.shares - wanted).max() < 1e-6
    assert wanted.max() < 1


def test_what_lies_outside_is_the_edge_and_memory_is_safe(workers):
    """Views are clamped before they come here; if one is not, the edge is repeated."""
    rig = two_cameras(320, 180)
    pair, out = textured_pair(rig), padded(160, 90, 0)
    camera = DirectCamera(rig, 160, 90, workers)
    for view in (
        View(120, 10, 40),
        View(-170, -28, 50),
        View(0, 80, 60),
        View(100, -85, 150),
        View(0, 0, 150),
    ):
        camera.render(pair, view, Light(), out)
    edge = View(-80, -9, 40)
    camera.render(pair, edge, Light(), out)
    assert camera.fetches == 1
    within(out, view_of_pair(rig, pair, edge, (160, 90), 1))


def test_nothing_is_written_beyond_the_picture(workers):
    """Padding, and memory behind the last row, belong to others: for one fetch and for means of several."""
    rig = two_cameras()
    pair, stride, guard = textured_pair(rig), 180, 4096
    for view in (View(0, -9, 20), View(0, -9, 50)):
        memory = np.full(stride * 90 * 3 // 2 + guard, 77, np.uint8)
        out = Nv12.over(memory, 158, 90, (stride, stride), (0, stride * 90))
        DirectCamera(rig, 158, 90, workers).render(pair, view, LIGHT, out)
        rows = memory[:-guard].reshape(-1, stride)
        assert (rows[:, 158:] == 77).all()
        assert (memory[-guard:] == 77).all()
        assert not (rows[:, :158] == 77).all(axis=1).any(), "a row was not written at all"


def test_fine_stripes_do_not_alias(workers):
    """Stripes finer than the view's samples become grey, not other stripes; also in the overlap."""
    rig = two_cameras(1280, 720)
    pair = empty_pair(rig)
    pair.uv[:] = 128
    pair.y[:, 0::2] = 40
    pair.y[:, 1::2] = 200
    out = Nv12.empty(160, 90)
    camera = DirectCamera(rig, 160, 90, workers)
    camera.render(pair, ViewLimits(fit_panorama(rig), 16 / 9).clamp(View(0, -9, 60)), Light(), out)
    assert camera.fetches > 1
    assert camera.mixed > 0
    assert np.abs(out.y.astype(float) - 120).max() < 30
    assert out.y.std() < 8


def test_the_same_whoever_works():
    rig = two_cameras()
    pair, views = textured_pair(rig), (View(0, -8, 30), View(0, -9, 55))
    made = []
    for threads in (1, 3):
        with Workers(threads) as some:
            camera = DirectCamera(rig, 150, 94, some)
            outs = [Nv12.empty(150, 94) for _ in views]
            for view, out in zip(views, outs, strict=True):
                camera.render(pair, view, LIGHT, out)
            made.append(outs)
    for one, two in zip(*made, strict=True):
        assert np.array_equal(one.y, two.y)
        assert np.array_equal(one.uv, two.uv)


def test_misuse_is_refused(workers):
    rig = two_cameras()
    with pytest.raises(ValueError, match="even size"):
        DirectCamera(rig, 101, 50, workers)
    camera = DirectCamera(rig, 100, 50, workers)
    with pytest.raises(ValueError, match="640x360 \\+ 656x368 lies in 656x728, not in 640x360"):
        camera.render(Nv12.empty(640, 360), View(0, 0, 20), Light(), Nv12.empty(100, 50))
    with pytest.raises(ValueError, match="makes 100x50, not 50x100"):
        camera.render(textured_pair(rig), View(0, 0, 20), Light(), Nv12.empty(50, 100))
    resampler = PairResampler(rig, 100, 50, workers)
    with pytest.raises(RigError, match="other cameras"):
        resampler.render(Nv12.empty(640, 360), Nv12.empty(640, 360), PLAIN.curves(), Nv12.empty(100, 50))
    with pytest.raises(ValueError, match="can't be reduced by 4000"):
        ReducedPanorama(rig, fit_panorama(rig), 4000, workers)


class Filmed:
    """A frame of the synthetic match: the pair with its tones, and the panorama that the stitcher makes of it."""

    def __init__(
        self, workers: Workers, seed: int, size: tuple[int, int] = (640, 360), index: int = 3
    ) -> None:
        self.match = SyntheticMatch(seed, size)
        self.rig = self.match.rig
        self.panorama = fit_panorama(self.rig)
        self.index = index
        left, right = Nv12.empty(*size), Nv12.empty(*size)
        self.match.draw(index, left, right)
        log = LightLog()
        self.pair = Nv12.empty(*PairLayout.of(self.rig).size)
        PairKeeper(self.rig, self.panorama, log).keep(left, right, self.pair, 0.1)
        self.light = log.at(100_000_000)
        self.stitched = Nv12.empty(self.panorama.width, self.panorama.height)
        stitcher = CpuStitcher(self.rig, self.panorama, workers)
        stitcher.stitch(left, right, self.stitched, 0.1)
        assert self.light == stitcher.correction.light


@pytest.fixture(scope="module")
def filmed(workers):
    return Filmed(workers, seed=5)


def psnr(one: Nv12, other: Nv12) -> float:
    return float(10 * np.log10(255**2 / np.mean((one.y.astype(float) - other.y) ** 2)))


def sharpness(picture: Nv12) -> float:
    """Mean square of the luma's gradient."""
    y = picture.y.astype(float)
    return float(np.mean(np.diff(y, axis=0)[:, :-1] ** 2 + np.diff(y, axis=1)[:-1] ** 2))


@pytest.mark.parametrize("yaw", [-35.0, 0.0])
def test_it_is_sharper_than_through_the_panorama_and_nearer_to_the_scene(workers, filmed, yaw):
    """What one interpolation less is worth, in one camera's picture and across the seam."""
    size = 480, 270
    view = ViewLimits(filmed.panorama, size[0] / size[1]).clamp(View(yaw, -9, 45))
    direct, through = Nv12.empty(*size), Nv12.empty(*size)
    DirectCamera(filmed.rig, *size, workers).render(filmed.pair, view, filmed.light, direct)
    CpuVirtualCamera(filmed.panorama, *size, workers).render(filmed.stitched, view, through)
    truth = filmed.match.view(filmed.index, view, *size)
    assert psnr(direct, truth) > psnr(through, truth) + 0.2
    assert sharpness(direct) > 1.1 * sharpness(through)


def test_apart_from_that_it_is_the_same_picture(workers, filmed):
    """The same correction and the same seam: means over areas that interpolation doesn't change are the same."""
    assert abs(filmed.light.log_gain) > 0.02, "there is something to correct"
    size = 320, 192
    for yaw in (-30.0, 0.0, 30.0):
        view = ViewLimits(filmed.panorama, size[0] / size[1]).clamp(View(yaw, -9, 40))
        direct, through = Nv12.empty(*size), Nv12.empty(*size)
        DirectCamera(filmed.rig, *size, workers).render(filmed.pair, view, filmed.light, direct)
        CpuVirtualCamera(filmed.panorama, *size, workers).render(filmed.stitched, view, through)
        for one, other in ((direct.y, through.y), (direct.uv[..., 0], through.uv[..., 0])):
            apart = np.abs(_areas(one) - _areas(other))
            assert apart.mean() < 0.25
            assert apart.max() < 2.5


class Known:
    """A correction that is known from the start."""

    def __init__(self, light: Light, rig: Rig, panorama: Panorama) -> None:
        self.tones = light.tones(Shading(rig, panorama).shades(light.falloff_left, light.falloff_right))

    def follow(self, left: Nv12, right: Nv12, pts_s: float) -> None:
        """Nothing is learnt."""


@pytest.mark.parametrize("yaw", [-30.0, 0.0])
def test_what_lenses_take_is_given_back_as_the_stitcher_does(workers, filmed, yaw):
    """Brighter towards the pictures' edges, by their places in the cameras' pictures, whatever the view."""
    light = Light(0.1, 0.005, 0.02, -0.01, 0.5, 0.3)
    panorama, pictures = filmed.panorama, PairLayout.of(filmed.rig).split(filmed.pair)
    stitched = Nv12.empty(panorama.width, panorama.height)
    known = Known(light, filmed.rig, panorama)
    CpuStitcher(filmed.rig, panorama, workers, correction=known).stitch(*pictures, stitched, 0.0)
    for size in ((320, 192), (160, 96)):  # with one fetch and with means of several
        view = ViewLimits(panorama, size[0] / size[1]).clamp(View(yaw, -9, 40))
        direct, dark, through = (Nv12.empty(*size) for _ in range(3))
        camera = DirectCamera(filmed.rig, *size, workers)
        camera.render(filmed.pair, view, light, direct)
        camera.render(filmed.pair, view, replace(light, falloff_left=0.0, falloff_right=0.0), dark)
        CpuVirtualCamera(panorama, *size, workers).render(stitched, view, through)
        for one, other in ((direct.y, through.y), (direct.uv[..., 0], through.uv[..., 0])):
            assert np.abs(_areas(one) - _areas(other)).max() < 3
        assert np.abs(_areas(dark.y) - _areas(through.y)).max() > 6, "there is something to give back"


def _areas(plane: np.ndarray) -> np.ndarray:
    rows, columns = plane.shape[0] // 16, plane.shape[1] // 16
    return plane[: rows * 16, : columns * 16].reshape(rows, 16, columns, 16).mean(axis=(1, 3))


@pytest.mark.parametrize("factor", [1, 3, 5, 12])
def test_the_small_panorama_is_the_reduced_one(workers, filmed, factor):
    small = ReducedPanorama(filmed.rig, filmed.panorama, factor, workers)
    wanted = np.empty(small.shape, np.uint8)
    reduce_luma(filmed.stitched.y, factor, wanted)
    made = small.render(filmed.pair, filmed.light)
    assert made.shape == wanted.shape
    apart = made.astype(float) - wanted
    assert abs(apart.mean()) < 0.3
    assert np.sqrt(np.mean(apart**2)) < 2.5
    # Half a small pixel off, to either side, and it would be another picture.
    for axis in (0, 1):
        moved = np.roll(wanted, 1, axis).astype(float)
        assert np.mean(apart**2) < 0.25 * np.mean((made - (moved + wanted) / 2) ** 2)
