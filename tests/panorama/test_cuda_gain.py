"""The GPU's reading of points for the gain: the same numbers as the processor's, and the same difference learnt."""

from __future__ import annotations

import numpy as np
from cuda_on_host import host_samples
from nv12_reference import noise

from touchline.geometry import Camera, Rig, fit_panorama
from touchline.panorama.gain import Gain
from touchline.panorama.plane_kernels import sample_points
from touchline.panorama.warp import picture_of

RIG = Rig(
    (
        Camera.from_fov(320, 180, 80, yaw_deg=-30, pitch_deg=-5),
        Camera.from_fov(336, 188, 80, yaw_deg=30, pitch_deg=-5),
    )
)


def test_samples_are_those_of_the_processor(tmp_path):
    gain = Gain(RIG, fit_panorama(RIG))
    left, right = (noise(camera.width, camera.height, n, 6 * n) for n, camera in enumerate(RIG.cameras))
    wanted = np.zeros((len(gain.points[0]), 6), np.int32)
    sample_points(picture_of(left), picture_of(right), *gain.points, wanted)
    made = host_samples(tmp_path, left, right, gain.points)
    assert len(made) > 500
    assert np.array_equal(made, wanted)


def test_learning_from_samples_is_following_the_pictures():
    panorama = fit_panorama(RIG)
    one, two = Gain(RIG, panorama), Gain(RIG, panorama)
    for number in range(3):
        left, right = (
            noise(camera.width, camera.height, 5 * number + n) for n, camera in enumerate(RIG.cameras)
        )
        for plane in (left.y, right.y):
            plane[:] = 60 + plane // (6 + number)
        right.y[:] += 10
        samples = np.zeros((len(one.points[0]), 6), np.int32)
        sample_points(picture_of(left), picture_of(right), *one.points, samples)
        assert one.learn(samples, number / 2) == two.follow(left, right, number / 2)
    assert one.difference.log_gain > 0.05
