"""``--view`` is read or refused with one clear line, whatever is typed."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from touchline.director import ViewChoice, parse_view
from touchline.errors import ConfigurationError
from touchline.geometry import View

numbers = st.floats(-1e3, 1e3).map(repr) | st.sampled_from(["", "nan", "inf", "1e999", "4_0", " 7", "٣", "-"])
fixed = st.lists(numbers, max_size=5).map(lambda parts: "fixed:" + ",".join(parts))
views = st.builds(View, st.floats(-400, 400), st.floats(-85, 85), st.floats(1, 150))


def test_what_it_may_say() -> None:
    assert parse_view("follow") == ViewChoice("follow")
    assert parse_view(" panorama ") == ViewChoice("panorama")
    assert parse_view("fixed:-20,-8.5,45") == ViewChoice("fixed", View(-20, -8.5, 45))
    assert parse_view("fixed: 10, 0, 40") == ViewChoice("fixed", View(10, 0, 40))


@given(view=views)
def test_a_choice_can_be_written_and_read(view: View) -> None:
    choice = ViewChoice("fixed", view)
    assert parse_view(str(choice)) == choice


@given(text=st.text() | fixed | st.sampled_from(["follow:", "panorama:1", "fixed", "Follow"]))
@example("fixed:" + "9" * 5000 + ",0,0")
def test_anything_else_is_refused_in_one_line(text: str) -> None:
    try:
        choice = parse_view(text)
    except ConfigurationError as error:
        line = str(error)
        assert line.startswith("--view ")
        assert "follow, panorama or fixed:YAW,PITCH,FOV" in line
        assert "\n" not in line
        assert len(line) < 400
    else:
        assert parse_view(str(choice)) == choice


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("zoom", "'zoom' is unknown"),
        ("", "'' is unknown"),
        ("fixed:1,2", "three numbers"),
        ("fixed:1,2,3,4", "three numbers"),
        ("fixed:a,b,c", "three numbers"),
        ("fixed:0,0,200", "field of view must be 1 to 150 degrees, not 200"),
        ("fixed:0,90,40", "pitch must be -85 to 85"),
        ("fixed:nan,0,40", "finite"),
    ],
)
def test_the_reason_is_given(text: str, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        parse_view(text)


def test_a_choice_is_whole() -> None:
    for kind, view in (("fixed", None), ("follow", View(0, 0, 40))):
        with pytest.raises(ValueError, match="fixed view needs"):
            ViewChoice(kind, view)  # type: ignore[arg-type]
