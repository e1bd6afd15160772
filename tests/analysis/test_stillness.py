"""What does not move at all, among what does."""

from __future__ import annotations

import numpy as np

from touchline.analysis.stillness import Stillness

HEIGHT, WIDTH = 60, 120


class Scene:
    """A noisy wall that anything can be before; what is before it differs from the background."""

    def __init__(self) -> None:
        self._random = np.random.default_rng(4)
        self._wall = np.kron(self._random.uniform(80, 120, (15, 30)), np.ones((4, 4)))
        self.still = Stillness(HEIGHT, WIDTH)

    def show(self, *boxes: tuple[int, ...], every_s: float = 0.1) -> bool:
        """Boxes: left, top, right, bottom, luma and, if it is not the wall's, chroma."""
        luma, chroma = self._wall.copy(), np.full((HEIGHT // 2, WIDTH // 2, 2), 128.0)
        foreground = np.zeros((HEIGHT, WIDTH), np.bool_)
        for left, top, right, bottom, level, *tint in boxes:
            luma[top:bottom, left:right] = level
            chroma[top // 2 : bottom // 2, left // 2 : right // 2] = tint or 128
            foreground[top:bottom, left:right] = True
        luma += self._random.normal(0, 2.0, luma.shape)
        chroma += self._random.normal(0, 1.0, chroma.shape)
        pictures = [np.clip(np.rint(one), 0, 255).astype(np.uint8) for one in (luma, chroma)]
        return self.still.observe(*pictures, foreground, every_s)


THING = (40, 20, 48, 44, 200)
BOX = THING[:4]


def test_pictures_are_compared_once_a_second() -> None:
    scene = Scene()
    assert [scene.show(THING) for _ in range(25)] == [k % 10 == 9 for k in range(25)]


def test_what_does_not_move_is_known_for_how_long_it_has_not() -> None:
    scene = Scene()
    for _ in range(90):
        scene.show(THING)
    assert 7.9 < scene.still.since_s(*BOX) < 8.1  # once a second, and the first one only begins


def test_somebody_who_shifts_his_weight_is_not_still() -> None:
    scene = Scene()
    for k in range(200):
        aside = (k // 10) % 2
        scene.show((40 + aside, 20, 48 + aside, 44, 200))
    assert scene.still.since_s(*BOX) < 2


def test_a_shirt_as_bright_as_what_is_behind_it_moves_too() -> None:
    """Seen by its colour alone; in luma nothing had changed since long before he came, and he was gone at once."""
    scene = Scene()
    scene.show((0, 0, WIDTH, HEIGHT, 100), every_s=20.0)
    for k in range(60):
        aside = 4 * (k % 2)
        scene.show((0, 0, WIDTH, HEIGHT, 100), (40 + aside, 20, 48 + aside, 44, 100, 110, 160), every_s=1.0)
        assert scene.still.since_s(40, 20, 52, 44) < 4


def test_the_background_has_not_stood_still() -> None:
    """Who comes to where nothing was for long does not take over how long that was."""
    scene = Scene()
    for _ in range(60):
        scene.show(every_s=1.0)
    assert scene.still.since_s(*BOX) == 0
    for second in range(5):
        scene.show(THING, every_s=1.0)
        assert scene.still.since_s(*BOX) <= second


def test_who_passes_before_it_does_not_make_it_move() -> None:
    """Before the middle circle somebody passes all the time: nothing there was ever still for long."""
    scene = Scene()
    for second in range(30):
        passing = [(36, 10, 52, 50, 60 + 3 * second)] if second % 3 == 2 else []
        assert scene.show(THING, *passing, every_s=1.0)
        if passing:
            assert scene.still.since_s(*BOX) == 0, "somebody is there"
    scene.show(THING, every_s=1.0)
    assert 6 < scene.still.since_s(*BOX) < 13


def test_edges_and_sizes_that_are_no_multiple_of_a_cell_are_as_good_as_any() -> None:
    scene = Scene()
    for _ in range(8):
        scene.show((WIDTH - 4, HEIGHT - 8, WIDTH, HEIGHT, 30), every_s=1.0)
    assert scene.still.since_s(WIDTH - 3, HEIGHT - 5, WIDTH, HEIGHT) > 4
    assert scene.still.since_s(-3, -5, WIDTH, HEIGHT) > 4
    for height, width in ((6, 10), (2, 2), (58, 122)):
        still, luma = Stillness(height, width), np.zeros((height, width), np.uint8)
        for _ in range(6):
            still.observe(luma, luma[::2, ::2, None].repeat(2, axis=2), luma == 0, 1.0)
        assert (still.since_s(0, 0, width, height) > 3) == (min(height, width) >= 4)
        assert still.since_s(width - 2, height - 2, width, height) in (0.0, 4.0, 5.0)
