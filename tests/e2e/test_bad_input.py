"""Whatever is wrong with an input or an output: one clear line, the exit code of the contract, nothing lost."""

from __future__ import annotations

import json
import random
import socket
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from footage import number_of, read_frames, write_numbered
from runs import Coded, in_plain_memory, refused, touchline, touchline_here


@pytest.fixture(scope="module")
def footage(coded) -> Coded:
    return coded(Fraction(30))


def cameras(footage: Coded, *, rig: bool = True) -> list[object]:
    given = ["--left", footage.inputs["left"], "--right", footage.inputs["right"]]
    return [*given, "--rig", footage.inputs["rig"]] if rig else given


def test_a_missing_file(footage: Coded) -> None:
    done = touchline("run", "--left", "nowhere.mp4", "--right", footage.inputs["right"])
    assert "no such file: nowhere.mp4" in refused(done, 4)


def test_something_that_is_no_video(footage: Coded, tmp_path: Path) -> None:
    text = tmp_path / "notes.mp4"
    text.write_text("kick-off at three\n" * 200)
    done = touchline_here(
        "run", "--left", text, "--right", footage.inputs["right"], "--rig", footage.inputs["rig"]
    )
    line = refused(done, 4)
    assert str(text) in line
    assert "left input" in line


def test_a_rig_of_other_cameras(footage: Coded, tmp_path: Path) -> None:
    small = write_numbered(tmp_path / "small.mp4", 20, size=(320, 180))
    done = touchline_here(
        "run", "--left", small, "--right", footage.inputs["right"], "--rig", footage.inputs["rig"]
    )
    line = refused(done, 2)
    assert "belongs to other cameras" in line
    assert "640x360 and 640x360, these are 320x180 and 640x360" in line


@pytest.mark.parametrize(
    ("content", "says"), [("{", "not JSON"), ("{}", "not a rig file"), (None, "can't be read")]
)
def test_a_rig_that_is_none(footage: Coded, tmp_path: Path, content: str | None, says: str) -> None:
    rig = tmp_path / "rig.json"
    if content is not None:
        rig.write_text(content)
    done = touchline_here("run", *cameras(footage, rig=False), "--rig", rig)
    assert says in refused(done, 2)


def test_pictures_that_never_stay_the_same(tmp_path: Path) -> None:
    one = write_numbered(tmp_path / "one.mp4", 30)
    other = write_numbered(tmp_path / "other.mp4", 30, first=500)
    done = touchline_here("calibrate", one, other, "-o", tmp_path / "rig.json")
    assert "does not stand still" in refused(done, 2)
    assert not (tmp_path / "rig.json").exists()


def test_pictures_that_have_nothing_in_common(tmp_path: Path) -> None:
    done = touchline_here("calibrate", "test://smpte", "test://circular", "-o", tmp_path / "rig.json")
    assert "match" in refused(done, 2)
    assert not (tmp_path / "rig.json").exists()


def test_an_mp4_that_was_cut_off(footage: Coded, tmp_path: Path) -> None:
    cut = tmp_path / "cut.mp4"
    data = Path(footage.inputs["left"]).read_bytes()
    cut.write_bytes(data[: len(data) // 2])
    done = touchline_here(
        "run", "--left", cut, "--right", footage.inputs["right"], "--rig", footage.inputs["rig"]
    )
    assert "cut.mp4" in refused(done, 4)


def test_a_stream_that_breaks_in_the_middle_keeps_what_was_shown(footage: Coded, tmp_path: Path) -> None:
    """Garbage in the middle of a file: what came before it is recorded to its end, in order."""
    whole = write_numbered(tmp_path / "whole.mkv", 300)
    data = bytearray(whole.read_bytes())
    # Late enough that the demuxer, which reads ahead, does not meet it while the file is being opened.
    middle = len(data) * 7 // 10
    data[middle:] = random.Random(1).randbytes(30_000)
    broken = tmp_path / "broken.mkv"
    broken.write_bytes(data)
    out = tmp_path / "out.mkv"
    done = touchline(
        "run", "--panorama", broken, "--view", "panorama", "--delay", 0.5, "--pace", "fast", "--record", out
    )
    assert "broken.mkv" in refused(done, 4)

    def number_or_none(y: np.ndarray) -> int | None:
        try:
            return number_of(y)
        except AssertionError:  # painted over with garbage
            return None

    numbers = [number for number, _ in read_frames(out, number_or_none)]
    whole_frames = numbers[: numbers.index(None)] if None in numbers else numbers
    assert whole_frames == list(range(len(whole_frames)))
    assert len(whole_frames) > 50
    assert len(numbers) - len(whole_frames) <= 3


def test_no_space_left(footage: Coded, tmp_path: Path) -> None:
    """The other recording is complete all the same."""
    good = tmp_path / "good.mp4"
    full = tmp_path / "full.ts"
    full.symlink_to("/dev/full")
    done = touchline(
        "run",
        *cameras(footage),
        "--delay",
        0.5,
        "--overwrite",
        "--record",
        good,
        "--record",
        full,
        "--view",
        "panorama",
    )
    line = refused(done, 5)
    assert "full.ts" in line
    assert "space" in line.lower()
    found = read_frames(good, footage.reader_of_panorama())
    assert [codes for codes, _ in found] == [(i, i) for i in range(footage.frames)]


def test_a_folder_that_is_not_there(footage: Coded, tmp_path: Path) -> None:
    done = touchline_here("run", *cameras(footage), "--record", tmp_path / "no" / "x.mp4")
    assert "there is no folder" in refused(done, 2)


def test_a_port_in_use(footage: Coded) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = touchline_here("run", *cameras(footage), "--metrics-port", port)
    assert str(port) in refused(done, 2)


def test_a_recording_over_its_own_input(footage: Coded) -> None:
    """With --overwrite the footage was gone after eight frames."""
    left = Path(footage.inputs["left"])
    before = left.read_bytes()
    done = touchline_here("run", *cameras(footage), "--record", left, "--overwrite")
    assert "is an input" in refused(done, 2)
    assert left.read_bytes() == before


def test_a_report_without_a_folder(footage: Coded, tmp_path: Path) -> None:
    done = touchline_here("run", *cameras(footage), "--report", tmp_path / "no" / "report.json")
    assert "there is no folder" in refused(done, 2)


@in_plain_memory
def test_a_plan_that_does_not_fit(footage: Coded) -> None:
    done = touchline_here("run", *cameras(footage), "--memory-limit", "120MB")
    line = refused(done, 3)
    assert "7 s x 30 fps = 210 frames" in line
    assert "longest delay that fits is" in line
    assert "--memory-limit" in line


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        ([], "give one kind of input"),
        (["--left", "a.mp4"], "both --left and --right"),
        (["--synthetic", "1", "--view", "sideways"], "--view"),
        (["--synthetic", "1", "--delay", "-3"], "--delay"),
        (["--synthetic", "1", "--size", "4000x3000"], "larger than 1920x1080"),
        (["--synthetic", "1", "--record", "x.avi"], "must end in one of"),
        (["--synthetic", "1", "--stream", "http://host/x"], "rtmp://"),
        (["--config", "nowhere.toml"], "can't be read"),
    ],
)
def test_wrong_usage(flags: list[str], says: str) -> None:
    assert says in refused(touchline_here("run", *flags), 2)


def test_cuda_without_a_gpu_is_refused_with_the_missing_link_and_the_remedy() -> None:
    line = refused(touchline("run", "--synthetic", 1, "--memory", "cuda", CUDA_VISIBLE_DEVICES=""), 2)
    assert "--memory cuda can't be had here: " in line
    assert "NVIDIA driver" in line or "GPU: " in line
    assert "; " in line.partition("here: ")[2], "what to do about it"


def test_an_unknown_option() -> None:
    assert touchline_here("run", "--sideways").returncode == 2


def test_a_configuration_file_with_a_typing_mistake(tmp_path: Path) -> None:
    config = tmp_path / "match.toml"
    config.write_text("synthetic = 1\ndely = 3\n")
    assert "unknown setting 'dely'" in refused(touchline_here("run", "--config", config), 2)


def test_a_password_is_never_shown(footage: Coded, tmp_path: Path) -> None:
    secret = "goalgoalgoal"
    report = tmp_path / "report.json"
    done = touchline(
        "run",
        *cameras(footage),
        "--delay",
        0.2,
        "--record",
        tmp_path / "x.ts",
        "--stream",
        "rtmp://127.0.0.1:9/live/{env:STREAM_KEY}",
        "--report",
        report,
        STREAM_KEY=secret,
    )
    assert done.returncode == 5, done.stderr
    assert secret not in done.stdout + done.stderr + report.read_text()
    streams = [output for output in json.loads(report.read_text())["outputs"] if output["kind"] == "stream"]
    assert streams[0]["uri"].startswith("rtmp://127.0.0.1:9/live/")
