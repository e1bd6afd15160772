"""The plan where frames lie outside plain memory: the real bytes of a frame, and what is free there."""

from __future__ import annotations

from fractions import Fraction

import pytest

from footage import write_numbered
from touchline.capture import SourceInfo
from touchline.config import load_config
from touchline.engine.backend import CpuBackend
from touchline.engine.planning import plan_of, settle
from touchline.engine.production import Production
from touchline.errors import PlanError
from touchline.gst.caps import VideoCaps
from touchline.gst.domains import GlDomain

PICTURE = 3_000_000  # bytes of a decoded picture; as large as a decoder pleases
FRAME = 2_000_000
SIZE = (320, 180)


class Elsewhere(CpuBackend):
    """Reckons as a GPU's backend does; nothing is allocated there."""

    place = "GPU memory (a small one)"

    def __init__(self, free: int = 10**12) -> None:
        super().__init__()
        self.domain = GlDomain()
        self._free = free

    def frame_bytes(self, caps: VideoCaps) -> int:
        return FRAME

    def picture_bytes(self, info: SourceInfo) -> int:
        return PICTURE

    def free_bytes(self) -> int:
        return self._free


@pytest.fixture
def production(tmp_path):
    film = write_numbered(tmp_path / "film.mp4", 30, Fraction(30), SIZE)
    made = Production(
        load_config(
            {
                "panorama": str(film),
                "size": "320x180",
                "delay": 0.5,
                "record": [tmp_path / "a.mp4"],
                "memory": "system",
            }
        )
    )
    yield made
    made.close()
    made.release()


def test_frames_on_loan_are_as_large_as_the_decoder_makes_them(production) -> None:
    config, scene = production.config, production.scene
    backend = Elsewhere()
    plan = plan_of(config, scene, production.channels, backend)
    assert plan.frame_bytes == PICTURE
    assert dict(plan.other)["decoded pictures"] % PICTURE == 0
    copied = plan_of(config.model_copy(update={"hold": "copy"}), scene, production.channels, backend)
    assert copied.frame_bytes == SIZE[0] * SIZE[1] * 3 // 2, "copies lie in a pool of ours"
    backend.close()


def test_plain_memory_is_planned_as_ever(production) -> None:
    assert production.plan.frame_bytes == SIZE[0] * SIZE[1] * 3 // 2
    assert "encoder" in dict(production.plan.other)


def test_what_does_not_fit_there_is_refused_with_the_arithmetic_and_the_place(production) -> None:
    backend = Elsewhere(free=50_000_000)
    with pytest.raises(PlanError) as refusal:
        settle(production.config, production.scene, production.channels, backend, lambda _: None)
    said = str(refusal.value)
    assert "frames of 3.00 MB" in said
    assert "0.05 GB are free in GPU memory (a small one)" in said
    backend.close()


def test_an_encoder_on_the_processor_needs_plain_memory_beside(production, monkeypatch) -> None:
    """Downloaded frames and x264 take plain memory that no plan of the GPU's speaks of."""
    from touchline.engine import planning

    monkeypatch.setattr(planning, "available_bytes", lambda: planning.HEADROOM_BYTES + 1000)
    backend = Elsewhere()
    with pytest.raises(PlanError, match="plain memory beside the GPU's"):
        settle(production.config, production.scene, production.channels, backend, lambda _: None)
    backend.close()


def test_source_infos_say_what_a_picture_really_takes(production) -> None:
    (info,) = production.scene.infos
    assert info.frame_bytes >= SIZE[0] * SIZE[1] * 3 // 2
