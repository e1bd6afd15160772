"""Proof by content: every frame number that goes in comes out once, in order, at its time."""

from __future__ import annotations

from fractions import Fraction

import pytest

from footage import read_frames
from runs import run, times_are_kept

RATES = [Fraction(25), Fraction(30), Fraction(50), Fraction(60000, 1001)]


def rates(first: int) -> pytest.MarkDecorator:
    """Every rate at both paces: at one of them always, taking turns, and at the other one among the slow tests."""
    cases = []
    for number, fps in enumerate(RATES):
        for pace in ("live", "fast"):
            always = (pace == "live") == ((number + first) % 2 == 0)
            marks = [] if always else [pytest.mark.slow]
            cases.append(pytest.param(fps, pace, marks=marks, id=f"{float(fps):.2f}fps-{pace}"))
    return pytest.mark.parametrize(("fps", "pace"), cases)


@rates(1)
def test_every_frame_of_both_cameras_is_in_the_panorama(coded, tmp_path, fps: Fraction, pace: str) -> None:
    footage = coded(fps)
    video = tmp_path / "programme.mp4"
    production = run(**footage.inputs, view="panorama", pace=pace, record=[video])
    found = read_frames(video, footage.reader_of_panorama())
    assert [codes for codes, _ in found] == [(i, i) for i in range(footage.frames)]
    assert times_are_kept(found, fps)
    assert production.stitching.dropped.total == 0


@rates(0)
def test_every_frame_is_in_a_fixed_view(coded, tmp_path, fps: Fraction, pace: str) -> None:
    footage = coded(fps)
    side = RATES.index(fps) % 2
    view, size = footage.over_code(side), (640, 360)
    video = tmp_path / "programme.mkv"
    run(
        **footage.inputs,
        view=f"fixed:{view.yaw_deg},{view.pitch_deg},{view.fov_deg}",
        size="640x360",
        pace=pace,
        record=[video],
    )
    found = read_frames(video, footage.reader_of_view(side, size))
    assert [number for number, _ in found] == list(range(footage.frames))
    assert times_are_kept(found, fps)
