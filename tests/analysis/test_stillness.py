"""What does not move at all, among what does."""

from __future__ import annotations

import numpy as np

from touchline.analysis.stillness import Stillness

HEIGHT, WIDTH = 60, 120


class Scene:
    """A noisy wall that anything can be before."""

    def __init__(self) -> None:
        self._random = np.random.default_rng(4)
        self._wall = np.kron(self._random.uniform(80, 120, (15, 30)), np.ones((4, 4)))
        self.still = Stillness(HEIGHT, WIDTH)

    def show(self, *boxes: tuple[int, int, int, int, int], every_s: float = 0.1) -> bool:
        """Boxes: left, top, right, bottom, luma."""
        luma = self._wall.copy()
        for left, top, right, bottom, level in boxes:
            luma[top:bottom, left:right] = level
        luma += self._random.normal(0, 2.0, luma.shape)
        return self.still.observe(np.clip(np.rint(luma), 0, 255).astype(np.uint8), every_s)


THING = (40, 20, 48, 44, 200)
BOX = THING[:4]


def test_pictures_are_compared_once_a_second() -> None:
    scene = Scene()
    scene.show(THING)
    assert [scene.show(THING) for _ in range(25)] == [k % 10 == 9 for k in range(25)]


def test_what_does_not_move_is_known_for_how_long_it_has_not() -> None:
    scene = Scene()
    for _ in range(71):
        scene.show(THING)
    assert 6.9 < scene.still.since_s(*BOX) < 7.1


def test_somebody_who_shifts_his_weight_is_not_still() -> None:
    scene = Scene()
    for k in range(200):
        aside = (k // 10) % 2
        scene.show((40 + aside, 20, 48 + aside, 44, 200))
    assert scene.still.since_s(*BOX) < 2


def test_who_passes_before_it_does_not_make_it_move() -> None:
    """Before the middle circle somebody passes all the time: nothing there was ever still for long."""
    scene = Scene()
    for second in range(30):
        passing = [(36, 10, 52, 50, 60 + 3 * second)] if second % 3 == 2 else []
        assert scene.show(THING, *passing, every_s=1.0) == (second > 0)
        if passing:
            assert scene.still.since_s(*BOX) == 0, "somebody is there"
    scene.show(THING, every_s=1.0)
    assert 8 < scene.still.since_s(*BOX) < 13


def test_what_has_come_is_not_taken_for_what_was_there() -> None:
    scene = Scene()
    for _ in range(100):
        scene.show()
    for _ in range(30):
        scene.show(THING)
    assert scene.still.since_s(*BOX) == 0
    for _ in range(130):
        scene.show(THING)
    assert scene.still.since_s(*BOX) > 3, "it becomes what is usual after as long again"


def test_a_box_at_the_edge_is_as_good_as_any() -> None:
    scene = Scene()
    for _ in range(51):
        scene.show()
    assert scene.still.since_s(WIDTH - 3, HEIGHT - 5, WIDTH, HEIGHT) > 4
    assert scene.still.since_s(0, 0, WIDTH, HEIGHT) > 4
