"""A camera that sags or is knocked is noticed within seconds; corrected, the pictures fit again to within a pixel."""

from __future__ import annotations

import numpy as np
import pytest

from touchline.geometry import Camera, Rig
from touchline.panorama.drift import PERIOD_S, DriftMonitor
from touchline.panorama.overlap import Overlap
from turning import Cameras, misalignment_px, the_match, turned


@pytest.fixture(scope="module")
def cameras() -> Cameras:
    return Cameras()


RIG = the_match().rig
RAYS = Overlap(RIG).rays


class Watch:
    """Looks at the match every two seconds, and keeps what was said and shown."""

    def __init__(self, cameras: Cameras, mode: str) -> None:
        self.cameras = cameras
        self.said: list[str] = []
        self.monitor = DriftMonitor(RIG, mode, self.said.append)
        self.seconds = 0.0
        self.rigs: list[Rig] = []

    def look(self, left: Camera | None = None, right: Camera | None = None) -> float:
        """One look further; how far apart the pictures are laid after it, in pixels."""
        planes = self.cameras.luma(self.seconds, left, right)
        rig = self.monitor.look(*planes, self.seconds)
        if rig is not None:
            self.rigs.append(rig)
        self.seconds += PERIOD_S
        shown = self.monitor.rig
        real = (left or RIG.left, right or RIG.right)
        return misalignment_px((shown.left, shown.right), real, RAYS)


def test_players_only_are_no_drift(cameras: Cameras) -> None:
    watch = Watch(cameras, "correct")
    for _ in range(10):
        watch.look()
    assert watch.rigs == []
    assert watch.said == []
    stats = watch.monitor.stats
    assert stats.looks == 10
    assert (stats.knocks, stats.corrections) == (0, 0)
    assert stats.reprojection_error_px is not None
    assert stats.reprojection_error_px < 0.5
    assert max(stats.left_px, stats.right_px) < 0.3


def test_a_knock_is_noticed_and_corrected_within_seconds(cameras: Cameras) -> None:
    watch = Watch(cameras, "correct")
    for _ in range(3):
        watch.look()
    knocked = turned(RIG.right, 14.0, -9.0, 0.3)
    apart = [watch.look(right=knocked) for _ in range(4)]
    assert apart[0] > 10
    assert apart[2] < 1.0, "three looks are six seconds"
    assert apart[3] < 1.0
    assert watch.monitor.stats.knocks == 1
    assert len(watch.said) == 1
    assert watch.said[0].startswith("The right camera was knocked, ")
    assert "17" in watch.said[0] or "16" in watch.said[0]
    assert (watch.monitor.stats.worst_error_px or 0) > 10
    watch.look(right=knocked)
    assert (watch.monitor.stats.reprojection_error_px or 9) < 1.0


def test_a_camera_that_sags_is_followed_slowly(cameras: Cameras) -> None:
    watch = Watch(cameras, "correct")
    rate, apart, steps = 0.1, [], []
    before = watch.monitor.rig
    for number in range(28):
        sagged = turned(RIG.right, 0.0, -rate * max(0.0, watch.seconds - 6.0))
        apart.append(watch.look(right=sagged))
        now = watch.monitor.rig
        steps.append(np.radians(abs(now.right.pitch_deg - before.right.pitch_deg)) * RIG.right.fx)
        assert now.left == before.left, number
        before = now
    assert max(steps) <= 0.25 * PERIOD_S + 0.01, "so slowly that nobody sees it"
    assert max(apart) < 1.5
    assert apart[-1] < 1.0
    assert watch.monitor.stats.right_px == pytest.approx(rate * (watch.seconds - PERIOD_S - 6), abs=0.5)
    assert any("right camera has turned by 2" in line for line in watch.said)
    assert watch.monitor.stats.knocks == 0


def test_two_cameras_that_sag_together_are_noticed(cameras: Cameras) -> None:
    """They fit each other all the time: only their own start says that they have moved."""
    watch = Watch(cameras, "report")
    for _ in range(2):
        watch.look()
    for number in range(1, 8):
        down = -0.8 * number
        # The same turn of the mast for both: their horizontal axes are not the same, nearly so.
        watch.look(turned(RIG.left, 0, down), turned(RIG.right, 0, down))
    said = " ".join(watch.said)
    assert "left camera has turned by" in said
    assert "right camera has turned by" in said
    assert "--drift correct" in said
    assert watch.rigs == []
    assert watch.monitor.rig == RIG
    assert watch.monitor.stats.left_px > 4


def test_report_changes_nothing(cameras: Cameras) -> None:
    watch = Watch(cameras, "report")
    for _ in range(3):
        watch.look()
    knocked = turned(RIG.right, 12.0, 0.0)
    for _ in range(5):
        apart = watch.look(right=knocked)
    assert apart > 10
    assert watch.rigs == []
    assert len(watch.said) == 1, "one line, not one for each look"
    assert "knocked" in watch.said[0]
    assert watch.monitor.stats.knocks == 1
    assert watch.monitor.stats.right_px == pytest.approx(12, abs=0.5)
    assert (watch.monitor.stats.reprojection_error_px or 0) > 6


def test_one_wrong_look_is_not_believed(cameras: Cameras) -> None:
    """Somebody walks past the lens, a gust shakes the mast: two looks later all is as it was."""
    watch = Watch(cameras, "correct")
    for number in range(9):
        watch.look(right=turned(RIG.right, 20.0, 5.0) if number == 4 else None)
    assert watch.rigs == []
    assert watch.said == []


def test_the_same_pairs_give_the_same_rigs(cameras: Cameras) -> None:
    results = []
    for _ in range(2):
        watch = Watch(cameras, "correct")
        for number in range(6):
            watch.look(right=turned(RIG.right, 9.0, 2.0) if number > 2 else None)
        results.append((watch.rigs, watch.said))
    assert results[0] == results[1]
    assert results[0][0]


def test_scenery_that_moves_is_not_a_camera_that_turns(cameras: Cameras) -> None:
    """Where both see the same nothing has moved: what the right camera's other landmarks say is not acted on."""
    watch = Watch(cameras, "correct")
    real = turned(RIG.right, 4.0, 0.0)
    for number in range(8):
        left, right = cameras.luma(watch.seconds)
        if number > 2:
            moved = cameras.luma(watch.seconds, right=real)[1]
            right = np.where(np.arange(right.shape[1])[None, :] > 330, moved, right)
        watch.monitor.look(left, right, watch.seconds)
        watch.seconds += PERIOD_S
    assert watch.monitor.stats.corrections == 0


def test_without_an_overlap_there_is_no_error_but_the_cameras_are_watched() -> None:
    apart = Rig((RIG.left.rotated(RIG.left.rotation), turned(RIG.right, 600.0)))
    monitor = DriftMonitor(apart, "report")
    assert Overlap(apart).compare(np.zeros((540, 960), np.uint8), np.zeros((540, 960), np.uint8)) is None
    monitor.look(np.zeros((540, 960), np.uint8), np.zeros((540, 960), np.uint8), 0.0)
    assert monitor.stats.reprojection_error_px is None


def test_a_camera_that_is_covered_is_told_once(cameras: Cameras) -> None:
    """And nothing is concluded from it; when the cover is gone all is as it was."""
    watch = Watch(cameras, "correct")
    for number in range(12):
        left, right = cameras.luma(watch.seconds)
        watch.monitor.look(left, np.full_like(right, 40) if 2 <= number < 10 else right, watch.seconds)
        watch.seconds += PERIOD_S
    assert len(watch.said) == 1
    assert watch.said[0].startswith("The right camera shows nothing of what stood still, 12 s into the match")
    assert watch.monitor.rig == RIG
    assert watch.monitor.stats.right_px < 0.3
