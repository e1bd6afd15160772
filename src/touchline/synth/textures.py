"""What the scene's surfaces are covered with: noise for the grass, lettered boards, a skyline.

Made once per match from its seed. Colours are R'G'B' of BT.709 (gamma-coded), 0 .. 255.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from touchline.geometry.angles import Floats

Texture = NDArray[np.uint8]

NOISE_SIZE: Final = 512
SKYLINE_HALF_DEG: Final = 110.0
SKYLINE_TOP_DEG: Final = 11.0
_PER_DEGREE: Final = 20
_BOARD_SIZE: Final = (480, 72)
_BOARDS: Final = (
    ("TOUCHLINE", (20, 60, 140), (245, 245, 245)),
    ("SEVEN SECONDS", (235, 235, 230), (190, 30, 40)),
    ("HALFWAY & SONS", (250, 200, 40), (30, 30, 30)),
    ("NV12 DAIRY", (245, 245, 245), (20, 110, 70)),
    ("PANORAMA TOURS", (160, 30, 60), (250, 240, 220)),
    ("OFFSIDE OPTICS", (25, 25, 30), (120, 220, 240)),
    ("FAR POST MAIL", (30, 120, 90), (250, 250, 160)),
    ("CORNER BAKERY", (230, 120, 40), (255, 255, 250)),
    ("EXTRA TIME WATCHES", (70, 40, 110), (240, 230, 255)),
    ("DELAY LAMA TEA", (240, 240, 225), (90, 50, 20)),
)


class Textures(NamedTuple):
    """Everything that the ray caster looks up.

    Attributes:
        noise: shape (512, 512), float32, mean 0, deviation 1, clipped at 3; it tiles.
        boards: shape (n, height, width, 3), one advertising board each.
        skyline: shape (height, width, 4): R, G, B and opacity; see :data:`SKYLINE_HALF_DEG`.
    """

    noise: NDArray[np.float32]
    boards: Texture
    skyline: Texture


def make_textures(seed: int) -> Textures:
    """The textures of the match with this seed."""
    rng = np.random.default_rng([seed, 11])
    return Textures(_noise(rng), _boards(rng), _skyline(rng))


def _noise(rng: np.random.Generator) -> NDArray[np.float32]:
    """Noise that falls off with frequency, so that it has features at every scale; periodic by construction."""
    frequency = np.hypot(np.fft.fftfreq(NOISE_SIZE)[:, None], np.fft.rfftfreq(NOISE_SIZE)[None, :])
    spectrum = np.fft.rfft2(rng.standard_normal((NOISE_SIZE, NOISE_SIZE)))
    spectrum *= 1 / np.maximum(frequency, 2 / NOISE_SIZE) ** 0.9
    spectrum[0, 0] = 0
    noise = np.fft.irfft2(spectrum, s=(NOISE_SIZE, NOISE_SIZE))
    clipped: NDArray[np.float32] = np.clip(noise / noise.std(), -3, 3).astype(np.float32)
    return clipped


def _boards(rng: np.random.Generator) -> Texture:
    width, height = _BOARD_SIZE
    boards = np.empty((len(_BOARDS), height, width, 3), dtype=np.uint8)
    for board, (text, ground, ink) in zip(boards, _BOARDS, strict=True):
        board[:] = ground
        scale, thickness = 1.9, 5
        (across, up), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_DUPLEX, scale, thickness)
        scale *= min(1.0, (width - 70) / across)
        (across, up), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_DUPLEX, scale, thickness)
        corner = ((width - across) // 2 + 20, (height + up) // 2)
        cv2.putText(board, text, corner, cv2.FONT_HERSHEY_DUPLEX, scale, ink, thickness, cv2.LINE_AA)
        cv2.circle(board, (26, height // 2), 16, ink, -1 if rng.random() < 0.5 else 6, cv2.LINE_AA)
    return boards


def _skyline(rng: np.random.Generator) -> Texture:
    width, height = int(2 * SKYLINE_HALF_DEG * _PER_DEGREE), int(SKYLINE_TOP_DEG * _PER_DEGREE)
    picture = np.zeros((height, width, 4), dtype=np.uint8)
    x = 0
    while x < width:
        if rng.random() < 0.45:
            x += _building(picture, x, rng)
        else:
            x += int(rng.uniform(10, 60))
    for _ in range(int(width / 7)):
        _tree(picture, int(rng.uniform(0, width)), rng)
    return picture


def _building(picture: Texture, x: int, rng: np.random.Generator) -> int:
    """A house with rows of windows, standing on the lower edge. Returns its width."""
    height = picture.shape[0]
    across, up = int(rng.uniform(50, 150)), int(rng.uniform(75, 150))
    wall = rng.uniform(110, 190) * np.array([1.0, rng.uniform(0.88, 0.98), rng.uniform(0.78, 0.95)])
    top = height - up
    picture[top:, x : x + across] = (*wall.astype(np.uint8), 255)
    picture[top : top + 4, x : x + across, :3] = (wall * 0.6).astype(np.uint8)
    step_x, step_y = int(rng.uniform(9, 16)), int(rng.uniform(13, 20))
    for row in range(top + 9, height - 8, step_y):
        for column in range(x + 5, x + across - 6, step_x):
            glass = rng.uniform(50, 110)
            pane = picture[row : row + step_y // 2, column : column + step_x // 2]
            pane[:] = (int(glass * 0.8), int(glass * 0.9), int(glass), 255)
    return across


def _tree(picture: Texture, x: int, rng: np.random.Generator) -> None:
    """A crown of many blobs, darker below, standing on the lower edge."""
    height = picture.shape[0]
    crown, up = rng.uniform(12, 26), rng.uniform(38, 95)
    hue = np.array([rng.uniform(50, 90), rng.uniform(85, 125), rng.uniform(35, 60)])
    middle = height - up
    cv2.rectangle(picture, (x - 4, int(middle)), (x + 4, height), (60, 45, 35, 255), -1)
    angle, far = rng.uniform(0, 2 * math.pi, 40), crown * np.sqrt(rng.random(40))
    at_x, at_y = x + far * np.cos(angle), middle + 1.1 * far * np.sin(angle)
    light = 0.75 + 0.35 * (middle - at_y) / crown + rng.uniform(-0.15, 0.15, 40)
    radius = np.maximum(2, crown * rng.uniform(0.15, 0.4, 40))
    _blobs(picture, at_x, at_y, radius, hue * light[:, None])
    # Undergrowth hides the trunks' feet.
    at_x, at_y = x + rng.normal(0, crown, 12), height - rng.uniform(0, 0.4 * up, 12)
    _blobs(picture, at_x, at_y, rng.uniform(5, 11, 12), hue * rng.uniform(0.55, 0.9, (12, 1)))


def _blobs(picture: Texture, x: Floats, y: Floats, radius: Floats, colours: Floats) -> None:
    """Discs in the order given; colours have the shape (n, 3)."""
    inks = np.clip(colours, 0, 255).astype(int).tolist()
    for centre, size, ink in zip(
        np.c_[x, y].astype(int).tolist(), radius.astype(int).tolist(), inks, strict=True
    ):
        cv2.circle(picture, centre, size, (*ink, 255), -1, cv2.LINE_AA)
