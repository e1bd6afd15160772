"""A small world with people in it, seen by two cameras with exposures and lenses of their own."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from touchline.geometry import Camera, Rig, fit_panorama, rays_to_angles
from touchline.gst.nv12 import Nv12

RIG = Rig(
    (
        Camera.from_fov(960, 540, 80, yaw_deg=-30, pitch_deg=-5),
        Camera.from_fov(960, 540, 80, yaw_deg=30, pitch_deg=-5),
    )
)
PANORAMA = fit_panorama(RIG)


class Person(NamedTuple):
    """A dark upright box; degrees."""

    yaw: float
    bottom: float = -14.0
    top: float = -4.0
    width: float = 2.0


class Sensor(NamedTuple):
    """What a camera does to light: ``transfer(gain * falloff * light + offset)``, and a cast in proportion to it."""

    gain: float = 1.0
    offset: float = 0.0
    falloff: float = 0.0
    tint: tuple[float, float] = (0.0, 0.0)
    noise: float = 0.0


PLAIN = Sensor()


def transfer(light: np.ndarray) -> np.ndarray:
    """BT.709: light 0 .. 1 to signal 0 .. 1."""
    return np.where(light < 0.018, 4.5 * light, 1.099 * np.maximum(light, 0.018) ** 0.45 - 0.099)


def radius2(camera: Camera) -> np.ndarray:
    """Squared distance of each pixel from the optical centre; the half diagonal's square is one."""
    x, y = np.arange(camera.width)[None, :] - camera.cx, np.arange(camera.height)[:, None] - camera.cy
    return (x * x + y * y) / ((camera.width**2 + camera.height**2) / 4)


@lru_cache(maxsize=2)
def _directions(camera: Camera) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each pixel: its ray, and its yaw and pitch in degrees."""
    x, y = np.arange(camera.width, dtype=float), np.arange(camera.height, dtype=float)[:, None]
    rays = camera.unproject(np.stack(np.broadcast_arrays(x, y), axis=-1))
    return rays, *(np.degrees(angle) for angle in rays_to_angles(rays))


def film(camera: Camera, people: Sequence[Person] = (), sensor: Sensor = PLAIN, seed: int = 0) -> Nv12:
    """A picture of the world, whose light goes from a tenth to six tenths of white."""
    rays, yaw, pitch = _directions(camera)
    light = (
        0.3 + 0.2 * np.sin(9 * rays[..., 0] + 2) * np.cos(7 * rays[..., 1]) + 0.05 * np.sin(40 * rays[..., 0])
    )
    for person in people:
        body = (np.abs(yaw - person.yaw) < person.width / 2) & (pitch > person.bottom) & (pitch < person.top)
        light[body] = 0.02
    light = light * sensor.gain * np.exp(-sensor.falloff * radius2(camera)) + sensor.offset
    luma = 219 * transfer(light)
    rng = np.random.default_rng(seed)
    picture = Nv12.empty(camera.width, camera.height)
    picture.y[:] = np.rint(np.clip(16 + luma + rng.normal(0, sensor.noise, luma.shape), 0, 255))
    half = luma.reshape(camera.height // 2, 2, camera.width // 2, 2).mean((1, 3))
    for plane, cast in enumerate(sensor.tint):
        picture.uv[..., plane] = np.rint(128 + (0.06 - 0.14 * plane + cast) * half)
    return picture


def pair(
    people: Sequence[Person] = (),
    left: Sensor = PLAIN,
    right: Sensor = PLAIN,
    seed: int = 0,
) -> tuple[Nv12, Nv12]:
    """The same moment in both cameras."""
    return film(RIG.left, people, left, 2 * seed), film(RIG.right, people, right, 2 * seed + 1)


def place_of(yaw_deg: float) -> float:
    """The panorama's x of a yaw."""
    return float(PANORAMA.angles_to_pixels(np.radians(yaw_deg), 0.0)[0])


def corner_pitches() -> np.ndarray:
    """The pitch, in degrees, of each row of block corners."""
    rows = np.arange(-(-PANORAMA.height // 16) + 1) * 16.0
    return np.degrees(PANORAMA.pixels_to_angles(0.0, rows)[1])
