"""Recordings: every frame once, in order, at its time; playable after a kill; safe when the disk is full."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from numbered import CAPS, decode, decode_with_ffmpeg, pts_of, push, record

from touchline.errors import OutputError
from touchline.gst.library import MILLISECOND, SECOND
from touchline.gst.pipelines import system_clock
from touchline.programme import EncoderSettings, OutputSpec, Programme

SUFFIXES = (".mp4", ".mkv", ".ts")
SMALL = EncoderSettings(bitrate_kbps=600)
HERE = Path(__file__).parent


def _programme(*paths: Path, **options) -> Programme:
    return Programme(CAPS, [OutputSpec("record", str(p)) for p in paths], encoder=SMALL, **options)


def _check(frames: list[tuple[int, int]], count: int) -> None:
    assert [number for number, _ in frames] == list(range(count))
    start = frames[0][1]
    for number, time_ns in frames:
        assert abs(time_ns - start - pts_of(number)) <= MILLISECOND


def _run_child(code: str, *arguments: str) -> subprocess.Popen[str]:
    code = f"import sys; sys.path.insert(0, {str(HERE)!r})\n" + textwrap.dedent(code)
    return subprocess.Popen([sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, text=True)


def test_one_encode_makes_three_recordings(tmp_path: Path) -> None:
    paths = [tmp_path / f"match{suffix}" for suffix in SUFFIXES]
    programme = _programme(*paths, paced=False)
    record(programme, 75, first_pts=200 * MILLISECOND)
    for path, status in zip(paths, programme.outputs, strict=True):
        assert (status.frames, status.dropped, status.restarts, status.error) == (75, 0, 0, None)
        _check(decode(path), 75)
        _check(decode_with_ffmpeg(path), 75)


def test_a_finished_mp4_is_an_ordinary_one(tmp_path: Path) -> None:
    """Not a fragmented one, which some editors do not open."""
    record(_programme(tmp_path / "a.mp4", paced=False), 40)
    data = (tmp_path / "a.mp4").read_bytes()
    boxes, place = [], 0
    while place < len(data):
        size = int.from_bytes(data[place : place + 4], "big")
        boxes.append(data[place + 4 : place + 8].decode())
        if size == 1:
            size = int.from_bytes(data[place + 8 : place + 16], "big")
        place += size or len(data)
    assert "moov" in boxes
    assert "moof" not in boxes


def test_a_gap_in_the_frames_stays_a_gap(tmp_path: Path) -> None:
    path = tmp_path / "gap.mp4"
    programme = _programme(path, paced=False)
    programme.start(system_clock().get_time())
    push(programme, range(20))
    push(programme, range(35, 50))
    programme.finish(20)
    frames = decode(path)
    assert [n for n, _ in frames] == [*range(20), *range(35, 50)]
    assert all(abs(t - pts_of(n)) <= MILLISECOND for n, t in frames)


def test_the_same_frames_give_the_same_stream(tmp_path: Path) -> None:
    streams = []
    for name in ("a.ts", "b.ts"):
        record(_programme(tmp_path / name, paced=False), 45)
        streams.append((tmp_path / name).read_bytes())
    assert streams[0] == streams[1]


def test_an_earlier_recording_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "match.mkv"
    path.write_bytes(b"the final of 1954")
    (tmp_path / "match.1.mkv").write_bytes(b"older still")
    notes: list[str] = []
    record(_programme(path, paced=False, on_note=notes.append), 5)
    assert (tmp_path / "match.2.mkv").read_bytes() == b"the final of 1954"
    assert (tmp_path / "match.1.mkv").read_bytes() == b"older still"
    assert notes == [f"the earlier {path} is now match.2.mkv"]
    record(_programme(path, paced=False, overwrite=True), 7)
    assert len(decode(path)) == 7
    assert sorted(p.name for p in tmp_path.iterdir()) == ["match.1.mkv", "match.2.mkv", "match.mkv"]


def test_what_was_recorded_plays_after_a_kill(tmp_path: Path) -> None:
    """kill -9 in mid-recording: everything but the last fragment is there, in all three containers."""
    paths = [tmp_path / f"killed{suffix}" for suffix in SUFFIXES]
    child = _run_child(
        """
        from numbered import CAPS, push
        from touchline.gst.pipelines import system_clock
        from touchline.programme import EncoderSettings, OutputSpec, Programme
        import time
        programme = Programme(CAPS, [OutputSpec("record", p) for p in sys.argv[1:]], paced=False,
                              encoder=EncoderSettings(bitrate_kbps=600))
        programme.start(system_clock().get_time())
        push(programme, range(200))
        while min(s.frames for s in programme.outputs) < 180: time.sleep(0.01)
        time.sleep(0.2)
        print("recording", flush=True)
        time.sleep(60)
        """,
        *map(str, paths),
    )
    try:
        assert child.stdout.readline() == "recording\n"
    finally:
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
    for path in paths:
        for frames in (decode(path), decode_with_ffmpeg(path)):
            numbers = [n for n, _ in frames]
            assert len(numbers) >= 145, f"{path.name} has only {len(numbers)} frames"
            assert numbers == list(range(len(numbers)))


def test_stop_leaves_a_recording_that_plays(tmp_path: Path) -> None:
    path = tmp_path / "stopped.mp4"
    programme = _programme(path, paced=False)
    programme.start(system_clock().get_time())
    push(programme, range(90))
    until = time.monotonic() + 10
    while programme.outputs[0].frames < 60 and time.monotonic() < until:
        time.sleep(0.01)
    programme.stop()
    numbers = [n for n, _ in decode(path)]
    assert len(numbers) >= 60
    assert numbers == list(range(len(numbers)))
    with pytest.raises(OutputError):
        push(programme, range(90, 95))


def test_a_full_disk_ends_one_recording_and_spares_the_other(tmp_path: Path) -> None:
    full, good = tmp_path / "full.mkv", tmp_path / "good.mp4"
    full.symlink_to("/dev/full")
    failed = []
    programme = _programme(full, good, paced=False, overwrite=True, on_output_failed=failed.append)
    record(programme, 60)
    assert [status.kind for status in failed] == ["record"]
    assert "full.mkv" in failed[0].error
    assert "No space left" in failed[0].error
    assert "\n" not in failed[0].error
    assert [status.error for status in programme.outputs] == [failed[0].error, None]
    _check(decode(good), 60)


def test_the_last_output_that_fails_ends_the_programme(tmp_path: Path) -> None:
    full = tmp_path / "full.ts"
    full.symlink_to("/dev/full")
    programme = _programme(full, paced=False, overwrite=True)
    with pytest.raises(OutputError, match="No space left"):
        record(programme, 3000)


def test_what_fitted_on_the_disk_is_kept(tmp_path: Path) -> None:
    """The file may not grow beyond a limit, in mid-recording."""
    path = tmp_path / "limited.mp4"
    child = _run_child(
        """
        import resource
        from numbered import CAPS, record
        from touchline.errors import OutputError
        from touchline.programme import EncoderSettings, OutputSpec, Programme
        resource.setrlimit(resource.RLIMIT_FSIZE, (250_000, 250_000))
        programme = Programme(CAPS, [OutputSpec("record", sys.argv[1])], paced=False,
                              encoder=EncoderSettings(bitrate_kbps=600))
        try:
            record(programme, 2000)
        except OutputError as error:
            print(error)
        """,
        str(path),
    )
    message, _ = child.communicate(timeout=60)
    assert "what was recorded until then is kept" in message
    numbers = [n for n, _ in decode(path)]
    assert len(numbers) >= 30
    assert numbers == list(range(len(numbers)))


def test_a_recording_that_cannot_be_opened_is_refused_at_the_start(tmp_path: Path) -> None:
    path = tmp_path / "match.mp4"
    path.symlink_to(tmp_path / "nowhere" / "match.mp4")
    programme = _programme(path, paced=False, overwrite=True)
    with pytest.raises(OutputError, match=r"record .*match\.mp4"):
        programme.start(system_clock().get_time())


def test_memory_in_flight_is_what_was_promised(tmp_path: Path) -> None:
    """Counted by the pool itself, with a disk that takes nothing (a FIFO that nobody reads)."""
    from touchline.gst.pools import FramePool

    path = tmp_path / "fifo.ts"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    programme = _programme(path, paced=True, overwrite=True, ahead_s=0.5)
    pool = FramePool(CAPS, programme.in_flight + 5)
    pool.start()
    base = system_clock().get_time() + SECOND // 2
    programme.start(base)
    try:
        most = 0
        for number in range(60):
            while base + pts_of(number) - system_clock().get_time() > SECOND // 2:
                time.sleep(0.005)
            buffer = pool.acquire()
            assert buffer is not None
            buffer.pts = pts_of(number)
            programme.push(buffer)
            del buffer
            stats = pool.stats()
            most = max(most, stats.frames - stats.free)
        assert programme.in_flight // 2 < most <= programme.in_flight
    finally:
        os.close(reader)
        programme.stop()


def test_a_disk_that_hangs_does_not_hang_the_others(tmp_path: Path) -> None:
    """A FIFO that nobody reads takes some frames and then never answers."""
    stuck, good = tmp_path / "stuck.ts", tmp_path / "good.mp4"
    os.mkfifo(stuck)
    reader = os.open(stuck, os.O_RDONLY | os.O_NONBLOCK)
    # More at once than the FIFO can take.
    rich = EncoderSettings(bitrate_kbps=8000)
    outputs = [OutputSpec("record", str(path)) for path in (stuck, good)]
    programme = Programme(CAPS, outputs, encoder=rich, overwrite=True, ahead_s=5)
    programme.start(system_clock().get_time() - SECOND)
    try:
        push(programme, range(60))
        programme.finish(4)
    finally:
        os.close(reader)
        programme.stop()
    hung, fine = programme.outputs
    assert "could not be finished within" in hung.error
    assert fine.error is None
    _check(decode(good), 60)
