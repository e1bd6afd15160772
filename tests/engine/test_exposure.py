"""--exposure: what a run corrects with is what was asked for."""

from __future__ import annotations

import numpy as np
import pytest

from touchline.config import load_config
from touchline.engine.backend import choose_backend
from touchline.geometry import fit_panorama
from touchline.gst.nv12 import Nv12
from touchline.panorama.gain import Gain
from touchline.panorama.lighting import Lighting
from touchline.panorama.stitch import CpuStitcher
from touchline.panorama.workers import Workers
from touchline.synth import SyntheticMatch


@pytest.mark.parametrize(("exposure", "model"), [("auto", Lighting), ("light", Lighting), ("signal", Gain)])
def test_the_panorama_is_corrected_by_the_model_that_was_asked_for(exposure, model) -> None:
    match = SyntheticMatch(5, (320, 180))
    panorama = fit_panorama(match.rig)
    left, right = Nv12.empty(320, 180), Nv12.empty(320, 180)
    match.draw(3, left, right)
    made, wanted, other = (Nv12.empty(panorama.width, panorama.height) for _ in range(3))
    backend = choose_backend(
        load_config({"synthetic": 5, "memory": "system", "exposure": exposure}), lambda _: None
    )
    backend.stitcher(match.rig, panorama).stitch(left, right, made, 0.0)
    with Workers(1) as workers:
        for out, kind in ((wanted, model), (other, Gain if model is Lighting else Lighting)):
            correction = kind(match.rig, panorama)
            CpuStitcher(match.rig, panorama, workers, correction=correction).stitch(left, right, out, 0.0)
    backend.close()
    assert np.array_equal(made.y, wanted.y)
    assert np.array_equal(made.uv, wanted.uv)
    assert not np.array_equal(made.y, other.y)
