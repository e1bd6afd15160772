"""Wherever the seam runs, each picture is shown only where there is one."""

from __future__ import annotations

import numpy as np
import pytest
from test_stitch import bilinear, two_cameras
from two_views import PANORAMA, RIG

from touchline.geometry import Camera, Rig, fit_panorama
from touchline.panorama.seam import seam_ground
from touchline.panorama.warp import edge_distance, plan_stitch


def shares_of(ground, path):
    shares = ground.shares.copy()
    shares[:, ground.columns] = ground.shares_along(path)
    return shares


@pytest.mark.parametrize("rig", [RIG, two_cameras(960, 540, 95.0)], ids=["level", "tilted and rolled"])
@pytest.mark.parametrize("feather", [0.5, 3.0, 40.0])
@pytest.mark.parametrize("seed", [0, 1])
def test_no_picture_is_shown_beyond_its_edge(rig, feather, seed):
    panorama = fit_panorama(rig)
    ground = seam_ground(rig, panorama, feather)
    rng = np.random.default_rng(seed)
    part = rng.uniform(0, 1, len(ground.first)) if seed else np.ones(len(ground.first))
    path = ground.first + part * (ground.last - ground.first)
    shares = shares_of(ground, path)
    x, y = np.arange(0, panorama.width, 2)[None, :], np.arange(0, panorama.height, 2)[:, None]
    rays = panorama.rays(x, y)
    left, right = (edge_distance(camera, rays) for camera in rig.cameras)
    share = bilinear(shares, *np.broadcast_arrays(x / 16, y / 16))
    # Between corners shares are interpolated: where an edge cuts a corner off a block, some pixels are its edge's.
    assert (share[(left > 0) & (right < -12)] == 0).all()
    assert (share[(right > 0) & (left < -12)] == 1).all()
    assert np.mean(share[(left > 0) & (right < 0)] > 0) < 0.002
    assert np.mean(share[(right > 0) & (left < 0)] < 1) < 0.002
    assert shares.min() == 0
    assert shares.max() == 1


def test_the_fixed_seam_is_one_of_the_paths():
    ground = seam_ground(RIG, PANORAMA, 3.0)
    assert ground.free
    made, fixed = shares_of(ground, ground.middle), plan_stitch(RIG, PANORAMA, 3.0).shares
    assert np.abs(made - fixed).max() < 0.25, (
        "the bands are reckoned in the camera's pixels and in the panorama's"
    )
    assert np.abs(made - fixed).mean() < 0.004


def test_the_shares_follow_the_path():
    ground = seam_ground(RIG, PANORAMA, 3.0)
    path = (ground.first + 3 * ground.last) / 4
    shares = shares_of(ground, path)
    for row in range(len(path)):
        if ground.last[row] - ground.first[row] > 32:
            crossing = np.interp(0.5, shares[row], np.arange(shares.shape[1]) * 16.0)
            assert abs(crossing - path[row]) < 4


def test_a_wide_blend_keeps_further_from_the_edges():
    near, far = (seam_ground(RIG, PANORAMA, 1.0, reach) for reach in (0.0, 60.0))
    wide = near.last - near.first > 100
    assert wide.any()
    assert (far.first[wide] >= near.first[wide] + 40).all()


def test_cameras_with_nothing_in_common_leave_no_choice():
    rig = Rig((Camera.from_fov(64, 64, 40, yaw_deg=-30), Camera.from_fov(64, 64, 40, yaw_deg=30)))
    ground = seam_ground(rig, PANORAMA, 3.0)
    assert not ground.free
    fixed = plan_stitch(rig, PANORAMA, 3.0).shares
    assert np.array_equal(shares_of(ground, ground.middle), fixed)
