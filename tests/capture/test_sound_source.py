"""Sound beside pictures and alone: every sample at its time, and no source held up by the other half."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from touchline.capture.sound import DrawnSound, SoundSource, parse_sound
from touchline.capture.sources import Source
from touchline.capture.uris import parse_source
from touchline.errors import ConfigurationError, InputError
from touchline.gst.library import MILLISECOND, SECOND, Gst
from touchline.gst.pipelines import Pipeline, system_clock
from touchline.gst.sound import SoundFormat

MONO = SoundFormat(48000, 1)
STEREO = SoundFormat(48000, 2)
CLAPS = (0.5, 1.25)  # seconds


def claps(rate: int, seconds: float) -> np.ndarray:
    """Silence with a click of one sample at each of CLAPS."""
    samples = np.zeros((round(rate * max(seconds, 2)), 1), np.int16)
    for at in CLAPS:
        samples[round(rate * at)] = 20000
    return samples[: round(rate * seconds)]


def write_film(path: Path, *, picture_s: float = 2.0, sound_s: float | None = 2.0, rate: int = 48000) -> Path:
    """Ten pictures a second (JPEG in Matroska) and sound as PCM."""
    pictures = (
        f"videotestsrc num-buffers={round(picture_s * 10)} ! video/x-raw,width=64,height=48,framerate=10/1"
    )
    text = f'matroskamux name=mux ! filesink location="{path}" {pictures} ! jpegenc ! queue ! mux.'
    if sound_s is not None:
        text += " appsrc name=sound format=time max-bytes=0 ! mux.audio_0"
    pipeline = Pipeline("film")
    pipeline.gst.add(Gst.parse_bin_from_description(text, False))
    if sound_s is not None:
        source, format = pipeline.gst.get_by_name("sound"), SoundFormat(rate, 1)
        source.set_property("caps", format.to_gst())
        samples = claps(rate, sound_s)
        for first in range(0, len(samples), rate // 50):
            source.emit("push-buffer", format.to_buffer(first, samples[first : first + rate // 50]))
        source.emit("end-of-stream")
    pipeline.play()
    assert pipeline.wait_eos(20), pipeline.failed
    pipeline.stop()
    return path


class Catcher:
    """Collects what a source delivers."""

    def __init__(self) -> None:
        self.chunks: list[tuple[int, np.ndarray]] = []
        self.frames: list[int] = []
        self.sound_ended, self.ended = threading.Event(), threading.Event()
        self.sound_error: str | None = None
        self.error: str | None = None

    def sound(self, pts: int, samples: np.ndarray) -> None:
        self.chunks.append((pts, samples))

    def end_sound(self, error: str | None) -> None:
        assert not self.sound_ended.is_set()
        self.sound_error = error
        self.sound_ended.set()

    def end(self, error: str | None) -> None:
        self.error = error
        self.ended.set()

    def run(self, path: Path, *, paced: bool = False, format: SoundFormat = MONO) -> Source:
        source = Source(
            parse_source(str(path)),
            "left",
            paced=paced,
            on_frame=lambda frame: self.frames.append(frame.pts),
            on_end=self.end,
            on_sound=self.sound,
            on_sound_end=self.end_sound,
            sound=format,
        )
        source.open(system_clock().get_time())
        source.start(system_clock().get_time())
        assert self.ended.wait(20)
        assert self.sound_ended.wait(20)
        source.stop()
        return source

    def run_alone(self, uri: str, *, paced: bool = False, format: SoundFormat = MONO) -> None:
        source = SoundSource(
            parse_sound(uri), format, paced=paced, on_sound=self.sound, on_end=self.end_sound
        )
        try:
            source.open(system_clock().get_time())
            source.start(system_clock().get_time())
            assert self.sound_ended.wait(20)
        finally:
            source.stop()

    def samples(self) -> np.ndarray:
        """All of them, each put where its time says. What was never delivered is -1."""
        end = max(MONO.sample_at(pts) + len(samples) for pts, samples in self.chunks)
        line = np.full((end, self.chunks[0][1].shape[1]), -1, np.int16)
        for pts, samples in self.chunks:
            first = MONO.sample_at(pts)
            line[first : first + len(samples)] = samples
        return line


@pytest.mark.parametrize("paced", [False, True])
def test_sound_beside_pictures_is_exact(tmp_path: Path, paced: bool) -> None:
    catcher = Catcher()
    source = catcher.run(write_film(tmp_path / "film.mkv"), paced=paced)
    assert source.has_sound
    assert (catcher.error, catcher.sound_error) == (None, None)
    assert len(catcher.frames) == 20
    line = catcher.samples()
    # Matroska's times are whole milliseconds; the chunks of the film begin at such.
    assert np.array_equal(line, claps(48000, 2.0))


def test_mono_becomes_stereo(tmp_path: Path) -> None:
    catcher = Catcher()
    catcher.run(write_film(tmp_path / "film.mkv"), format=STEREO)
    line = catcher.samples()
    assert line.shape[1] == 2
    assert np.array_equal(line[:, 0], line[:, 1])
    assert [int(i) for i in np.flatnonzero(line[:, 0] > 10000)] == [24000, 60000]


def test_another_rate_keeps_its_time(tmp_path: Path) -> None:
    """A click at 44.1 kHz is still at its time at 48 kHz, to a fraction of a millisecond."""
    catcher = Catcher()
    catcher.run(write_film(tmp_path / "film.mkv", rate=44100))
    line = np.abs(catcher.samples()[:, 0].astype(int))
    for at in CLAPS:
        near = round(48000 * at) + np.arange(-480, 480)
        assert abs(int(near[line[near].argmax()]) - 48000 * at) <= 48 * 0.5


def test_a_film_without_sound_says_so(tmp_path: Path) -> None:
    catcher = Catcher()
    source = catcher.run(write_film(tmp_path / "film.mkv", sound_s=None))
    assert not source.has_sound
    assert (len(catcher.frames), catcher.chunks, catcher.sound_error) == (20, [], None)
    assert catcher.sound_ended.is_set()


def test_sound_that_lasts_longer_does_not_keep_the_pictures_from_their_end(tmp_path: Path) -> None:
    """Whoever holds sound back until the pictures have been shown would wait for ever."""
    release = threading.Event()

    class Held(Catcher):
        def sound(self, pts: int, samples: np.ndarray) -> None:
            if pts > SECOND // 2:
                assert release.wait(20)
            super().sound(pts, samples)

        def end(self, error: str | None) -> None:
            super().end(error)
            release.set()

    catcher = Held()
    catcher.run(write_film(tmp_path / "film.mkv", picture_s=0.5, sound_s=2.0))
    assert len(catcher.frames) == 5
    assert np.array_equal(catcher.samples(), claps(48000, 2.0))


def test_pictures_that_last_longer_are_all_delivered(tmp_path: Path) -> None:
    catcher = Catcher()
    catcher.run(write_film(tmp_path / "film.mkv", picture_s=2.0, sound_s=0.3))
    assert len(catcher.frames) == 20
    assert len(catcher.samples()) == 14400


def test_a_fault_in_the_sound_spares_the_pictures(tmp_path: Path) -> None:
    class Faulty(Catcher):
        def sound(self, pts: int, samples: np.ndarray) -> None:
            if self.chunks:
                raise ValueError("deaf")
            super().sound(pts, samples)

    catcher = Faulty()
    catcher.run(write_film(tmp_path / "film.mkv"))
    assert catcher.error is None
    assert len(catcher.frames) == 20
    assert "its sound failed: ValueError: deaf" in str(catcher.sound_error)


def test_sound_held_back_does_not_hold_back_the_pictures(tmp_path: Path) -> None:
    """At fast pace a store may let its writer wait; the pictures must still come, or nobody would ever read it."""
    enough = threading.Event()

    class Slow(Catcher):
        def sound(self, pts: int, samples: np.ndarray) -> None:
            assert enough.wait(20)
            super().sound(pts, samples)

    catcher = Slow()
    path = write_film(tmp_path / "film.mkv", picture_s=5, sound_s=5)
    source = Source(
        parse_source(str(path)),
        "left",
        paced=False,
        on_frame=lambda frame: (
            catcher.frames.append(frame.pts) or (len(catcher.frames) > 30 and enough.set())
        ),
        on_end=catcher.end,
        on_sound=catcher.sound,
        on_sound_end=catcher.end_sound,
        sound=MONO,
    )
    source.open(0)
    source.start(system_clock().get_time())
    assert catcher.ended.wait(20)
    source.stop()
    assert len(catcher.frames) == 50
    assert enough.is_set()


def test_sound_from_its_own_file(tmp_path: Path) -> None:
    path = write_film(tmp_path / "film.mkv")
    catcher = Catcher()
    catcher.run_alone(str(path))
    assert catcher.sound_error is None
    assert np.array_equal(catcher.samples(), claps(48000, 2.0))


def test_a_test_sound_ticks_every_second() -> None:
    catcher = Catcher()
    catcher.run_alone("test://ticks?seconds=2.5", format=STEREO)
    line = catcher.samples()
    assert line.shape == (120_000, 2)
    loud = np.flatnonzero(np.abs(line[:, 0].astype(int)) > 1000)
    assert {round(int(i) / 48000) for i in loud} == {0, 1, 2}
    assert len(loud) < 6000


def test_what_has_no_sound_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"sound input .*film\.mkv: there is no sound in it"):
        Catcher().run_alone(str(write_film(tmp_path / "film.mkv", sound_s=None)))
    with pytest.raises(InputError, match="unknown sound"):
        Catcher().run_alone("test://bagpipes")


@pytest.mark.parametrize(
    ("text", "scheme", "target"),
    [
        ("alsa://hw:1", "alsa", "hw:1"),
        ("alsa://", "alsa", "default"),
        ("pulse://", "pulse", ""),
        ("pulse://mast.mono", "pulse", "mast.mono"),
        ("test://", "test", "ticks"),
        ("rtsp://camera/sound", "rtsp", "camera/sound"),
    ],
)
def test_names_of_sound(text: str, scheme: str, target: str) -> None:
    uri = parse_sound(text)
    assert (uri.scheme, uri.target) == (scheme, target)


@pytest.mark.parametrize(
    "text", ["csi://0", "test://ticks?seconds=never", "test://ticks?seconds=0", "mic://1"]
)
def test_what_can_have_no_sound(text: str) -> None:
    with pytest.raises(ConfigurationError):
        parse_sound(text)


@pytest.mark.parametrize("paced", [False, True])
def test_the_sound_of_the_synthetic_match(paced: bool) -> None:
    from touchline.synth.audio import render_audio

    catcher = Catcher()
    early: list[int] = []
    clock = system_clock()
    base = clock.get_time() + 50 * MILLISECOND

    def take(pts: int, samples: np.ndarray) -> None:
        early.append(base + pts + MONO.time_of(len(samples)) - clock.get_time())
        catcher.sound(pts, samples)

    sound = DrawnSound(
        render_audio, STEREO, samples=25_000, paced=paced, on_sound=take, on_end=catcher.end_sound
    )
    sound.start(clock, base)
    assert catcher.sound_ended.wait(10)
    sound.stop()
    assert np.array_equal(catcher.samples(), np.repeat(render_audio(0, 25_000)[:, None], 2, axis=1))
    assert not paced or max(early) <= MILLISECOND, "no microphone delivers a sound before it was made"


def test_the_synthetic_sound_says_what_failed() -> None:
    catcher = Catcher()

    def deaf(first: int, count: int) -> np.ndarray:
        raise ValueError("no sound today")

    sound = DrawnSound(
        deaf, MONO, samples=None, paced=False, on_sound=catcher.sound, on_end=catcher.end_sound
    )
    sound.start(system_clock(), 0)
    assert catcher.sound_ended.wait(10)
    assert catcher.sound_error == "the synthetic sound: ValueError: no sound today"


def test_the_rounding_of_times() -> None:
    assert STEREO.sample_at(STEREO.time_of(12345)) == 12345
    assert STEREO.sample_at(21 * MILLISECOND) == 1008
    assert all(MONO.sample_at(MONO.time_of(i)) == i for i in range(10**9, 10**9 + 1000))
