"""A board before a camera: pictures of it, ray by ray, and where its corners truly are in them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np

from touchline.geometry import Camera, rotation_from_angles
from touchline.panorama.board_views import Board, View

Shot = tuple[tuple[float, float], float, tuple[float, float, float]]


def pose(camera: Camera, shot: Shot) -> tuple[np.ndarray, np.ndarray]:
    """Where the board's middle is, and what turns the board's axes to the camera's.

    A shot is the pixel at which the middle is seen, how many squares away it is, and how the board is tilted against
    facing the camera, degrees.
    """
    pixel, away, turn = shot
    middle = camera.unproject(np.array(pixel)) * away
    right = np.cross([0.0, 1.0, 0.0], middle)
    facing = np.stack([right / np.linalg.norm(right), np.zeros(3), middle / away], axis=1)
    facing[:, 1] = np.cross(facing[:, 2], facing[:, 0])
    return middle, facing @ rotation_from_angles(*(math.radians(a) for a in turn)).T


class Studio:
    """Pictures of a board by a camera: nothing here is OpenCV's idea of a lens."""

    def __init__(self, camera: Camera, board: Board) -> None:
        self.camera, self.board = camera, board
        steps = (np.arange(2) + 0.5) / 2 - 0.5
        x = (np.arange(camera.width)[:, None] + steps).ravel()
        y = (np.arange(camera.height)[:, None] + steps).ravel()
        self.rays = camera.unproject(np.stack(np.meshgrid(x, y), axis=-1))
        self.texture = board.picture(900)
        self.square = 900 // (board.columns + 1)
        self.rng = np.random.default_rng(3)

    def photo(self, shot: Shot) -> np.ndarray:
        """A grey picture with a little blur and noise."""
        middle, to_camera = pose(self.camera, shot)
        normal = to_camera[:, 2]
        with np.errstate(divide="ignore", invalid="ignore"):
            length = (normal @ middle) / (self.rays @ normal)
        place = (self.rays * length[..., None] - middle) @ to_camera
        edge = self.square // 2
        u = ((place[..., 0] + self.board.columns / 2) * self.square + edge - 0.5).astype(np.float32)
        v = ((place[..., 1] + self.board.rows / 2) * self.square + edge - 0.5).astype(np.float32)
        u[length <= 0] = v[length <= 0] = -1e4
        fine = cv2.remap(
            self.texture, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=110
        )
        size = self.camera.height, 2, self.camera.width, 2
        whole = fine.reshape(size).mean(axis=(1, 3))
        noisy = 20 + 0.8 * cv2.GaussianBlur(whole, (0, 0), 0.6) + self.rng.normal(0, 2, whole.shape)
        return np.clip(noisy, 0, 255).astype(np.uint8)

    def views(self, shots: Sequence[Shot]) -> list[View]:
        found = [self.board.find(self.photo(shot)) for shot in shots]
        return [view for view in found if view is not None]


def shots(size: tuple[int, int], margin: float, away: float, tilt: float = 32.0) -> list[Shot]:
    """Sixteen: in a grid over the picture, each tilted another way."""
    rng = np.random.default_rng(8)
    made: list[Shot] = []
    for k, (row, column) in enumerate(np.ndindex(4, 4)):
        x, y = (margin * s + (1 - 2 * margin) * s * n / 3 for s, n in zip(size, (column, row), strict=True))
        turn = (tilt * math.cos(k * 2.4), tilt * math.sin(k * 2.4), float(rng.uniform(-30, 30)))
        made.append(((x, y), away * float(rng.uniform(0.85, 1.2)), turn))
    return made
