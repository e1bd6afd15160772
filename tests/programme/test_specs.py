"""What is asked for is checked before anything starts, and said in one line."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from numbered import CAPS

from touchline.errors import ConfigurationError
from touchline.programme import OutputSpec, Programme


@pytest.mark.parametrize("name", ["match.avi", "match", "match.mp4.part"])
def test_a_recording_is_named_for_what_it_is(name: str) -> None:
    with pytest.raises(ConfigurationError, match=r"one of \.mp4, \.mkv, \.ts"):
        OutputSpec("record", name)


def test_upper_case_and_file_urls_are_understood(tmp_path: Path) -> None:
    assert OutputSpec("record", "MATCH.MP4").container == "mp4"
    assert OutputSpec("record", f"file://{tmp_path}/a.mkv").path == tmp_path / "a.mkv"
    assert OutputSpec("stream", "RTMP://host/app/key").container == "flv"
    assert OutputSpec("stream", "srt://host:9000").container == "ts"


def test_the_folder_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="there is no folder"):
        Programme(CAPS, [OutputSpec("record", str(tmp_path / "nowhere" / "a.mp4"))])
    (tmp_path / "a.mp4").mkdir()
    with pytest.raises(ConfigurationError, match="that is a folder"):
        Programme(CAPS, [OutputSpec("record", str(tmp_path / "a.mp4"))])


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(ConfigurationError, match="no permission to write"):
        OutputSpec("record", str(tmp_path / "a.mp4")).check()


def test_an_output_is_given_once(tmp_path: Path) -> None:
    path = str(tmp_path / "a.mp4")
    with pytest.raises(ConfigurationError, match="given twice"):
        Programme(CAPS, [OutputSpec("record", path), OutputSpec("record", f"file://{path}")])


def test_who_listens() -> None:
    assert OutputSpec("stream", "srt://:9000").listens
    assert OutputSpec("stream", "srt://0.0.0.0:9000?mode=listener").listens
    assert not OutputSpec("stream", "srt://10.0.0.1:9000").listens
    assert not OutputSpec("stream", "udp://239.1.1.1:5000").listens


def test_a_webcam_needs_its_device() -> None:
    with pytest.raises(ConfigurationError, match="/dev/video9"):
        OutputSpec("webcam")


def test_labels_have_no_secrets() -> None:
    assert OutputSpec("stream", "rtmp://a.b/live/secret").label == "stream rtmp://a.b/live/***"
    assert OutputSpec("display").label == "display"
    with pytest.raises(ConfigurationError) as caught:
        OutputSpec("stream", "rtsp://coach:goal@camera/main")
    assert "goal" not in str(caught.value)
