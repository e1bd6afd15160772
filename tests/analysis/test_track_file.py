"""Files of JSON Lines that survive a kill, and the tracks in them."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchline.analysis.known_play import KnownPlay
from touchline.analysis.line_file import LineReader, LineWriter
from touchline.analysis.play import BallAt, Moment, PlayerAt
from touchline.analysis.track_file import TrackedScene, TrackFile, TrackScribe, TrackWriter
from touchline.errors import InputError, OutputError
from touchline.geometry import Ground, Panorama
from touchline.synth.pitch import EYE, field_outline

PANORAMA = Panorama("cylindrical", 1800, 480, *(math.radians(a) for a in (-85, 85, -34, 14)))
GROUND = Ground.below_mast(EYE[2], (EYE[0], EYE[1]))
SCENE = TrackedScene(PANORAMA, Fraction(30000, 1001), 40_000_000, field_outline(), GROUND)


def moment(k: int) -> Moment:
    ball = (
        None
        if k % 7 == 3
        else BallAt(round(0.1 * k, 4), -8.0, 0.5, k % 2 == 0, (1.0 * k, 2.0) if k % 5 else None)
    )
    return Moment(
        k * 10**8, ball, tuple(PlayerAt(n, n - 0.25 * k, -9.0, True, (0.0, n / 4)) for n in range(k % 4))
    )


def write(path: Path, count: int) -> None:
    with TrackWriter(path, SCENE) as writer:
        for k in range(count):
            writer.append(moment(k))


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.tracks.jsonl"
    write(path, 40)
    play = TrackFile(path)
    assert play.between(0, 10**12) == [moment(k) for k in range(40)]
    assert play.wait_for(10**13)
    scene = play.scene
    assert (scene.fps, scene.starts_ns) == (SCENE.fps, SCENE.starts_ns)
    assert replace(scene.panorama, yaw_min=PANORAMA.yaw_min, pitch_min=PANORAMA.pitch_min) == PANORAMA
    assert (scene.panorama.yaw_min, scene.panorama.pitch_min) == pytest.approx(
        (PANORAMA.yaw_min, PANORAMA.pitch_min)
    )
    assert scene.field is not None
    assert scene.ground is not None
    assert np.array(scene.field.points) == pytest.approx(np.array(field_outline().points))
    assert scene.ground.eye == pytest.approx(GROUND.eye)


def test_nothing_known_is_told_as_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.tracks.jsonl"
    pitch = Panorama("pitch", 900, 300, -1.1, 1.2, -0.5, 0.2, 0.05)
    TrackWriter(path, TrackedScene(pitch, Fraction(25))).close()
    scene = TrackFile(path).scene
    assert scene.field is None
    assert scene.ground is None
    assert scene.panorama.normal == pytest.approx(0.05)
    assert TrackFile(path).between(0, 10**12) == []


@given(st.lists(st.tuples(st.integers(-5, 60), st.integers(0, 30)), max_size=12))
def test_it_is_read_as_far_as_it_is_asked_for(
    tmp_path_factory: pytest.TempPathFactory, asked: list[tuple[int, int]]
) -> None:
    """Like a play that is known from the start, whatever is asked in whatever order."""
    path = tmp_path_factory.getbasetemp() / "asked.tracks.jsonl"
    if not path.exists():
        write(path, 40)
    play, known = TrackFile(path), KnownPlay(moment(k) for k in range(40))
    for first, length in asked:
        between = first * 10**8 - 5, (first + length) * 10**8
        assert play.between(*between) == list(known.between(*between))


def test_a_long_file_takes_no_memory_that_grows(tmp_path: Path) -> None:
    path = tmp_path / "a.tracks.jsonl"
    write(path, 600)
    play, most = TrackFile(path), 0
    for k in range(0, 600, 5):
        assert play.between((k - 10) * 10**8, (k + 70) * 10**8)[-1] == moment(min(599, k + 70))
        play.forget_before((k - 10) * 10**8)
        most = max(most, len(play))
    assert most <= 86


def test_a_killed_writer_loses_nothing_that_was_appended(tmp_path: Path) -> None:
    """The process is killed after the hundredth line, without any chance to close the file."""
    path = tmp_path / "a.tracks.jsonl"
    code = (
        "import os, signal, sys; from pathlib import Path\n"
        "from analysis.test_track_file import SCENE, moment\n"
        "from touchline.analysis.track_file import TrackWriter\n"
        "writer = TrackWriter(Path(sys.argv[1]), SCENE)\n"
        "for k in range(100): writer.append(moment(k))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    tests = str(Path(__file__).parents[1])
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([tests, *sys.path])}
    done = subprocess.run([sys.executable, "-c", code, str(path)], env=environment, check=False, timeout=120)
    assert done.returncode == -signal.SIGKILL
    assert TrackFile(path).between(0, 10**12) == [moment(k) for k in range(100)]


def test_a_scribe_writes_each_moment_once_as_it_was_known(tmp_path: Path) -> None:
    """Whatever frames are shown; asked for with the programme's hindsight and no more."""
    asked: list[int] = []

    class Watched(KnownPlay):
        def between(self, first_ns: int, last_ns: int) -> Sequence[Moment]:
            asked.append(last_ns)
            return super().between(first_ns, last_ns)

    path = tmp_path / "a.tracks.jsonl"
    scribe = TrackScribe(Watched(moment(k) for k in range(60)), TrackWriter(path, SCENE), 2 * 10**9)
    shown = [round(k * 1e9 / 30) for k in range(130) if not 40 < k < 75]
    for pts in shown:
        scribe.shown(pts)
    assert max(asked) <= shown[-1] + 2 * 10**9
    assert len(asked) < 10
    scribe.finish(shown[-1])
    assert TrackFile(path).between(0, 10**12) == [moment(k) for k in range(60) if k * 10**8 <= shown[-1]]


def test_a_line_cut_off_at_the_end_is_left_out(tmp_path: Path) -> None:
    """Wherever a full disk or a power cut has ended it."""
    path = tmp_path / "a.tracks.jsonl"
    write(path, 6)
    whole = path.read_bytes()
    last = whole.rstrip(b"\n").rindex(b"\n") + 1
    for end in range(last, len(whole) - 1):
        path.write_bytes(whole[:end])
        assert len(TrackFile(path).between(0, 10**12)) == 5
    path.write_bytes(whole[:-1])
    assert len(TrackFile(path).between(0, 10**12)) == 6


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("nonsense", "line 3: no JSON"),
        ("[]", "line 3: a line is an object"),
        ('{"pts_ns": 5, "players": []}', "line 3: no 'ball'"),
        ('{"pts_ns": -5, "ball": null, "players": []}', "line 3: -5 is no whole number"),
        ('{"pts_ns": 0, "ball": null, "players": []}', "line 3: a moment of 0 ns can't follow one of 0 ns"),
        ('{"pts_ns": 5, "ball": [1, 2, 1.5, 1], "players": []}', "line 3: a sureness is 0 .. 1"),
        ('{"pts_ns": 5, "ball": [1, NaN, 1, 1], "players": []}', "line 3: nan is no number"),
        ('{"pts_ns": 5, "ball": [1, 2], "players": []}', "line 3: "),
        ('{"pts_ns": 5, "ball": null, "players": [[1, 2, 3, 1, 4]]}', "line 3: "),
        ('{"pts_ns": 5, "ball": null, "players": 3}', "line 3: "),
    ],
)
def test_a_corrupt_line_is_named(tmp_path: Path, line: str, why: str) -> None:
    path = tmp_path / "a.tracks.jsonl"
    write(path, 1)
    path.write_text(
        path.read_text() + line + "\n" + json.dumps({"pts_ns": 10, "ball": None, "players": []}) + "\n"
    )
    with pytest.raises(InputError, match=why):
        TrackFile(path).between(0, 10**12)


@pytest.mark.parametrize(
    ("head", "why"),
    [
        ("", "these are no tracks"),
        ('{"touchline": "path", "version": 1}', "these are no tracks"),
        ('{"touchline": "tracks", "version": 8}', "version 8; this Touchline reads 1"),
        ('{"touchline": "tracks", "version": 1}', "line 1: no 'field'"),
    ],
)
def test_another_file_is_refused(tmp_path: Path, head: str, why: str) -> None:
    path = tmp_path / "a.tracks.jsonl"
    path.write_text(head + "\n")
    with pytest.raises(InputError, match=why):
        TrackFile(path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="can't be read: No such file"):
        TrackFile(tmp_path / "none.jsonl")
    with pytest.raises(OutputError, match="can't be written: No such file"):
        TrackWriter(tmp_path / "nowhere" / "a.jsonl", SCENE)


@given(st.lists(st.dictionaries(st.text(), st.text() | st.integers() | st.none()), max_size=8))
def test_any_object_survives(
    tmp_path_factory: pytest.TempPathFactory, lines: list[dict[str, object]]
) -> None:
    path = tmp_path_factory.getbasetemp() / "some.jsonl"
    with LineWriter(path, "things", 3, {"of": "mine"}) as writer:
        for line in lines:
            writer.write(line)
    reader = LineReader(path, "things", 3)
    assert reader.head["of"] == "mine"
    assert list(reader.lines(dict)) == lines


def test_no_nan_gets_into_a_file(tmp_path: Path) -> None:
    with (
        LineWriter(tmp_path / "a.jsonl", "things", 1, {}) as writer,
        pytest.raises(ValueError, match="JSON compliant"),
    ):
        writer.write({"a": math.nan})
