"""The two pictures of a rig laid over each other."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from touchline.geometry import Camera, Rig, angles_to_rays
from touchline.panorama.warp import edge_distance

Image = NDArray[np.uint8]
Floats = NDArray[np.float64]


def shown(camera: Camera, image: Image, rays: Floats) -> Image:
    """What a camera's picture shows in the given directions, shape (rows, columns, 3); its edge repeated outside.

    Returns:
        Shape (rows, columns), or (rows, columns, 3) for a picture with colours.
    """
    pixels, _ = camera.project(rays)
    places = np.clip(pixels, -10, 32000).astype(np.float32)
    made = cv2.remap(
        image,
        np.ascontiguousarray(places[..., 0]),
        np.ascontiguousarray(places[..., 1]),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(made, dtype=np.uint8)


def likeness(rig: Rig, left: Image, right: Image) -> float:
    """Correlation, -1 .. 1, of the details of two pictures where the rig says that they overlap; 0 without overlap.

    Details, not levels: a bright upper and a dark lower half would make any two pictures of fields look alike.
    """
    step = 2.0 / (rig.left.fx + rig.right.fx)  # of a pixel, radians
    yaw, pitch = np.meshgrid(np.arange(-np.pi, np.pi, 8 * step), np.arange(-1.4, 1.4, 8 * step))
    coarse = angles_to_rays(yaw, pitch)
    both = np.minimum(edge_distance(rig.left, coarse), edge_distance(rig.right, coarse)) > 2
    if np.count_nonzero(both) < 20:
        return 0.0
    fine = 2 * step
    ranges = [np.arange(angle[both].min(), angle[both].max(), fine) for angle in (yaw, pitch)]
    rays = angles_to_rays(*np.meshgrid(*ranges))
    mask = np.minimum(edge_distance(rig.left, rays), edge_distance(rig.right, rays)) > 16
    if np.count_nonzero(mask) < 200:
        return 0.0
    details = []
    for camera, image in ((rig.left, left), (rig.right, right)):
        grey = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        level = cv2.GaussianBlur(shown(camera, grey, rays).astype(np.float32), (0, 0), 1.5)
        detail = (level - cv2.GaussianBlur(level, (0, 0), 6.0))[mask]
        details.append(np.asarray(detail - detail.mean(), dtype=np.float64))
    one, two = details
    return float(one @ two / max(1e-9, float(np.linalg.norm(one) * np.linalg.norm(two))))
