"""Painted people on a noisy, badly lit picture: their place is known, so what the detector says can be wrong."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from touchline.analysis import Motion, MotionDetector
from touchline.geometry import Panorama
from touchline.panorama.reduce import reduce_luma

PANORAMA = Panorama(
    "equirectangular", 1280, 320, math.radians(-80), math.radians(80), math.radians(-32), math.radians(8)
)
PERIOD_NS = 100_000_000


@dataclass(frozen=True)
class Walker:
    """Somebody ``size`` pixels tall who stands at x, y and walks vx pixels a second."""

    x: float
    y: float
    vx: float = 0.0
    size: int = 24
    luma: int = 190

    def at(self, seconds: float) -> tuple[int, int]:
        return round(self.x + self.vx * seconds), round(self.y)


class Scene:
    """A textured ground with sensor noise, and whoever walks on it."""

    def __init__(self, *walkers: Walker, seed: int = 0) -> None:
        self._rng = np.random.default_rng(seed)
        ground = self._rng.uniform(60, 130, (40, 160))
        self._ground = np.kron(ground, np.ones((8, 8)))
        self._walkers = walkers
        self._noise = [self._rng.normal(0, 3, self._ground.shape) for _ in range(7)]

    def frame(self, seconds: float, light: Any = 1.0) -> np.ndarray[Any, np.dtype[np.uint8]]:
        picture = self._ground.copy()
        for walker in self._walkers:
            x, y = walker.at(seconds)
            half = walker.size // 6
            picture[max(0, y - walker.size) : y, max(0, x - half) : max(0, x + half)] = walker.luma
        picture = (picture - 16) * light + 16
        noise = np.roll(self._noise[self._rng.integers(7)], self._rng.integers(300), axis=0)
        return np.clip(picture + noise, 0, 255).astype(np.uint8)

    def film(self, count: int, lights: Iterable[Any] | None = None) -> Iterator[tuple[int, Any]]:
        each = iter(lights) if lights is not None else None
        for i in range(count):
            yield i * PERIOD_NS, self.frame(i * PERIOD_NS / 1e9, 1.0 if each is None else next(each))


def observed(film: Iterable[tuple[int, Any]]) -> list[Motion]:
    detector = MotionDetector(PANORAMA)
    return [detector.observe(picture, pts) for pts, picture in film]


def yaw_of(x: float) -> float:
    return math.degrees(float(PANORAMA.pixels_to_angles(x, 0)[0]))


def pitch_of(y: float) -> float:
    return math.degrees(float(PANORAMA.pixels_to_angles(0, y)[1]))


@pytest.mark.parametrize("speed", [60.0, -150.0])
def test_a_group_on_the_move_is_found(speed: float) -> None:
    group = [
        Walker(640 - speed * 3 + dx, 180 + dy, speed) for dx, dy in ((-40, 0), (0, 25), (35, -10), (60, 30))
    ]
    motions = observed(Scene(*group).film(60))
    for motion in motions[15:]:
        seconds = motion.pts_ns / 1e9
        middle = np.mean([w.at(seconds)[0] for w in group])
        assert motion.yaw_deg == pytest.approx(yaw_of(float(middle)), abs=2.0)
        assert motion.pitch_deg == pytest.approx(pitch_of(180 + 11 - 12), abs=2.0)
        assert 2 < motion.spread_deg < 16
        assert 0 < motion.amount < 0.02


def test_one_walker_is_found_to_within_a_degree() -> None:
    walker = Walker(300, 200, 80, size=30)
    for motion in observed(Scene(walker).film(60))[15:]:
        x, _ = walker.at(motion.pts_ns / 1e9)
        assert motion.yaw_deg == pytest.approx(yaw_of(x - 0.5), abs=1.0)
        assert motion.pitch_deg == pytest.approx(pitch_of(200 - 15), abs=1.0)


def test_a_group_matters_more_than_a_lone_runner() -> None:
    """A mean would lie between them, where nobody is."""
    group = [Walker(850 + 30 * i, 180 + 12 * (i % 3), 40) for i in range(5)]
    runner = Walker(100, 250, 60, size=60)
    motions = observed(Scene(*group, runner).film(50))[15:]
    with_the_group = [yaw_of(850) < motion.yaw_deg < yaw_of(850 + 150 + 250) for motion in motions]
    assert np.mean(with_the_group) > 0.95


def test_nothing_but_noise_is_no_movement() -> None:
    motions = observed(Scene().film(60))
    assert all(motion.amount == 0 for motion in motions)
    assert motions[-1].yaw_deg == pytest.approx(0)  # the middle, for want of better
    assert motions[-1].pitch_deg == pytest.approx(-12)


def test_the_last_place_is_kept_when_everybody_stops() -> None:
    class Stopping(Walker):
        def at(self, seconds: float) -> tuple[int, int]:
            return super().at(min(seconds, 3.0))

    walker = Stopping(700, 200, 90)
    motions = observed(Scene(walker).film(80))
    assert motions[25].amount > 0
    assert all(motion.amount == 0 for motion in motions[45:])
    assert motions[-1].yaw_deg == pytest.approx(yaw_of(700 + 270), abs=2.0)


@pytest.mark.parametrize("gain", [0.7, 1.3])
def test_an_exposure_step_moves_nothing(gain: float) -> None:
    """Without compensation every pixel of the picture is foreground."""
    lights = [1.0] * 30 + [gain] * 30
    assert max(motion.amount for motion in observed(Scene().film(60, lights))) == 0


def test_one_camera_may_expose_by_itself() -> None:
    seam = np.where(np.arange(1280) < 610, 1.25, 1.0)  # not at the edge of a strip
    lights = [1.0] * 30 + [seam] * 30
    motions = observed(Scene().film(60, lights))
    assert max(motion.amount for motion in motions) == 0


@pytest.mark.parametrize("seam", [560, 600, 640])
def test_a_camera_that_is_lost_and_comes_back_moves_nothing(seam: int) -> None:
    """Its half is dimmed. Where the seam ran through a strip, half of that strip moved for a third of a second."""
    walker = Walker(200, 200, 40, size=30)
    dark = np.where(np.arange(1280) < seam, 1.0, 0.25)
    lights = [1.0] * 30 + [dark] * 30 + [1.0] * 30
    motions = observed(Scene(walker).film(90, lights))
    assert max(motion.amount for motion in observed(Scene().film(90, lights))) == 0
    for motion in motions[20:]:
        assert motion.yaw_deg == pytest.approx(yaw_of(walker.at(motion.pts_ns / 1e9)[0] - 0.5), abs=1.0)


def test_light_that_changes_slowly_moves_nothing() -> None:
    lights = 1 + 0.35 * np.sin(np.linspace(0, 6, 120))
    assert max(motion.amount for motion in observed(Scene().film(120, lights))) == 0


def test_the_play_is_still_found_after_an_exposure_step() -> None:
    walker = Walker(300, 200, 80, size=30)
    lights = [1.0] * 30 + [0.75] * 30
    motions = observed(Scene(walker).film(60, lights))
    for motion in motions[33:]:
        assert motion.yaw_deg == pytest.approx(yaw_of(walker.at(motion.pts_ns / 1e9)[0]), abs=1.0)
        assert motion.amount > 0


@pytest.mark.slow
def test_what_always_moves_loses_its_weight() -> None:
    """A flag at the top of the panorama waves before the play begins, larger than any player."""
    rng = np.random.default_rng(5)

    class Flag(Walker):
        def at(self, seconds: float) -> tuple[int, int]:
            return round(self.x + 8 * rng.uniform(-1, 1)), round(self.y)

    class Late(Walker):
        def at(self, seconds: float) -> tuple[int, int]:
            return super().at(max(0.0, seconds - 30))

    play = [Late(300, 200, 30, size=24), Late(330, 215, 30, size=24)]
    motions = observed(Scene(Flag(1000, 70, size=50), *play).film(400))
    assert motions[250].yaw_deg == pytest.approx(yaw_of(1000), abs=3)
    for motion in motions[-60:]:
        assert motion.yaw_deg == pytest.approx(yaw_of(play[0].at(motion.pts_ns / 1e9)[0] + 15), abs=4)


def test_the_same_frames_give_the_same_motions() -> None:
    film = list(Scene(Walker(300, 200, 80), Walker(900, 220, -50)).film(40))
    assert observed(film) == observed(film)


def test_padded_rows_are_read_as_they_are() -> None:
    film = list(Scene(Walker(300, 200, 80)).film(30))
    padded = []
    for pts, picture in film:
        wide = np.full((320, 1344), 255, np.uint8)
        wide[:, :1280] = picture
        padded.append((pts, wide[:, :1280]))
    assert observed(padded) == observed(film)


def test_frames_that_were_reduced_elsewhere_say_the_same() -> None:
    """As on a GPU, from which only the reduced luma comes down."""
    film = list(Scene(Walker(300, 200, 80), Walker(900, 220, -50)).film(30))
    detector = MotionDetector(PANORAMA)
    found = []
    for pts, picture in film:
        small = np.empty((320 // detector.factor, 1280 // detector.factor), np.uint8)
        reduce_luma(picture, detector.factor, small)
        found.append(detector.observe_reduced(small, pts))
    for one, other in zip(found, observed(film), strict=True):
        assert one.yaw_deg == pytest.approx(other.yaw_deg, abs=0.5)
        assert one.amount == pytest.approx(other.amount, abs=0.002)
    with pytest.raises(ValueError, match="reduced luma must have shape"):
        detector.observe_reduced(small[:-1], 10**12)


def test_very_wide_panoramas_are_reduced_by_a_sixteenth_at_most() -> None:
    """A GPU's reduction goes no further."""
    wide = Panorama("equirectangular", 9600, 3200, -1.4, 1.4, -0.5, 0.5)
    assert MotionDetector(wide).factor == 16
    assert MotionDetector(PANORAMA).factor == 3


def test_what_does_not_belong_is_refused() -> None:
    detector = MotionDetector(PANORAMA)
    picture = np.zeros((320, 1280), np.uint8)
    with pytest.raises(ValueError, match="640x320 does not belong to a panorama of 1280x320"):
        detector.observe(picture[:, :640], 0)
    detector.observe(picture, 5)
    with pytest.raises(ValueError, match="can't follow"):
        detector.observe(picture, 5)
