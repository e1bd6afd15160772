"""The way over the GPU shows what the way over the processor shows. Needs an NVIDIA GPU."""

from __future__ import annotations

from fractions import Fraction

import pytest

from rawframes import far_apart, shown_frames, why_no_cuda
from runs import Coded

REASON = why_no_cuda()
pytestmark = pytest.mark.skipif(REASON is not None, reason=str(REASON))


@pytest.fixture(scope="module")
def footage(coded) -> Coded:
    return coded(Fraction(30))


@pytest.mark.parametrize(
    "settings",
    [
        {"view": "panorama"},
        {"view": "panorama", "size": "640x360"},
        {"view": "fixed:0,-10,45", "size": "640x360"},
        {"view": "fixed:10,-8,100", "size": "640x360"},
    ],
    ids=["panorama", "whole", "near", "wide"],
)
def test_every_frame_is_the_same_to_a_level(footage: Coded, settings: dict[str, str]) -> None:
    # Exposures are matched as factors of the signal on the GPU; in light they would be a level or two apart.
    _, plain = shown_frames(**footage.inputs, memory="system", exposure="signal", **settings)
    production, frames = shown_frames(**footage.inputs, memory="cuda", **settings)
    assert [pts for pts, _ in frames] == [pts for pts, _ in plain]
    assert len(frames) == footage.frames
    for (_, one), (_, other) in zip(frames, plain, strict=True):
        share, most = far_apart(one, other)
        assert share <= 0.001
        assert most <= 2
    assert production.backend.domain.name == "cuda"


def test_no_pixel_of_a_camera_goes_up_and_no_panorama_comes_down(footage: Coded, tmp_path) -> None:
    """Up: nothing, for the GPU decodes; down: the programme's frames, and numbers: boxes, the gain."""
    video = tmp_path / "out.mp4"
    production, frames = shown_frames(
        **footage.inputs, memory="cuda", view="follow", size="640x360", record=[video]
    )
    bus = production.backend.bus.as_dict()
    assert sum(bus["up"].values()) == 0
    assert bus["down"]["programme"] == len(frames) * 640 * 360 * 3 // 2
    assert set(bus["down"]) <= {"programme", "analysis", "gain"}
    assert bus["down"]["gain"] <= (len(frames) + 2) * 32
    # At most a few tiles of 80 boxes in each tenth of a second.
    assert 0 < bus["down"]["analysis"] <= (len(frames) // 3 + 2) * 8 * 80 * 6 * 4


def test_drawn_frames_go_up_once() -> None:
    production, frames = shown_frames(
        synthetic=3, synthetic_size="640x360", duration=0.5, memory="cuda", view="panorama"
    )
    assert len(frames) == 15
    # And once more the first ones, before the start: their room is allocated then.
    assert production.backend.bus.up["capture"] == (15 + 1) * 2 * 640 * 360 * 3 // 2
