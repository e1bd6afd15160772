"""What users write for a source, and what they are told when it is wrong."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchline.capture.uris import parse_rate, parse_size, parse_source, pattern_frames
from touchline.errors import ConfigurationError, InputError, TouchlineError


def test_files_by_path_and_by_uri(tmp_path) -> None:
    video = tmp_path / "a b%20.mp4"
    video.write_bytes(b"x")
    for text in (str(video), video.as_uri()):
        source = parse_source(text)
        assert (source.scheme, source.target, source.live) == ("file", str(video), False)


@pytest.mark.parametrize(
    ("text", "kind", "says"),
    [
        ("nowhere.mp4", InputError, "no such file: nowhere.mp4"),
        ("/", InputError, "is a folder"),
        ("", ConfigurationError, "an input is needed"),
        ("ftp://host/x", ConfigurationError, "unknown kind of input ftp://"),
        ("rtsp:///x", ConfigurationError, "names no host"),
        ("v4l2:///dev/video99", InputError, "no such video device: /dev/video99"),
        ("csi://left", ConfigurationError, "csi://0"),
        ("test://ball?size=7x7", ConfigurationError, "even numbers"),
        ("test://ball?fps=0", ConfigurationError, "1 to 1000"),
        ("test://ball?seconds=x", ConfigurationError, "seconds must be a number"),
    ],
)
def test_wrong_sources_get_one_clear_line(text: str, kind: type[TouchlineError], says: str) -> None:
    with pytest.raises(kind, match=says.replace("?", r"\?")) as caught:
        parse_source(text)
    assert "\n" not in str(caught.value)


def test_live_sources_and_their_secrets() -> None:
    source = parse_source("rtsp://coach:goal@10.0.0.5/main")
    assert source.live
    assert "goal" not in source.shown
    assert "goal" in source.text


def test_a_test_source_knows_its_frames() -> None:
    assert pattern_frames(parse_source("test://ball?seconds=2&fps=59.94")) == 120
    assert pattern_frames(parse_source("test://ball")) == -1


def test_rates() -> None:
    assert parse_rate("59.94") == Fraction(60000, 1001)
    assert parse_rate("29.97") == Fraction(30000, 1001)
    assert parse_rate("23.976") == Fraction(24000, 1001)
    assert parse_rate("25") == 25
    assert parse_rate("12.5") == Fraction(25, 2)
    assert parse_rate("60000/1001") == Fraction(60000, 1001)


@given(st.text(max_size=12), st.sampled_from([parse_size, parse_rate, parse_source]))
def test_nothing_else_than_a_clear_error_comes_of_any_text(text: str, parse: Callable[[str], object]) -> None:
    with suppress(TouchlineError):
        parse(text)
