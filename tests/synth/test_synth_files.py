"""The files: films whose every frame is the right one at the right time, sound, rig and truth."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from touchline.errors import OutputError
from touchline.geometry import Rig, angles_to_rays
from touchline.gst.elements import make
from touchline.gst.library import SECOND, Gst
from touchline.gst.nv12 import Nv12
from touchline.synth import SyntheticMatch, read_code
from touchline.synth.audio import CLICK_SAMPLES, RATE, render_audio
from touchline.synth.files import write_match

SIZE = (640, 360)


def decoded(path: Path, *elements: object) -> Iterator[tuple[int, bytes]]:
    """PTS and bytes of what comes out of a chain of elements behind a demuxer; its first element picks the stream."""
    pipeline = Gst.Pipeline()
    source, demuxer = make("filesrc", location=str(path)), make("qtdemux")
    sink = make("appsink", sync=False)
    for element in (source, demuxer, *elements, sink):
        pipeline.add(element)
    source.link(demuxer)
    chain = [*elements, sink]
    for one, other in itertools.pairwise(chain):
        assert one.link(other)

    def linked(_: object, pad: Gst.Pad) -> None:
        target = chain[0].get_static_pad("sink")
        if pad.query_caps(None).can_intersect(target.query_caps(None)) and not target.is_linked():
            pad.link(target)

    demuxer.connect("pad-added", linked)
    pipeline.set_state(Gst.State.PLAYING)
    try:
        while (sample := sink.emit("try-pull-sample", 10 * SECOND)) is not None:
            buffer = sample.get_buffer()
            yield buffer.pts, buffer.extract_dup(0, buffer.get_size())
    finally:
        pipeline.set_state(Gst.State.NULL)


def film(path: Path) -> Iterator[tuple[int, np.ndarray]]:
    wanted = make("capsfilter", caps=Gst.Caps.from_string("video/x-raw,format=I420"))
    for pts, data in decoded(path, make("h264parse"), make("avdec_h264"), make("videoconvert"), wanted):
        yield pts, np.frombuffer(data, np.uint8)[: SIZE[0] * SIZE[1]].reshape(SIZE[1], SIZE[0])


@pytest.mark.parametrize("fps", [Fraction(60000, 1001), pytest.param(Fraction(25), marks=pytest.mark.slow)])
def test_each_frame_is_the_right_one_at_the_right_time(tmp_path: Path, fps: Fraction) -> None:
    match = SyntheticMatch(6, SIZE, fps, codes=True)
    told: list[tuple[int, int]] = []
    write_match(tmp_path / "new" / "folder", match, 1.2, lambda done, of: told.append((done, of)))
    frames = round(Fraction(12, 10) * fps)
    assert told == [(k + 1, frames) for k in range(frames)]
    pictures = Nv12.empty(*SIZE), Nv12.empty(*SIZE)
    for side, name in enumerate(("left.mp4", "right.mp4")):
        camera, patch = match.rig.cameras[side], match.code_patches[side]
        cells = camera.project(angles_to_rays(*patch.cell_angles()))[0]
        seen = list(film(tmp_path / "new" / "folder" / name))
        assert [read_code(y, cells) for _, y in seen] == list(range(frames))
        # MP4's time scale rounds to less than a tenth of a millisecond.
        assert max(abs(pts - k * SECOND / fps) for k, (pts, _) in enumerate(seen)) < SECOND / 10_000
        match.draw(frames // 2, *pictures)
        lost = seen[frames // 2][1].astype(float) - pictures[side].y
        assert np.sqrt((lost**2).mean()) < 6


def test_the_truth_and_the_rig_go_with_the_films(tmp_path: Path) -> None:
    match = SyntheticMatch(6, SIZE, Fraction(25))
    write_match(tmp_path, match, 0.4)
    assert Rig.load(tmp_path / "rig.json") == match.rig
    truth = json.loads((tmp_path / "truth.json").read_text())
    assert truth["format"] == "touchline-truth"
    assert (truth["seed"], truth["size"], truth["fps"], truth["codes"]) == (6, [640, 360], [25, 1], False)
    assert Rig.from_dict(truth["rig"]) == match.rig
    assert len(truth["frames"]) == 10
    assert truth["frames"][7] == json.loads(json.dumps(match.truth(7).to_dict()))


def test_the_film_can_be_heard_and_clicks_on_the_second(tmp_path: Path) -> None:
    write_match(tmp_path, SyntheticMatch(6, (64, 36), Fraction(25)), 3.0)
    wanted = make("capsfilter", caps=Gst.Caps.from_string("audio/x-raw,format=S16LE"))
    chain = make("aacparse"), make("avdec_aac"), make("audioconvert"), wanted
    sound = np.concatenate([np.frombuffer(d, "<i2") for _, d in decoded(tmp_path / "left.mp4", *chain)])
    assert len(sound) == pytest.approx(3 * RATE, abs=2 * 1024)
    loud = np.flatnonzero(np.abs(sound.astype(int)) > 5000)
    starts = loud[np.r_[True, np.diff(loud) > RATE // 2]]
    assert [round(s / RATE) for s in starts if RATE // 2 < s < 2.9 * RATE] == [1, 2]
    assert max(abs(int(s) - RATE * round(s / RATE)) for s in starts) < RATE // 200
    quiet = sound[RATE // 2 : RATE - 2000].astype(float)
    assert 200 < quiet.std() < 500


def test_the_right_film_is_silent(tmp_path: Path) -> None:
    write_match(tmp_path, SyntheticMatch(6, (64, 36), Fraction(25)), 0.2)
    assert b"mp4a" in (tmp_path / "left.mp4").read_bytes()
    assert b"mp4a" not in (tmp_path / "right.mp4").read_bytes()


def test_sound_is_the_same_however_it_is_cut() -> None:
    whole = render_audio(0, 3 * RATE)
    pieces = [render_audio(k, min(1601, 3 * RATE - k)) for k in range(0, 3 * RATE, 1601)]
    assert np.array_equal(np.concatenate(pieces), whole)
    level = np.abs(whole.astype(int)).reshape(3, RATE)
    assert (level[:, 0] > 10_000).all()
    assert level[:, CLICK_SAMPLES:].max() < 600
    with pytest.raises(ValueError, match="counted from zero"):
        render_audio(-1, 10)


def test_a_full_disk_is_said_and_does_not_hang(tmp_path: Path) -> None:
    (tmp_path / "left.mp4").symlink_to("/dev/full")
    with pytest.raises(OutputError, match=r"left\.mp4"):
        write_match(tmp_path, SyntheticMatch(1, SIZE, Fraction(25)), 20.0)


def test_a_place_that_is_no_folder_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="can't be written"):
        write_match(tmp_path / "file", SyntheticMatch(1, (64, 36)), 0.1)
    (tmp_path / "taken" / "rig.json").mkdir(parents=True)
    with pytest.raises(OutputError, match=r"rig"):
        write_match(tmp_path / "taken", SyntheticMatch(1, (64, 36)), 0.1)


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan"), float("inf")])
def test_a_match_must_last(tmp_path: Path, seconds: float) -> None:
    with pytest.raises(ValueError, match="last longer"):
        write_match(tmp_path, SyntheticMatch(1, (64, 36)), seconds)
