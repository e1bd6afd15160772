"""The calibration's preview shows the field where the rig says that it is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pairs import two_cameras
from touchline.geometry import FieldOutline, fit_panorama, rays_to_angles
from touchline.panorama.preview import preview

FIELD = ((-55.0, -6.0), (-25.0, -4.0), (25.0, -4.0), (55.0, -6.0), (20.0, -28.0), (-20.0, -28.0))
BLUE = (255, 150, 50)


def blue(picture: np.ndarray) -> np.ndarray:
    return np.abs(picture.astype(int) - BLUE).max(axis=-1) < 60


def test_the_field_is_outlined_where_the_rig_has_it() -> None:
    rig = two_cameras()
    grey = [np.full((c.height, c.width, 3), 120, np.uint8) for c in rig.cameras]
    picture = preview(replace(rig, field=FIELD), *grey)
    rows, columns = np.nonzero(blue(picture))
    # The panorama fills the page's width less a margin of 24 at each side, below a margin and a title of 44.
    panorama = fit_panorama(rig)
    scale = (picture.shape[1] - 48) / panorama.width
    assert panorama.height * scale < 900
    true = np.stack(panorama.angles_to_pixels(*rays_to_angles(FieldOutline(FIELD).path())), axis=-1)
    true = true[np.isfinite(true).all(axis=1)][::2] * scale + (24, 24 + 44)
    found = np.stack([columns, rows], axis=-1)[::3]
    off = np.linalg.norm(found[:, None] - true[None], axis=-1)
    step = np.linalg.norm(np.diff(true, axis=0), axis=1).max()
    assert off.min(axis=1).max() < step / 2 + 5, "something else is blue"
    assert off.min(axis=0).max() < 5, "a part of the outline is missing"
