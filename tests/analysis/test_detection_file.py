"""Detections that were written are read again; what a crash or a hand has done to the file is noticed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from touchline.analysis.detection_file import DetectionWriter, NoDetector, ReplayDetector, read_detections
from touchline.analysis.detections import Detection, Detections
from touchline.errors import ConfigurationError, OutputError
from touchline.geometry import Panorama
from touchline.gst.nv12 import Nv12

PANORAMA = Panorama("equirectangular", 400, 160, -1.2, 1.2, -0.6, 0.1)
PICTURE = Nv12.empty(400, 160)
EDGES = st.floats(-50, 3000)
BOXES = st.tuples(EDGES, EDGES, st.floats(1e-9, 500), st.floats(1e-9, 500)).filter(
    lambda b: b[0] + b[2] > b[0] and b[1] + b[3] > b[1]
)
ONE = st.builds(
    lambda box, kind, sure: Detection(box[0], box[1], box[0] + box[2], box[1] + box[3], kind, sure),
    BOXES,
    st.sampled_from(["ball", "player"]),
    st.floats(0, 1),
)
FILMS = st.lists(st.lists(ONE, max_size=5), max_size=6)


def written(path: Path, film: list[list[Detection]]) -> list[Detections]:
    frames = [Detections(100_000_000 * k + 7, tuple(found)) for k, found in enumerate(film)]
    with DetectionWriter(path, (400, 160)) as writer:
        for frame in frames:
            writer.append(frame)
    return frames


@settings(max_examples=60, deadline=None)
@given(film=FILMS)
def test_what_was_written_is_read_again(tmp_path_factory: pytest.TempPathFactory, film) -> None:
    path = tmp_path_factory.mktemp("found") / "found.jsonl"
    frames = written(path, film)
    size, again = read_detections(path)
    assert size == (400, 160)
    assert [f.pts_ns for f in again] == [f.pts_ns for f in frames]
    for one, other in zip(frames, again, strict=True):
        for before, after in zip(one.found, other.found, strict=True):
            assert before.kind == after.kind
            assert after.left == pytest.approx(before.left, abs=0.006)
            assert after.bottom == pytest.approx(before.bottom, abs=0.006)
            assert after.confidence == pytest.approx(before.confidence, abs=1e-4)


@settings(max_examples=60, deadline=None)
@given(film=FILMS, share=st.floats(0, 1))
def test_a_file_that_was_cut_off_anywhere_is_read_as_far_as_it_goes(
    tmp_path_factory: pytest.TempPathFactory, film, share: float
) -> None:
    path = tmp_path_factory.mktemp("found") / "found.jsonl"
    frames = written(path, film)
    whole = path.read_bytes()
    header = whole.index(b"\n") + 1
    kept = header + int(share * (len(whole) - header))
    path.write_bytes(whole[:kept])
    lines = whole[:kept].count(b"\n") - 1
    again = read_detections(path)[1]
    assert len(again) in (lines, lines + 1)  # a last line may lack its end alone
    assert [f.pts_ns for f in again] == [f.pts_ns for f in frames[: len(again)]]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "no JSON"),
        ('{"found": []}', "no 'pts_ns'"),
        ('{"pts_ns": 5, "found": [[1, 2, 3]]}', "missing"),
        ('{"pts_ns": 5, "found": [[5, 2, 3, 4, "ball", 0.5]]}', "empty box"),
        ('{"pts_ns": 5, "found": [[NaN, 2, 3, 4, "ball", 0.5]]}', "finite"),
        ('{"pts_ns": 5, "found": [[1, 2, 3, 4, "dog", 0.5]]}', "'dog'"),
        ('{"pts_ns": 5, "found": [["1", 2, 3, 4, "ball", 0.5]]}', "four numbers"),
        ('{"pts_ns": 5, "found": [[1, 2, 3, 4, "ball", 2]]}', "0 .. 1"),
        ('{"pts_ns": 1, "found": []}', "can't follow"),
        ('{"pts_ns": 1.5, "found": []}', "no whole number"),
        ("[]", "indices"),
        ('{"pts_ns": 5, "found": [[1, 2, 1' + "0" * 400 + ', 4, "ball", 0.5]]}', "too large"),
    ],
)
def test_a_line_that_is_wrong_is_named(tmp_path: Path, line: str, said: str) -> None:
    path = tmp_path / "found.jsonl"
    head = json.dumps({"touchline": "detections", "version": 1, "width": 400, "height": 160})
    path.write_text(f'{head}\n{{"pts_ns": 2, "found": []}}\n{line}\n{{"pts_ns": 9, "found": []}}\n')
    with pytest.raises(ConfigurationError, match=f"line 3: .*{said}") as refused:
        read_detections(path)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "line 1: no detections"),
        ('{"a": 1}\n', "line 1: no detections"),
        (
            '{"touchline": "detections", "version": 9, "width": 4, "height": 4}\n',
            "version 9; this Touchline reads 1",
        ),
        ("\x00\xff", "line 1"),
    ],
)
def test_another_file_is_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "other.jsonl"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(ConfigurationError, match=said):
        read_detections(path)


def test_files_that_cant_be_opened(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="can't be read: No such file"):
        read_detections(tmp_path / "none.jsonl")
    with pytest.raises(OutputError, match="can't be written"):
        DetectionWriter(tmp_path / "no" / "folder.jsonl", (4, 4))


def test_a_replay_says_what_was_found_about_then(tmp_path: Path) -> None:
    ball = Detection(1, 2, 3, 4, "ball", 0.5)
    path = tmp_path / "found.jsonl"
    written(path, [[ball], [], [ball, ball]])
    replay = ReplayDetector(path, PANORAMA)
    found = {
        pts: len(replay.detect(PICTURE, pts * 1_000_000).found) for pts in (0, 40, 60, 120, 190, 240, 260)
    }
    assert found == {0: 1, 40: 1, 60: 0, 120: 0, 190: 2, 240: 2, 260: 0}
    assert replay.detect(PICTURE, 123).pts_ns == 123
    with pytest.raises(ConfigurationError, match="of 400x160, not 500x160"):
        ReplayDetector(path, Panorama("equirectangular", 500, 160, -1.2, 1.2, -0.6, 0.1))


def test_none_finds_nothing() -> None:
    assert NoDetector().detect(PICTURE, 5) == Detections(5)
