"""The panorama's kernels on a GPU: the hardware's own filter, streams and memory; skipped where there is none."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest
from nv12_reference import Tone, check, noise, stitched

from touchline.errors import CudaError, MissingCudaError, RigError
from touchline.geometry import Camera, Distortion, Rig, fit_panorama, rotation_from_angles
from touchline.gst.nv12 import Nv12
from touchline.panorama.gain import Difference, Gain
from touchline.panorama.reduce import reduce_luma
from touchline.panorama.standin import black, dimmed
from touchline.panorama.stitch import CpuStitcher
from touchline.panorama.warp import plan_stitch
from touchline.panorama.workers import Workers
from touchline.synth.match import SyntheticMatch

pytest.importorskip("cuda.bindings.driver", reason="the extra touchline[cuda] is not installed")
gpu = pytest.importorskip("gpu_pictures")
standins = pytest.importorskip("touchline.panorama.cuda_standin")
CudaStitcher = pytest.importorskip("touchline.panorama.cuda_stitch").CudaStitcher
CudaReducer = pytest.importorskip("touchline.panorama.cuda_reduce").CudaReducer


def two_cameras(width: int = 320, height: int = 180, roll: float = 0.0) -> Rig:
    lens = Distortion("brown", (-0.12, 0.01, 0.001, -0.001))
    return Rig(
        (
            Camera.from_fov(width, height, 95, lens, yaw_deg=-38, pitch_deg=-9, roll_deg=roll + 1.5),
            Camera.from_fov(width + 16, height + 8, 95, lens, yaw_deg=37, pitch_deg=-8, roll_deg=roll - 1),
        )
    )


@pytest.fixture(scope="module")
def device():
    try:
        some = gpu.Device()
    except MissingCudaError as error:
        pytest.skip(str(error))
    with some:
        yield some


@pytest.fixture
def stream(device):
    with device.stream() as some:
        yield some


def made(device, stream, stitcher, left, right, pts_s=0.0, pitch=None):
    """A panorama on the host of two pictures on the host."""
    panorama = stitcher.panorama
    out = gpu.room(device, panorama.width, panorama.height, pitch)
    gpu.fill(device, out, 77, stream)
    stitcher.stitch(gpu.up(device, left, stream), gpu.up(device, right, stream), out, pts_s)
    assert (gpu.beside(out, stream) == 77).all(), "what lies between the rows was written"
    return gpu.down(device, out, stream)


@pytest.mark.parametrize(
    ("size", "pitch", "feather", "roll"),
    [
        ((560, 160), None, 3.0, 0.0),
        ((558, 154), 562, 60.0, 0.0),  # cut blocks, rows not on whole words, mixed almost everywhere
        ((470, 130), None, 0.0, 180.0),  # cameras that hang upside down
    ],
)
def test_panorama_of_noise_equals_the_reference(device, stream, size, pitch, feather, roll):
    rig = two_cameras(roll=roll)
    panorama = fit_panorama(rig, size=size)
    left, right = (noise(c.width, c.height, n) for n, c in enumerate(rig.cameras))
    with CudaStitcher(device, rig, panorama, feather_deg=feather, gain=False) as stitcher:
        out = made(device, stream, stitcher, left, right, pitch=pitch)
        assert stitcher.bytes_down == 0
    check(out, stitched(plan_stitch(rig, panorama, feather), panorama, (left, right)))


def test_another_plan_is_used_whole_from_the_next_pair_on(device, stream):
    """Of cameras that have turned: the same picture as from a stitcher that was made for them."""
    rig = two_cameras()
    turned = Rig(
        (rig.left, rig.right.rotated(rotation_from_angles(0.01, -0.006, 0.004) @ rig.right.rotation))
    )
    panorama = fit_panorama(rig)
    left, right = (noise(c.width, c.height, n) for n, c in enumerate(rig.cameras))
    with CudaStitcher(device, rig, panorama, gain=False) as stitcher:
        before = made(device, stream, stitcher, left, right)
        planned = stitcher.plan(turned)
        assert np.array_equal(made(device, stream, stitcher, left, right).y, before.y)
        stitcher.use(planned)
        after = made(device, stream, stitcher, left, right)
    with CudaStitcher(device, turned, panorama, gain=False) as stitcher:
        wanted = made(device, stream, stitcher, left, right)
    assert np.array_equal(after.y, wanted.y)
    assert np.array_equal(after.uv, wanted.uv)
    assert not np.array_equal(after.y, before.y)


def test_full_size_panorama_of_noise_equals_the_reference(device, stream):
    """Positions of thousands of samples must not lose their fractions; and the gain is applied."""
    rig = two_cameras(3840, 2160)
    panorama = fit_panorama(rig, size=(5700, 1900))
    left, right = (noise(c.width, c.height, n) for n, c in enumerate(rig.cameras))
    for picture in (left, right):  # levels of a camera, so that the gain has something to learn
        picture.y[:] = 60 + picture.y // 4
    right.y[:] += 10
    with CudaStitcher(device, rig, panorama) as stitcher:
        out = made(device, stream, stitcher, left, right)
        assert stitcher.difference.log_gain > 0.03
        assert 0 < stitcher.bytes_down < 20_000
        tones = [Tone(*tone) for tone in stitcher.difference.tones() / 4096]
    rows = (800, 896)
    wanted = stitched(plan_stitch(rig, panorama, 3.0), panorama, (left, right), tones, rows)
    check(Nv12(out.y[slice(*rows)], out.uv[rows[0] // 2 : rows[1] // 2]), wanted)


def test_pictures_of_a_match_equal_the_processors(device, stream):
    """Frame by frame, with the gain that both learn; the GPU's is one frame behind, which nobody can see."""
    match = SyntheticMatch(5, (640, 360))
    panorama = fit_panorama(match.rig)
    left, right, theirs = (
        Nv12.empty(640, 360),
        Nv12.empty(640, 360),
        Nv12.empty(panorama.width, panorama.height),
    )
    with Workers(4) as workers, CudaStitcher(device, match.rig, panorama) as stitcher:
        gain = Gain(match.rig, panorama)
        cpu = CpuStitcher(match.rig, panorama, workers, correction=gain)
        for number in range(4):
            match.draw(number, left, right)
            cpu.stitch(left, right, theirs, number / 30)
            ours = made(device, stream, stitcher, left, right, number / 30)
            for one, two in zip(ours, theirs, strict=True):
                apart = np.abs(one.astype(int) - two)
                assert np.mean(apart <= 1) >= 0.999
                assert apart.max() <= 2
        assert stitcher.difference == gain.difference != Difference()


def test_nothing_is_learnt_from_a_stand_in(device, stream):
    rig = two_cameras()
    panorama = fit_panorama(rig, size=(560, 160))
    left, right = (noise(c.width, c.height, n) for n, c in enumerate(rig.cameras))
    with standins.DeviceStandIns(device) as maker, CudaStitcher(device, rig, panorama) as stitcher:
        out, one = gpu.room(device, 560, 160), gpu.up(device, left, stream)
        dark = maker.dimmed(gpu.up(device, right, stream))
        assert all(map(np.array_equal, gpu.down(device, dark, stream), dimmed(right)))
        for other, shown in (
            (maker.black(rig.right.width, rig.right.height), black(rig.right.width, rig.right.height)),
            (standins.still(gpu.up(device, right, stream)), right),
            (dark, dimmed(right)),
        ):
            stitcher.stitch(one, other, out, 0.0)
            check(
                gpu.down(device, out, stream),
                stitched(plan_stitch(rig, panorama, 3.0), panorama, (left, shown)),
            )
        assert stitcher.difference == Difference()


def test_a_stand_ins_memory_goes_with_its_last_user(device):
    with standins.DeviceStandIns(device) as maker:
        picture = maker.black(64, 32)
        view = picture.luma
        owner = weakref.ref(picture.owner)
        del picture
        gc.collect()
        assert owner() is not None, "a view of the picture still needs its memory"
        del view
        gc.collect()
        assert owner() is None


def test_wrong_pictures_are_refused(device, stream):
    rig = two_cameras()
    panorama = fit_panorama(rig, size=(560, 160))
    left, right = (gpu.up(device, noise(c.width, c.height, 1), stream) for c in rig.cameras)
    out = gpu.room(device, 560, 160)
    with CudaStitcher(device, rig, panorama, gain=False) as stitcher:
        with pytest.raises(RigError, match="other cameras"):
            stitcher.stitch(right, left, out, 0.0)
        with pytest.raises(ValueError, match="the panorama is"):
            stitcher.stitch(left, right, left, 0.0)
        crooked = gpu.up(device, noise(rig.left.width, rig.left.height, 1), stream, pitch=330)
        with pytest.raises(CudaError, match="texture"):
            stitcher.stitch(crooked, right, out, 0.0)


@pytest.mark.parametrize("factor", [1, 3, 8, 14, 16])
def test_reduced_luma_is_the_processors(device, stream, factor):
    picture = noise(1022, 398, factor)
    wanted = np.empty((398 // factor, 1022 // factor), np.uint8)
    reduce_luma(picture.y, factor, wanted)
    with CudaReducer(device, (1022, 398), factor) as reducer:
        small = np.empty(reducer.shape, np.uint8)
        reducer.reduce(gpu.up(device, picture, stream), small)
        assert reducer.bytes_down == small.nbytes
        with pytest.raises(ValueError, match="announced"):
            reducer.reduce(gpu.room(device, 512, 398), small)
    assert np.array_equal(small, wanted)


def test_the_first_pair_is_already_corrected(device, stream):
    """The sampler's numbers must be down before the kernel is given its gains."""
    match = SyntheticMatch(7, (640, 360))
    panorama = fit_panorama(match.rig)
    left, right = Nv12.empty(640, 360), Nv12.empty(640, 360)
    match.draw(3, left, right)
    wanted = Gain(match.rig, panorama).follow(left, right, 0.0)
    with CudaStitcher(device, match.rig, panorama) as stitcher:
        out = made(device, stream, stitcher, left, right)
        assert stitcher.difference == wanted != Difference()
    tones = [Tone(*tone) for tone in wanted.tones() / 4096]
    check(out, stitched(plan_stitch(match.rig, panorama, 3.0), panorama, (left, right), tones))
