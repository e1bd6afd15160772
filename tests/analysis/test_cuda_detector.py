"""Our network on a GPU: what it finds there is what it finds on the processor, and only boxes come down."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from gpu import needs_gpu
from touchline.analysis.detectors import own_model
from touchline.analysis.onnx_detector import OnnxDetector
from touchline.geometry import fit_panorama
from touchline.gst.nv12 import Nv12
from touchline.panorama.stitch import CpuStitcher
from touchline.panorama.workers import Workers
from touchline.synth import SyntheticMatch

pytest.importorskip("torch")
pytest.importorskip("onnxruntime")
pytestmark = needs_gpu


@pytest.mark.parametrize("seed", [5, 6])
def test_it_finds_there_what_it_finds_here(seed):
    from rendering_gpu import DeviceFrame
    from touchline.analysis.cuda_detector import CudaDetector
    from touchline.cuda.device import Device

    match, workers = SyntheticMatch(seed), Workers(2)
    panorama = fit_panorama(match.rig)
    left, right = Nv12.empty(1280, 720), Nv12.empty(1280, 720)
    match.draw(40, left, right)
    stitched = Nv12.empty(panorama.width, panorama.height)
    CpuStitcher(match.rig, panorama, workers).stitch(left, right, stitched, 0.0)
    workers.close()
    here = OnnxDetector(own_model(), panorama, match.rig.outline, device="cpu")
    wanted = here.detect(stitched, 7)
    assert sum(one.kind == "player" for one in wanted.found) > 15
    came_down: list[int] = []
    with Device() as device, device.stream() as stream, DeviceFrame(device, stream, stitched) as frame:
        there = CudaDetector(device, own_model(".pt"), panorama, match.rig.outline)
        there.on_down = came_down.append
        made = there.detect(frame.picture, 7)
        there.close()
    assert made.pts_ns == 7
    assert len(there.tiles) == len(here.tiles)
    sure = [one for one in wanted.found if one.confidence > 0.35]
    for one in sure:
        near = [
            other
            for other in made.found
            if other.kind == one.kind
            and abs(other.left - one.left) + abs(other.top - one.top) < 2
            and abs(other.right - one.right) + abs(other.bottom - one.bottom) < 2
        ]
        assert near, f"{one} is not found on the GPU"
        assert abs(near[0].confidence - one.confidence) < 0.1
    assert came_down == [len(there.tiles) * 80 * 6 * 4]


def test_it_is_opened_in_one_thread_and_looks_in_another():
    """A thread in which no context was current could order no stream behind another one: the first look of each run

    failed, and the programme had nothing to follow until the detector had been opened again.
    """
    from rendering_gpu import DeviceFrame
    from touchline.analysis.cuda_detector import CudaDetector
    from touchline.cuda.device import Device

    match = SyntheticMatch(5)
    panorama = fit_panorama(match.rig)
    grey = Nv12.empty(panorama.width, panorama.height)
    grey.fill(100, 128, 128)
    with Device() as device, device.stream() as stream, DeviceFrame(device, stream, grey) as frame:
        detector = CudaDetector(device, own_model(".pt"), panorama, match.rig.outline)
        with ThreadPoolExecutor(1) as fresh:
            assert fresh.submit(detector.detect, frame.picture, 7).result().pts_ns == 7
        detector.close()
