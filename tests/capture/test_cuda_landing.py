"""Sources whose pictures come to lie on an NVIDIA GPU: the same pictures, decoded there or brought up once."""

from __future__ import annotations

import threading
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import pytest

from footage import number_of, write_numbered
from rawframes import copy_of, far_apart, why_no_cuda
from touchline.capture.landing import CudaLanding, Landing, SystemLanding
from touchline.capture.sources import Source
from touchline.capture.uris import parse_source
from touchline.counters import BusBytes
from touchline.gst.nv12 import Nv12
from touchline.gst.pipelines import system_clock

REASON = why_no_cuda()
pytestmark = pytest.mark.skipif(REASON is not None, reason=str(REASON))
PIXELS = 640 * 360 * 3 // 2


@pytest.fixture(scope="module")
def gpu() -> Any:
    """What :func:`rawframes.copy_of` needs of a backend."""
    from touchline.cuda.device import Device
    from touchline.gst.domains.cuda import CudaDomain

    device = Device()
    return SimpleNamespace(device=device, domain=CudaDomain(device))


def pictures(uri: str, landing: Landing, place: Any) -> list[tuple[int, Nv12]]:
    """Every picture of a source with its PTS, in plain memory."""
    found: list[tuple[int, Nv12]] = []
    ended = threading.Event()
    source = Source(
        parse_source(uri),
        "left",
        paced=False,
        on_frame=lambda f: found.append((f.pts, copy_of(f.picture.buffer, f.picture.layout, place))),
        on_end=lambda _: ended.set(),
        landing=landing,
    )
    source.open(system_clock().get_time())
    source.start(system_clock().get_time())
    assert ended.wait(20)
    source.stop()
    return found


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_what_the_gpu_decodes_stays_there_and_is_the_same(gpu, tmp_path, suffix: str) -> None:
    film = str(write_numbered(tmp_path / f"film{suffix}", 30, Fraction(30), (640, 360)))
    bus = BusBytes()
    found = pictures(film, CudaLanding(gpu.domain, bus), gpu)
    plain = pictures(film, SystemLanding(), SimpleNamespace(domain=SystemLanding.domain))
    assert [number_of(picture.y) for _, picture in found] == list(range(30))
    assert [pts for pts, _ in found] == [pts for pts, _ in plain]
    assert all(far_apart(one, other)[1] == 0 for (_, one), (_, other) in zip(found, plain, strict=True))
    assert bus.as_dict() == {"up": {"capture": 0}, "down": {}}


def test_what_lies_in_plain_memory_goes_up_once(gpu) -> None:
    bus = BusBytes()
    found = pictures("test://smpte?size=640x360&seconds=0.5", CudaLanding(gpu.domain, bus), gpu)
    assert len(found) == 15
    plain = pictures(
        "test://smpte?size=640x360&seconds=0.5",
        SystemLanding(),
        SimpleNamespace(domain=SystemLanding.domain),
    )
    assert all(far_apart(one, other)[1] == 0 for (_, one), (_, other) in zip(found, plain, strict=True))
    # One more was shown to whoever opened it: the preroll.
    assert bus.up["capture"] in (15 * PIXELS, 16 * PIXELS)


def test_a_source_says_what_its_pictures_take_on_the_gpu(gpu, tmp_path) -> None:
    """GStreamer 1.22 spends two luma planes on NV12: a plan that reckons with the pixels would not hold."""
    film = str(write_numbered(tmp_path / "film.mp4", 10, Fraction(30), (640, 360)))
    source = Source(
        parse_source(film),
        "left",
        paced=False,
        on_frame=lambda _: None,
        on_end=lambda _: None,
        landing=CudaLanding(gpu.domain, BusBytes()),
    )
    info = source.open(system_clock().get_time())
    source.stop()
    assert info.frame_bytes > PIXELS
