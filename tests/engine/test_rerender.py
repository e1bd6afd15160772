"""How a second programme is laid out and framed."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchline.analysis.track_file import TrackedScene
from touchline.director.style import Style
from touchline.engine.rerender import framed_for, ground_of, lay_out
from touchline.geometry import Ground, fit_panorama
from touchline.synth.pitch import EYE, field_outline
from touchline.synth.rig import default_rig

SCENE = TrackedScene(fit_panorama(default_rig(1)), Fraction(30))


@given(
    st.integers(80, 1000).map(lambda n: 2 * n), st.integers(80, 1000).map(lambda n: 2 * n),
    st.sampled_from(["inside", "beside", None]), st.sampled_from([(105.0, 68.0), (28.0, 15.0)]),
)  # fmt: skip
def test_view_and_map_are_even_and_inside_the_picture(
    width: int, height: int, where: str | None, field_m: tuple[float, float]
) -> None:
    layout = lay_out((width, height), where, field_m)  # type: ignore[arg-type]
    for part in [layout.view] + ([layout.map] if layout.map else []):
        left, top, across, down = part
        assert all(number % 2 == 0 for number in part)
        assert 0 <= left < left + across <= width
        assert 0 <= top < top + down <= height
    assert (layout.map is None) == (where is None)
    if where == "beside" and layout.map is not None:
        view, top = layout.view, layout.map
        assert view[2] * view[3] + top[2] * top[3] == width * height


def test_an_upright_picture_shows_as_much() -> None:
    style = Style()
    tall = framed_for(style, 9 / 16)
    assert tall.closest_deg * tall.closest_deg * 16 / 9 == pytest.approx(style.closest_deg**2 * 9 / 16)
    assert framed_for(style, 16 / 9) == style
    assert framed_for(replace(style, closest_deg=6.0, widest_deg=7.0), 0.1).closest_deg == 5


def test_the_ground_is_that_of_the_tracks_or_of_the_field() -> None:
    mast = Ground.below_mast(EYE[2], (EYE[0], EYE[1]))
    assert ground_of(SCENE, Style()) is None
    assert ground_of(replace(SCENE, ground=mast), Style()) is mast
    found = ground_of(replace(SCENE, field=field_outline()), Style())
    assert found is not None
    assert found.eye == pytest.approx(mast.eye, abs=1e-6)
