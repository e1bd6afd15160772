"""Which moments a calibration looks at."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from touchline.capture import parse_source
from touchline.capture.stills import Chooser, Look, take_stills
from touchline.errors import InputError

SECOND = 10**9


@pytest.fixture(scope="module")
def scene() -> np.ndarray:
    rng = np.random.default_rng(0)
    return cv2.GaussianBlur(rng.integers(0, 256, (200, 340, 3), dtype=np.uint8), (0, 0), 1.2)


def shot(
    scene: np.ndarray, *, off: int = 0, blur: float = 0.0, ball: int = 40
) -> tuple[np.ndarray, np.ndarray]:
    picture = np.ascontiguousarray(scene[:180, off : off + 320])
    cv2.circle(picture, (ball, 90), 12, (255, 255, 255), -1)
    return (cv2.GaussianBlur(picture, (0, 0), blur) if blur else picture), picture


def chosen(shots: list[tuple[np.ndarray, np.ndarray]], count: int = 1) -> list[int]:
    """Which of the shots, a quarter of a second apart, are kept."""
    chooser = Chooser(count, SECOND)
    for number, pair in enumerate(shots):
        pts = number * SECOND // 4
        assert chooser.wants(pts)
        chooser.offer(pts, pair)
    chooser.close()
    return [next(n for n, pair in enumerate(shots) if pair is still) for still in chooser.stills]


def test_the_sharpest_of_a_second_is_kept(scene):
    shots = [shot(scene, blur=b, ball=40 + 20 * k) for k, b in enumerate((2.0, 1.0, 0.0, 1.5))]
    assert chosen(shots) == [2]


def test_a_camera_that_is_shaken_is_not_looked_at(scene):
    """Sharp as it is, the picture has moved since the look before."""
    shots = [shot(scene, blur=0.7), shot(scene, off=6), shot(scene, off=6, blur=0.7, ball=80)]
    assert chosen(shots) in ([0], [2])


def test_each_second_gives_one(scene):
    shots = [shot(scene, ball=20 + 20 * k) for k in range(12)]
    kept = chosen(shots, count=3)
    assert [number // 4 for number in kept] == [0, 1, 2]


def test_a_frozen_picture_gives_way_to_a_new_one(scene):
    """A moment in which something has moved uncovers ground; the same picture again, even sharper, does not."""
    first = [shot(scene, ball=40)] * 4
    second = [
        shot(scene, ball=40),
        shot(scene, ball=40),
        shot(scene, ball=200, blur=0.8),
        shot(scene, ball=40),
    ]
    assert chosen([*first, *second], count=2)[1] == 6


def test_looks_are_spread_over_the_window(scene):
    chooser = Chooser(1, SECOND)
    chooser.offer(0, shot(scene))
    assert not chooser.wants(SECOND // 30)
    assert chooser.wants(SECOND // 4)


def test_rank():
    assert Look(1.0).rank > Look(9.0, shift=0.02).rank
    assert Look(1.0).rank > Look(9.0, fresh=False).rank
    assert Look(2.0).rank > Look(1.0).rank


def test_from_sources():
    source = parse_source("test://ball?size=320x180&fps=10&seconds=3")
    progress: list[tuple[int, int]] = []
    stills = take_stills(source, source, count=3, every_s=0.5, progress=lambda *p: progress.append(p))
    assert len(stills) == 3
    assert all(image.shape == (180, 320, 3) for pair in stills for image in pair)
    assert not np.array_equal(stills[0][0], stills[2][0]), "spread over time"
    assert progress


def test_a_film_that_is_none(tmp_path):
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"nothing of the kind")
    source = parse_source(str(broken))
    with pytest.raises(InputError, match=r"broken\.mp4"):
        take_stills(source, source)
