"""Proof by content: every frame number that goes in comes out once, in order, at its time."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest

from footage import read_frames
from runs import Coded, run_in_time, times_are_kept
from touchline.engine.books import stats_of
from touchline.engine.production import Production

T = TypeVar("T")

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


def shown(
    read: Callable[[np.ndarray], T], footage: Coded, video: Path, **settings: Any
) -> tuple[Production, list[tuple[T, int]]]:
    """A recorded run, and what each of its frames says, with its PTS.

    Also of a run that the machine was too busy for: what is shown again or left out is in its report.
    """
    found: list[tuple[T, int]] = []

    def as_told(production: Production) -> None:
        found[:] = read_frames(video, read)
        numbers, told = [number for number, _ in found], stats_of(production).frames
        assert sum(one == other for one, other in pairwise(numbers)) <= told.repeated
        assert footage.frames - len(set(numbers)) <= sum(told.dropped.values())

    return run_in_time(as_told, **footage.inputs, **settings, record=[video]), found


@rates(1)
def test_every_frame_of_both_cameras_is_in_the_panorama(coded, tmp_path, fps: Fraction, pace: str) -> None:
    footage = coded(fps)
    production, found = shown(
        footage.reader_of_panorama(), footage, tmp_path / "programme.mp4", pace=pace, view="panorama"
    )
    assert [codes for codes, _ in found] == [(i, i) for i in range(footage.frames)]
    assert times_are_kept(found, fps)
    assert production.stitching.dropped.total == 0


@rates(0)
def test_every_frame_is_in_a_fixed_view(coded, tmp_path, fps: Fraction, pace: str) -> None:
    footage = coded(fps)
    side = RATES.index(fps) % 2
    view, size = footage.over_code(side), (640, 360)
    _, found = shown(
        footage.reader_of_view(side, size),
        footage,
        tmp_path / "programme.mkv",
        pace=pace,
        view=f"fixed:{view.yaw_deg},{view.pitch_deg},{view.fov_deg}",
        size="640x360",
    )
    assert [number for number, _ in found] == list(range(footage.frames))
    assert times_are_kept(found, fps)
