"""Clap and flash: what was seen and heard at one time is at one time in every file and stream."""

from __future__ import annotations

import select
import shutil
import socket
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numbered import CAPS, FPS, HEIGHT, WIDTH, draw, free_port, pts_of

from sounding import check_sync, played, pull
from touchline.delay.sound import SoundStore
from touchline.delay.sound_follower import SoundFollower
from touchline.gst.elements import available
from touchline.gst.library import MILLISECOND, SECOND, Gst
from touchline.gst.pipelines import system_clock
from touchline.gst.sound import SoundFormat
from touchline.programme import EncoderSettings, OutputSpec, Programme
from touchline.programme.outlets import QueueLimits
from touchline.programme.sound import _ENCODERS, Shelf, SoundInput, choose_sound_encoder

RATE = 48000
STEREO = SoundFormat(RATE, 2)
SMALL = EncoderSettings(bitrate_kbps=800, keyframe_s=0.5)
EVERY = 27  # frames between two claps: 0.9 s, never at a key frame, now here and now there in an AAC frame


def claps(frames: int, first: int = 12) -> list[int]:
    """The numbers of the frames with a flash and a clap."""
    return list(range(first, frames, EVERY))


def sound_of(frames: int) -> np.ndarray:
    """Some noise, and a click of one sample at the very time of each flash."""
    rng = np.random.default_rng(5)
    samples = rng.integers(-300, 300, (frames * RATE // FPS, 2)).astype(np.int16)
    for frame in claps(frames):
        samples[STEREO.sample_at(pts_of(frame))] = 30000
    return samples


def flash(white: bool) -> Any:
    y = np.full(WIDTH * HEIGHT, 235 if white else 40, np.uint8)
    return Gst.Buffer.new_wrapped(np.concatenate([y, np.full(WIDTH * HEIGHT // 2, 128, np.uint8)]).tobytes())


class Match:
    """Plays flashes through a programme and claps through store and follower."""

    def __init__(
        self, programme: Programme, frames: int, *, first_pts: int = 0, with_sound: bool = True
    ) -> None:
        self.programme, self.frames, self.first_pts = programme, frames, first_pts
        self.white = set(claps(frames))
        self.store = SoundStore(STEREO, frames / FPS + 1)
        samples = sound_of(frames)
        for first in range(0, len(samples), 1024):
            self.store.write(STEREO.time_of(first), samples[first : first + 1024])
        self.pushed: list[np.ndarray] = []
        self.follower = SoundFollower(self.store, self._push_sound)
        self.with_sound = with_sound

    def _push_sound(self, buffer: Any) -> None:
        self.pushed.append(STEREO.from_buffer(buffer))
        self.programme.push_sound(buffer)

    def show(self, number: int) -> None:
        pts = self.first_pts + pts_of(number)
        if self.with_sound:
            self.follower.follow(pts, pts_of(number))
        buffer = flash(number in self.white)
        buffer.pts, buffer.duration = pts, pts_of(number + 1) - pts_of(number)
        self.programme.push(buffer)

    def run(self, base: int, *, live: bool = False) -> None:
        for number in range(self.frames):
            early = base + self.first_pts + pts_of(number) - SECOND // 5 - system_clock().get_time()
            if live and early > 0:
                time.sleep(early / SECOND)
            self.show(number)
        if self.with_sound:
            self.follower.finish(self.first_pts + pts_of(self.frames))


@pytest.mark.parametrize("first_pts", [0, 2 * SECOND + 123_456_789])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
def test_clap_and_flash_at_fast_pace(tmp_path: Path, suffix: str, first_pts: int) -> None:
    """Ten seconds as fast as they go: nobody waits for ever, and each clap is where its flash is."""
    path = tmp_path / f"match{suffix}"
    programme = Programme(CAPS, [OutputSpec("record", str(path))], paced=False, encoder=SMALL, sound=STEREO)
    base = system_clock().get_time()
    programme.start(base)
    match = Match(programme, 300, first_pts=first_pts)
    match.run(base)
    programme.finish(30)
    (status,) = programme.outputs
    assert (status.frames, status.dropped, status.error) == (300, 0, None)
    # Before the encoder: bit by bit what was captured.
    assert np.array_equal(np.concatenate(match.pushed), sound_of(300))
    assert (programme.sound.late, programme.sound.filled) == (0, 0)
    check_sync(path, len(claps(300)))


def test_all_containers_at_once_live(tmp_path: Path) -> None:
    paths = [tmp_path / f"match{suffix}" for suffix in (".mp4", ".mkv", ".ts")]
    programme = Programme(
        CAPS, [OutputSpec("record", str(path)) for path in paths], encoder=SMALL, sound=STEREO
    )
    programme.start(system_clock().get_time())
    base = system_clock().get_time() + SECOND // 2
    programme.move(base)
    Match(programme, 45).run(base, live=True)
    programme.finish(10)
    passages = programme.passages()
    late_ms = (passages[:, 1] - base - passages[:, 0]) / MILLISECOND
    assert late_ms.min() >= 0
    assert np.median(late_ms) < 50, "the sound must not delay the pictures"
    for path, status in zip(paths, programme.outputs, strict=True):
        assert (status.frames, status.dropped, status.error) == (45, 0, None)
        check_sync(path, len(claps(45)))


@pytest.mark.parametrize("factory", [name for name in _ENCODERS if available(name)])
def test_every_encoder_is_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, factory: str) -> None:
    """Each puts another number of samples before the sound."""
    monkeypatch.setattr("touchline.programme.sound._ENCODERS", {factory: 0})
    path = tmp_path / "match.mp4"
    programme = Programme(CAPS, [OutputSpec("record", str(path))], paced=False, encoder=SMALL, sound=STEREO)
    assert programme.sound_encoder.factory == factory
    programme.start(system_clock().get_time())
    Match(programme, 100).run(0)
    programme.finish(20)
    line, _ = check_sync(path, len(claps(100)))
    peaks = [int(np.abs(line[:, 0].astype(int)[:RATE]).argmax())]
    assert abs(peaks[0] - STEREO.sample_at(pts_of(12))) <= 2


def test_sound_lasts_as_long_as_the_pictures(tmp_path: Path) -> None:
    path = tmp_path / "match.mkv"
    programme = Programme(CAPS, [OutputSpec("record", str(path))], paced=False, encoder=SMALL, sound=STEREO)
    programme.start(0)
    Match(programme, 90).run(0)
    programme.finish(20)
    _, _, line, begin = played(path)
    assert begin <= 23 * MILLISECOND
    assert abs(len(line) - 3 * RATE) <= 1024 + 48


def test_without_sound_on_the_way_nobody_waits_for_ever(tmp_path: Path) -> None:
    """A muxer waits for the sound of its pictures: a second without becomes silence."""
    path = tmp_path / "match.mp4"
    programme = Programme(CAPS, [OutputSpec("record", str(path))], paced=False, encoder=SMALL, sound=STEREO)
    programme.start(0)
    Match(programme, 300, with_sound=False).run(0)
    programme.finish(20)
    (status,) = programme.outputs
    assert (status.frames, status.error) == (300, None)
    flashes, heard, line, _ = played(path)
    assert len(flashes) == len(claps(300))
    assert heard == []
    assert np.abs(line).max() <= 2  # the decoder's dither
    assert abs(programme.sound.filled - (9 * RATE - RATE // FPS)) <= RATE // FPS


def test_sound_that_stops_and_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "match.mkv"
    programme = Programme(CAPS, [OutputSpec("record", str(path))], paced=False, encoder=SMALL, sound=STEREO)
    programme.start(0)
    match = Match(programme, 300)
    for number in range(300):
        match.with_sound = not 60 <= number < 180
        match.show(number)
    match.follower.finish(pts_of(300))
    programme.finish(20)
    # What the follower had missed it sends at once: the last second of it is in time.
    flashes, heard, _, _ = played(path)
    silent = [pts_of(n) for n in claps(300) if 60 <= n < 150]
    assert len(heard) == len(flashes) - len(silent)
    assert all(min(abs(at - f) for f in flashes) < MILLISECOND for at in heard)
    assert programme.sound.late == programme.sound.filled > 2 * RATE


def test_a_display_takes_no_sound() -> None:
    programme = Programme(CAPS, [OutputSpec("display", "fakevideosink")], sound=STEREO)
    assert programme.sound_encoder is None
    base = system_clock().get_time()
    programme.start(base)
    match = Match(programme, 10)
    match.run(base, live=True)
    programme.finish(5)
    assert programme.outputs[0].error is None


class TsReceiver(threading.Thread):
    """Keeps the datagrams of a stream as a file."""

    def __init__(self, port: int, path: Path) -> None:
        super().__init__(daemon=True)
        self.path = path
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_000_000)
        self._socket.bind(("127.0.0.1", port))
        self._over = threading.Event()

    def run(self) -> None:
        with self.path.open("wb") as file, self._socket:
            while True:
                if select.select([self._socket], [], [], 0.2)[0]:
                    file.write(self._socket.recv(65536))
                elif self._over.is_set():
                    return

    def close(self) -> None:
        self._over.set()
        self.join(10)


def test_a_stream_has_sound_and_so_has_one_that_begins_again(tmp_path: Path) -> None:
    """The second life begins at a later key frame, with the sound of that picture and none of before."""
    port = free_port()
    path, whole = tmp_path / "stream.ts", tmp_path / "whole.mp4"
    programme = Programme(
        CAPS,
        [OutputSpec("stream", f"udp://127.0.0.1:{port}"), OutputSpec("record", str(whole))],
        encoder=SMALL,
        sound=STEREO,
    )
    base = system_clock().get_time() + SECOND // 2
    programme.start(base)
    match = Match(programme, 600)
    stream = programme._outputs[0]
    shown, back = 0, 600  # how long an output needs to come back depends on the machine
    while shown < min(600, back + 120):
        early = base + pts_of(shown) - SECOND // 5 - system_clock().get_time()
        if early > 0:
            time.sleep(early / SECOND)
        if shown == 30:
            receiver = TsReceiver(port, path)
            receiver.start()
            stream._fail(stream._outlet, "as if the network had gone")
        match.show(shown)
        shown += 1
        if back == 600 and stream.status.restarts:
            back = shown
    match.follower.finish(pts_of(shown))
    programme.finish(10)
    receiver.close()
    assert [s.restarts for s in programme.outputs] == [1, 0]
    check_sync(whole, len(claps(shown)))
    flashes, heard, _, _ = played(path)
    assert len(heard) >= 2
    # A clap just before the first picture may be missing, one at the very end is cut off with its packet.
    assert all(min(abs(at - f) for f in flashes) < MILLISECOND for at in heard)


@pytest.mark.skipif(not available("flvmux"), reason="no FLV in this GStreamer")
def test_flv_has_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As sent by RTMP, into a file."""
    from touchline.gst.elements import make
    from touchline.programme import tails

    path = tmp_path / "match.flv"
    monkeypatch.setattr(tails, "_rtmp_sink", lambda _: make("filesink", location=str(path), sync=False))
    programme = Programme(
        CAPS, [OutputSpec("stream", "rtmp://nowhere/live/key")], encoder=SMALL, sound=STEREO, ahead_s=5
    )
    base = system_clock().get_time() - 5 * SECOND
    programme.start(base)
    Match(programme, 90).run(base)
    programme.finish(10)
    flashes, heard, _, _ = played(path)
    assert len(flashes) == len(heard) == len(claps(90))
    # FLV counts in whole milliseconds, downwards.
    assert np.abs(np.array(heard) - np.array(flashes)).max() < 2 * MILLISECOND


def test_a_killed_recording_is_in_time_as_far_as_it_goes(tmp_path: Path) -> None:
    """What stands in the fragments of a file that was never finished."""
    path, killed = tmp_path / "match.mp4", tmp_path / "killed.mp4"
    programme = Programme(CAPS, [OutputSpec("record", str(path))], paced=False, encoder=SMALL, sound=STEREO)
    programme.start(0)
    match = Match(programme, 300)
    for number in range(240):
        match.show(number)
    until = time.monotonic() + 20
    while programme.outputs[0].frames < 200 and time.monotonic() < until:
        time.sleep(0.01)
    time.sleep(0.2)
    shutil.copy(path, killed)
    programme.stop()
    flashes, heard, _, _ = played(killed)
    assert len(heard) >= 4
    for at in heard[:-1]:
        assert min(abs(at - f) for f in flashes) < MILLISECOND
    check_stopped(path)


def check_stopped(path: Path) -> None:
    """Ended at once, the file plays, and the clap is with the flash."""
    flashes, heard, _, _ = played(path)
    assert len(heard) >= 4
    assert all(min(abs(at - f) for f in flashes) < MILLISECOND for at in heard)


def test_short_queues_that_block_do_not_block_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At fast pace pictures wait for room in front of a muxer that waits for sound, which comes behind the pictures."""
    monkeypatch.setattr(QueueLimits, "of", lambda *_: QueueLimits(buffers=6, block=True))
    paths = [tmp_path / f"match{suffix}" for suffix in (".mp4", ".mkv", ".ts")]
    programme = Programme(
        CAPS,
        [OutputSpec("record", str(path)) for path in paths],
        paced=False,
        encoder=SMALL,
        sound=STEREO,
    )
    programme.start(0)
    Match(programme, 150).run(0)
    programme.finish(20)
    for path, status in zip(paths, programme.outputs, strict=True):
        assert (status.frames, status.dropped, status.error) == (150, 0, None)
        check_sync(path, len(claps(150)))


def test_the_same_pictures_with_and_without_sound(tmp_path: Path) -> None:
    """Sound must not change a single picture."""
    pictures = []
    for sound in (None, STEREO):
        path = tmp_path / f"{bool(sound)}.mkv"
        programme = Programme(
            CAPS, [OutputSpec("record", str(path))], paced=False, encoder=SMALL, sound=sound
        )
        programme.start(0)
        for number in range(40):
            buffer = draw(number)
            buffer.pts, buffer.duration = pts_of(number), SECOND // FPS
            programme.push(buffer)
        programme.finish(20)
        pipeline = Gst.parse_launch(
            f'filesrc location="{path}" ! matroskademux name=d d.video_0 ! h264parse ! appsink name=pictures sync=false'
        )
        pipeline.set_state(Gst.State.PLAYING)
        pictures.append([data.tobytes() for _, data in pull(pipeline.get_by_name("pictures"))])
        pipeline.set_state(Gst.State.NULL)
    assert len(pictures[0]) == 40
    assert pictures[0] == pictures[1]


def test_the_encoder_is_told() -> None:
    encoder = choose_sound_encoder(STEREO)
    assert encoder.factory in encoder.description
    assert "160 kbit/s" in encoder.description
    assert 0 <= encoder.priming <= 4096


def test_sound_is_made_whole() -> None:
    """Overlaps are cut, holes are filled, to the sample."""
    mono = SoundFormat(RATE, 1)
    got: list[np.ndarray] = []
    sound = SoundInput(mono, lambda buffer: got.append(mono.from_buffer(buffer)))
    samples = np.arange(1, 5001, dtype=np.int16)[:, None]
    sound.push(mono.to_buffer(100, samples[100:1000]))
    sound.push(mono.to_buffer(900, samples[900:2000]))
    sound.push(mono.to_buffer(500, samples[500:600]))
    sound.push(mono.to_buffer(2500, samples[2500:3000]))
    line = np.concatenate(got)[:, 0]
    assert np.array_equal(line[:1900], samples[100:2000, 0])
    assert not line[1900:2400].any()
    assert np.array_equal(line[2400:], samples[2500:3000, 0])
    assert (sound.late, sound.filled) == (200, 500)


def test_sound_waits_for_its_picture() -> None:
    def sample(pts: int) -> Any:
        buffer = Gst.Buffer.new()
        buffer.pts, buffer.duration = pts, 40
        segment = Gst.Segment()
        segment.init(Gst.Format.TIME)
        return Gst.Sample.new(buffer, None, segment, None)

    out: list[int] = []
    shelf = Shelf(lambda _, time: out.append(time))
    for pts in range(0, 100, 10):
        shelf.put(sample(pts))
    assert out == []
    shelf.picture(sample(0))
    assert out == [0]
    shelf.picture(sample(40))
    assert out == [0, 10, 20, 30, 40]
    shelf.finish()
    assert out == [0, 10, 20, 30, 40, 50, 60, 70]
