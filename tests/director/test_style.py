"""Styles: presets by the viewer's words, and no nonsense."""

from __future__ import annotations

from dataclasses import replace

import pytest

from touchline.director.style import PACES, SPORTS, Style


def test_there_is_a_preset_for_every_sport_and_pace() -> None:
    made = {Style.of(sport, pace) for sport in SPORTS for pace in PACES}
    assert len(made) == len(SPORTS) * len(PACES)
    assert Style.of() == Style.of("football", "standard") == Style()


@pytest.mark.parametrize("sport", SPORTS)
def test_a_lively_camera_moves_for_less_than_a_calm_one(sport: str) -> None:
    calm, standard, lively = (Style.of(sport, pace) for pace in PACES)  # type: ignore[arg-type]
    assert calm.look_s > standard.look_s > lively.look_s
    assert calm.softness > standard.softness > lively.softness
    assert calm.closest_deg > standard.closest_deg > lively.closest_deg


@pytest.mark.parametrize(
    "change",
    [
        {"closest_deg": 60.0},
        {"widest_deg": 130.0},
        {"closest_deg": 4.0},
        {"margin": 0.95},
        {"company": 1.5},
        {"look_s": 0.0},
        {"pan_push": 0.0},
        {"roominess": 0.5},
        {"softness": float("nan")},
        {"lead_s": -1.0},
        {"field_m": (0.0, 68.0)},
    ],
)
def test_nonsense_is_refused(change: dict[str, float]) -> None:
    name = next(iter(change)).removesuffix("_m")
    with pytest.raises(ValueError, match="fields of view" if name.endswith("deg") else name):
        replace(Style(), **change)  # type: ignore[arg-type]


def test_an_unknown_preset_names_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"football.*calm"):
        Style.of("chess")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="frantic"):
        Style.of("futsal", "frantic")  # type: ignore[arg-type]
