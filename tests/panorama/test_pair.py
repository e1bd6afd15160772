"""Both cameras' pictures in one frame: nothing is lost, and the correction is the stitcher's."""

from __future__ import annotations

import numpy as np
import pytest

from touchline.errors import RigError
from touchline.geometry import Rig, fit_panorama
from touchline.gst.library import SECOND
from touchline.gst.nv12 import Nv12
from touchline.panorama.pair import LightLog, PairKeeper, PairLayout
from touchline.panorama.standin import dimmed
from touchline.panorama.stitch import CpuStitcher
from touchline.panorama.tone import Light
from touchline.panorama.workers import Workers
from touchline.synth.match import SyntheticMatch

SIZE = (320, 180)


def noise(width: int, height: int, seed: int) -> Nv12:
    random = np.random.default_rng(seed)
    picture = Nv12.empty(width, height)
    for plane in picture:
        plane[:] = random.integers(0, 256, plane.shape)
    return picture


def same(one: Nv12, other: Nv12) -> bool:
    return np.array_equal(one.y, other.y) and np.array_equal(one.uv, other.uv)


@pytest.mark.parametrize(
    ("left", "right"), [((64, 36), (64, 36)), ((64, 36), (96, 54)), ((96, 54), (64, 36))]
)
def test_each_picture_comes_back_as_it_went_in(left, right):
    layout = PairLayout(left, right)
    both = Nv12.empty(*layout.size)
    pictures = noise(*left, 1), noise(*right, 2)
    for place, picture in zip(layout.split(both), pictures, strict=True):
        place.copy_from(picture)
    assert all(same(place, picture) for place, picture in zip(layout.split(both), pictures, strict=True))
    assert layout.size == (max(left[0], right[0]), left[1] + right[1])


def test_a_layout_says_what_it_is():
    assert str(PairLayout((1280, 720), (1280, 720))) == "2 x 1280x720"
    assert str(PairLayout((1280, 720), (1920, 1080))) == "1280x720 + 1920x1080"
    with pytest.raises(ValueError, match="lies in 64x72, not in 64x36"):
        PairLayout((64, 36), (64, 36)).split(Nv12.empty(64, 36))


class Filming:
    """A synthetic match, kept as pairs and stitched."""

    def __init__(self, workers: Workers) -> None:
        self.match = SyntheticMatch(7, SIZE)
        self.rig: Rig = self.match.rig
        panorama = fit_panorama(self.rig)
        self.log = LightLog()
        self.keeper = PairKeeper(self.rig, panorama, self.log)
        self.stitcher = CpuStitcher(self.rig, panorama, workers)
        self.out = Nv12.empty(*self.keeper.layout.size)
        self._panorama = Nv12.empty(panorama.width, panorama.height)

    def draw(self, index: int) -> tuple[Nv12, Nv12]:
        left, right = Nv12.empty(*SIZE), Nv12.empty(*SIZE)
        self.match.draw(index, left, right)
        return left, right

    def keep(self, left: Nv12, right: Nv12, pts: int) -> None:
        self.keeper.keep(left, right, self.out, pts / SECOND)
        self.stitcher.stitch(left, right, self._panorama, pts / SECOND)


@pytest.fixture
def filming():
    with Workers(2) as workers:
        yield Filming(workers)


def test_the_correction_of_each_frame_is_the_stitcher_s(filming):
    for index in range(4):
        left, right = filming.draw(index)
        right.y[:] = np.minimum(right.y.astype(int) + 6 * index, 235).astype(np.uint8)  # it gets brighter
        pts = index * SECOND // 30 + 17  # of no whole microsecond
        filming.keep(left, right, pts)
        assert filming.log.at(pts) == filming.stitcher.correction.light
    kept = [filming.log.at(index * SECOND // 30 + 17) for index in range(4)]
    assert len(set(kept)) == 4, "each frame has its own"


def test_nothing_is_learnt_of_a_stand_in(filming):
    left, right = filming.draw(0)
    filming.keep(left, right, 0)
    filming.keep(left, dimmed(right), 5 * SECOND)
    assert filming.log.at(0) == filming.log.at(5 * SECOND)
    assert same(filming.keeper.layout.split(filming.out)[1], dimmed(right)), "but it is shown"


def test_pictures_of_other_cameras_are_refused(filming):
    left, right = filming.draw(0)
    with pytest.raises(RigError, match="other cameras"):
        filming.keeper.keep(left, Nv12.empty(64, 36), filming.out, 0.0)
    with pytest.raises(ValueError, match="lies in"):
        filming.keeper.keep(left, right, Nv12.empty(64, 36), 0.0)


def test_the_log_keeps_the_last_ones_and_no_more():
    """In the order in which they came: a late frame is as young as any."""
    log = LightLog(3)
    lights = [Light(n) for n in range(5)]
    for pts, light in zip((10, 20, 40, 30, 50), lights, strict=True):
        log.add(pts, light)
    assert len(log) == 3
    assert [log.at(pts).log_gain for pts in (40, 30, 50)] == [2, 3, 4]
    assert log.at(20).log_gain == 2, "those of the oldest"
    with pytest.raises(KeyError):
        LightLog().at(20)
    log.keep(1)
    log.add(60, lights[0])
    assert len(log) == 1
