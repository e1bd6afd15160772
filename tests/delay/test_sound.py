"""Sound in the store: to the sample where it belongs, whatever clocks and stamps do, and under every cue."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from touchline.delay.drift import DriftTracker
from touchline.delay.sound import SoundStore
from touchline.delay.sound_follower import SoundFollower
from touchline.gst.library import MILLISECOND, SECOND
from touchline.gst.sound import SoundFormat

RATE = 48000
MONO = SoundFormat(RATE, 1)
STEREO = SoundFormat(RATE, 2)
CHUNK = 960
FRAME = SECOND // 25


def noise(count: int, channels: int = 1, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(-30000, 30000, (count, channels)).astype(np.int16)


def fill(store: SoundStore, samples: np.ndarray, start: int = 0, chunk: int = CHUNK) -> None:
    for first in range(0, len(samples), chunk):
        store.write(store.format.time_of(start + first), samples[first : first + chunk])


class Programme:
    """Takes what a follower pushes, and checks on the way that nothing is missing between two buffers."""

    def __init__(self, format: SoundFormat) -> None:
        self.format = format
        self.first: int | None = None
        self.next = 0
        self.parts: list[np.ndarray] = []

    def push(self, buffer: Any) -> None:
        if self.first is None:
            self.first = self.next = buffer.offset
        assert buffer.offset == self.next
        assert buffer.pts == self.format.time_of(self.next)
        self.next = buffer.offset_end
        assert buffer.pts + buffer.duration == self.format.time_of(self.next)
        self.parts.append(self.format.from_buffer(buffer))
        assert len(self.parts[-1]) == buffer.offset_end - buffer.offset

    @property
    def samples(self) -> np.ndarray:
        return np.concatenate(self.parts)


@pytest.mark.parametrize("format", [MONO, STEREO])
@pytest.mark.parametrize("chunk", [1, 441, 1024, 5000])
def test_what_comes_without_a_gap_is_kept_bit_by_bit(format: SoundFormat, chunk: int) -> None:
    store = SoundStore(format, 1.0)
    samples = noise(20_000, format.channels)
    fill(store, samples, 480, chunk)
    found, missing = store.read(480, 20_000)
    assert missing == 0
    assert np.array_equal(found, samples)
    assert store.counts.total == 0


def test_the_ring_keeps_what_it_was_made_for_and_says_what_is_gone() -> None:
    store = SoundStore(MONO, 0.5)
    samples = noise(60_000)
    fill(store, samples)
    assert store.held_bytes == 48_000
    found, missing = store.read(60_000 - 24_000, 24_000)
    assert missing == 0
    assert np.array_equal(found, samples[-24_000:])
    found, missing = store.read(60_000 - 24_100, 24_200)
    assert missing == 200
    assert not found[:100].any()
    assert not found[-100:].any()
    assert np.array_equal(found[100:-100], samples[-24_000:])


def test_a_gap_is_silence_and_what_follows_is_at_its_place() -> None:
    store = SoundStore(MONO, 2.0)
    samples = noise(48_000) | 1  # never nothing
    fill(store, samples[:12_000])
    fill(store, samples[20_000:], 20_000)
    found, missing = store.read(0, 48_000)
    assert missing == 0
    assert np.array_equal(found[: 12_000 - 240], samples[: 12_000 - 240])
    assert not found[12_000:20_000].any()
    assert np.array_equal(found[20_240:], samples[20_240:])
    edges = np.abs(found[[11_999, 20_000]].astype(int)) / np.abs(samples[[11_999, 20_000]].astype(int))
    assert (edges < 0.01).all()
    assert store.counts.as_dict() == {"gap": 8000, "gaps": 1}


def test_a_gap_longer_than_the_ring() -> None:
    store = SoundStore(MONO, 0.5)
    fill(store, noise(24_000))
    fill(store, noise(4800), 3600 * RATE)
    found, missing = store.read(3600 * RATE - 10_000, 14_800)
    assert missing == 0
    assert not found[:10_000].any()
    assert np.array_equal(found[10_240:], noise(4800)[240:])


@pytest.mark.parametrize("again", [3000, 4800, 9000])
def test_what_comes_twice_is_left_out(again: int) -> None:
    store = SoundStore(MONO, 2.0)
    samples = noise(48_000)
    fill(store, samples[:24_000])
    fill(store, samples[24_000 - again :], 24_000 - again)
    found, missing = store.read(0, 48_000)
    assert missing == 0
    assert np.array_equal(found, samples)
    assert store.counts.as_dict() == {"overlap": again}


def test_a_small_loss_is_noticed_when_the_stamps_agree_about_it() -> None:
    """One packet of 20 ms lost: less than jitter might be, but every later stamp says the same."""
    store = SoundStore(MONO, 10.0)
    samples = noise(6 * RATE)
    fill(store, samples[: 3 * RATE])
    fill(store, samples[3 * RATE + 960 :], 3 * RATE + 960)
    found, _ = store.read(5 * RATE, RATE)
    assert np.array_equal(found, samples[5 * RATE :])
    assert store.counts["gap"] == 960


def test_one_strange_stamp_changes_nothing() -> None:
    store = SoundStore(MONO, 10.0)
    samples = noise(4 * RATE)
    for first in range(0, len(samples), CHUNK):
        store.write(
            MONO.time_of(first) + (30 * MILLISECOND if first == 2 * RATE else 0), samples[first:][:CHUNK]
        )
    assert np.array_equal(store.read(0, 4 * RATE)[0], samples)
    assert (store.counts.total, store.drift.outliers) == (0, 1)


def drifting(
    ppm: float, jitter_ms: float, hours: float, *, first_exact: bool, chunk: int = CHUNK
) -> tuple[np.ndarray, np.ndarray, int]:
    """A sound card beside the pipeline's clock, in pure arithmetic.

    Returns:
        time of each chunk in s; how far, in ms, the store had put it from its true time; samples put in or taken out.
    """
    chunks = int(hours * 3600 * RATE / chunk)
    # n samples of a card that is slow by ppm take longer.
    true = np.arange(chunks) * (chunk / RATE * SECOND) * (1 + ppm * 1e-6)
    shaken = true + np.random.default_rng(7).uniform(-jitter_ms, jitter_ms, chunks) * MILLISECOND
    if first_exact:
        shaken[0] = true[0]
    tracker, place, changed = DriftTracker(), round(shaken[0]), 0
    errors = np.empty(chunks)
    sample, passed = SECOND / RATE, chunk * SECOND // RATE
    for i, stamp in enumerate(shaken.astype(np.int64).tolist()):
        change = 0
        if i:
            assert tracker.note(stamp - round(place), passed) is None
            change = int(np.clip(np.trunc(tracker.excess_ns() / sample), -2, 2))
            tracker.corrected(change * sample)
        errors[i] = (true[i] - place) / MILLISECOND
        place += (chunk + change) * sample
        changed += abs(change)
    return true / SECOND, errors, changed


@pytest.mark.parametrize(
    ("ppm", "hours"),
    [(100.0, 4), (-100.0, 1), (3.0, 1), pytest.param(100.0, 24, marks=pytest.mark.slow)],
)
def test_a_day_on_another_clock(ppm: float, hours: float) -> None:
    """100 ppm are 8.6 s in a day. The largest error, once the first stamps have been averaged, is below 1 ms."""
    time, errors, changed = drifting(ppm, 3.0, hours, first_exact=False, chunk=4800)
    assert abs(changed - abs(ppm) * 1e-6 * hours * 3600 * RATE) < 200
    assert np.abs(errors[time > 60]).max() < 1.0
    assert np.abs(errors).max() < 5.0  # the jitter of the first stamp, until there are more


@pytest.mark.parametrize("first_exact", [True, False])
def test_the_first_minutes_on_another_clock(first_exact: bool) -> None:
    """Before the jitter is averaged, nothing is corrected that might be jitter, and the error is small all the same."""
    time, errors, _ = drifting(100.0, 3.0, 0.2, first_exact=first_exact)
    assert np.abs(errors).max() < (1.0 if first_exact else 3.1)
    assert np.abs(errors[time > 10]).max() < 1.0


def test_a_day_on_the_right_clock_touches_no_sample() -> None:
    _, errors, changed = drifting(0.0, 0.0, 24, first_exact=True, chunk=48_000)
    assert changed == 0
    assert np.abs(errors).max() < 0.001


def test_mere_jitter_touches_no_sample() -> None:
    _, errors, changed = drifting(0.0, 5.0, 0.5, first_exact=True, chunk=CHUNK)
    assert changed == 0
    assert np.abs(errors).max() < 0.001


def test_stamps_that_slide_at_first_are_followed_soon() -> None:
    """A demuxer that learns its sender's clock takes back 20 ms in the first second; then its stamps are exact.

    With a memory of minutes the sound stayed a millisecond off for just as long.
    """
    store = SoundStore(MONO, 12.0)
    samples = np.zeros((11 * RATE, 1), np.int16)
    samples[RATE // 2 :: RATE] = 20000
    rng = np.random.default_rng(3)
    for first in range(0, len(samples), 1024):
        slide = 20 * MILLISECOND * min(1.0, first / RATE) + rng.uniform(-1, 1) * MILLISECOND / 10
        store.write(SECOND + MONO.time_of(first) - round(slide), samples[first : first + 1024])
    heard = np.flatnonzero(store.read(0, 12 * RATE)[0][:, 0] > 8000)
    true = np.arange(7, 12) * RATE + RATE // 2 - RATE // 50  # of the clicks from the sixth second on
    apart = np.abs(heard[:, None] - true[None, :]).min(axis=0)
    assert apart.max() < RATE // 1000


def test_the_drift_is_taken_out_of_real_samples() -> None:
    """A card 100 ppm slow for two minutes: a tone stays in phase with the pipeline's clock to half a millisecond."""
    store = SoundStore(MONO, 130.0)
    taken = np.arange(120 * RATE)
    true_s = taken / RATE * (1 + 1e-4)
    tone = np.rint(20000 * np.sin(2 * np.pi * 100 * true_s)).astype(np.int16)[:, None]
    for first in range(0, len(tone), CHUNK):
        store.write(round(true_s[first] * SECOND), tone[first : first + CHUNK])
    assert 400 < store.counts["inserted"] < 600
    assert store.counts["removed"] == store.counts["gaps"] == 0
    found = store.read(100 * RATE, RATE)[0][:, 0].astype(float)
    phase = np.exp(-2j * np.pi * 100 * np.arange(RATE) / RATE) @ found
    late_ms = (np.angle(phase) + np.pi / 2) / (2 * np.pi * 100) * 1000
    assert abs(late_ms) < 0.5
    assert np.abs(np.diff(found)).max() < 400, "no clicks"


def run(follower: SoundFollower, frames: range, delay_ns: int = 0) -> None:
    for index in frames:
        follower.follow(index * FRAME + delay_ns, index * FRAME)


def test_the_programme_has_the_very_samples_of_the_capture() -> None:
    store = SoundStore(STEREO, 8.0)
    samples = noise(5 * RATE, 2)
    fill(store, samples)
    programme = Programme(STEREO)
    follower = SoundFollower(store, programme.push)
    run(follower, range(10, 100))
    follower.finish(100 * FRAME)
    assert programme.first == 19_200
    assert np.array_equal(programme.samples, samples[19_200 : 100 * 1920])
    assert follower.counts.total == 0
    assert follower.played == 90 * 1920


def test_frame_times_that_are_no_whole_samples_do_not_add_up() -> None:
    store = SoundStore(MONO, 40.0)
    samples = noise(35 * RATE)
    fill(store, samples)
    programme = Programme(MONO)
    follower = SoundFollower(store, programme.push)
    for index in range(900):
        pts = round(index * SECOND * 1001 / 30000)
        follower.follow(pts, pts)
    assert np.array_equal(programme.samples, samples[: len(programme.samples)])


def test_a_longer_and_a_shorter_delay() -> None:
    """By a slate and by a jump: silence or a cut, with short fades, and exact everywhere else."""
    store = SoundStore(MONO, 10.0)
    samples = noise(9 * RATE)
    fill(store, samples)
    programme = Programme(MONO)
    follower = SoundFollower(store, programme.push)
    run(follower, range(50))
    for index in range(50, 75):
        follower.follow(index * FRAME, None)
    run(follower, range(50, 100), delay_ns=25 * FRAME)
    for index in range(125, 150):  # half a second is left out
        follower.follow(index * FRAME, index * FRAME - 25 * FRAME // 2)
    follower.finish(150 * FRAME)
    found, frame = programme.samples, 1920
    assert np.array_equal(found[: 50 * frame - 240], samples[: 50 * frame - 240])
    assert not found[50 * frame : 75 * frame].any()
    assert np.array_equal(
        found[75 * frame + 240 : 125 * frame - 240], samples[50 * frame + 240 : 100 * frame - 240]
    )
    shift = 25 * frame // 2
    assert np.array_equal(
        found[125 * frame + 240 :], samples[125 * frame + 240 - shift : 150 * frame - shift]
    )
    assert abs(int(found[50 * frame - 1, 0])) < 300
    assert follower.counts.as_dict() == {"silent": 25 * frame}


def test_sound_that_has_not_come_is_silence_and_counted() -> None:
    store = SoundStore(MONO, 10.0)
    samples = noise(5 * RATE)
    fill(store, samples[: 20 * 1920])
    programme = Programme(MONO)
    follower = SoundFollower(store, programme.push)
    run(follower, range(31))
    fill(store, samples[20 * 1920 :], 20 * 1920)
    run(follower, range(31, 50))
    found = programme.samples
    assert np.array_equal(found[: 20 * 1920], samples[: 20 * 1920])
    assert not found[20 * 1920 : 30 * 1920].any()
    assert np.array_equal(found[30 * 1920 :], samples[30 * 1920 : 49 * 1920])
    assert follower.counts.as_dict() == {"missing": 10 * 1920}


def test_a_lag_gives_late_sound_its_time() -> None:
    """A delay of nothing: pictures are shown before the sound of their time has come."""
    store = SoundStore(MONO, 10.0)
    samples = noise(3 * RATE)
    programme = Programme(MONO)
    follower = SoundFollower(store, programme.push, lag_ns=100 * MILLISECOND)
    for index in range(75):
        follower.follow(index * FRAME, index * FRAME)
        store.write(index * FRAME, samples[index * 1920 : (index + 1) * 1920])
    follower.finish(75 * FRAME)
    assert np.array_equal(programme.samples, samples)
    assert follower.counts.total == 0


def test_a_delay_that_is_made_short_while_it_runs_needs_a_lag_then() -> None:
    """The lag was settled at the start, by the delay of the start: after a jump to none, sound was missing."""
    store = SoundStore(MONO, 10.0)
    samples = noise(4 * RATE)
    programme = Programme(MONO)
    follower = SoundFollower(store, programme.push)
    for index in range(75):  # one second late; from 1 s on at once
        store.write(index * FRAME, samples[index * 1920 : (index + 1) * 1920])
        if 25 <= index < 50:
            follower.follow((index - 25) * FRAME, (index - 25) * FRAME)
        elif index >= 50:
            follower.lag_ns = 100 * MILLISECOND
            follower.follow((index - 25) * FRAME, (index + 1) * FRAME)
    assert follower.counts["missing"] == 0
    found = programme.samples
    fade = RATE // 100
    assert np.array_equal(found[: 25 * 1920 - fade], samples[: 25 * 1920 - fade])
    rest = found[25 * 1920 + fade :]
    assert len(rest) > 15 * 1920
    assert np.array_equal(rest, samples[51 * 1920 + fade :][: len(rest)])


def test_without_any_sound_the_programme_is_silent() -> None:
    programme = Programme(MONO)
    follower = SoundFollower(SoundStore(MONO, 1.0), programme.push)
    run(follower, range(25))
    assert len(programme.samples) == 24 * 1920
    assert not programme.samples.any()
    assert follower.counts["missing"] == 24 * 1920


def test_at_fast_pace_writer_and_follower_wait_for_each_other() -> None:
    """A ring of half a second, ten seconds of sound: nothing is written over, nothing is missing."""
    store = SoundStore(MONO, 0.5, waits=True)
    samples = noise(10 * RATE)
    programme = Programme(MONO)
    follower = SoundFollower(store, programme.push, patience_s=10)
    writer = threading.Thread(target=lambda: (fill(store, samples), store.end()), daemon=True)
    writer.start()
    run(follower, range(251))
    writer.join(10)
    follower.finish(250 * FRAME)
    assert np.array_equal(programme.samples, samples)
    assert store.counts.total == follower.counts.total == 0


def test_a_reader_that_stops_does_not_stop_the_writer(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would hold up the pictures that come out of the same file."""
    monkeypatch.setattr("touchline.delay.sound._PATIENCE_S", 0.05)
    store = SoundStore(MONO, 0.5, waits=True)
    follower = SoundFollower(store, lambda _: None, patience_s=10)
    follower.follow(0, 0)
    fill(store, noise(48_000))
    assert store.end_ns == SECOND
    assert store.counts["overrun"] == 24_000


def test_closing_lets_everybody_go() -> None:
    store = SoundStore(MONO, 0.5, waits=True)
    follower = SoundFollower(store, lambda _: None, patience_s=60)
    follower.follow(0, 0)
    writer = threading.Thread(target=fill, args=(store, noise(48_000)), daemon=True)
    reader = threading.Thread(target=follower.follow, args=(5 * SECOND, 5 * SECOND), daemon=True)
    writer.start()
    reader.start()
    store.close()
    writer.join(5)
    reader.join(5)
    assert not writer.is_alive()
    assert not reader.is_alive()


def test_after_a_flush_time_may_be_anything() -> None:
    store = SoundStore(MONO, 1.0)
    fill(store, noise(4800), 100 * RATE)
    store.restart()
    fill(store, noise(4800, seed=2), 0)
    assert np.array_equal(store.read(0, 4800)[0], noise(4800, seed=2))
    assert store.counts.total == 0


@settings(max_examples=60, deadline=None)
@given(
    steps=st.lists(st.tuples(st.sampled_from(["frame", "slate", "jump"]), st.integers(1, 80)), max_size=30),
    lag_ms=st.sampled_from([0, 30, 200]),
)
def test_whatever_the_player_does_sound_has_no_gap_and_is_where_it_belongs(steps, lag_ms: int) -> None:
    store = SoundStore(MONO, 5.0)
    samples = noise(4 * RATE)
    fill(store, samples)
    programme = Programme(MONO)
    follower = SoundFollower(store, programme.push, lag_ns=lag_ms * MILLISECOND)
    at = shift = 0
    truth: list[tuple[int, int | None]] = []  # from this sample on, this shift
    current: int | None = None
    for kind, length_ms in steps:
        if kind == "jump":
            shift = length_ms * MILLISECOND
        if kind == "slate":
            follower.follow(at, None)
            current = None
        else:
            follower.follow(at, at - shift)
            current = shift
        truth.append((MONO.sample_at(at), current if current is None else MONO.sample_at(current)))
        at += length_ms * MILLISECOND
    follower.finish(at)
    if not steps:
        return
    ends = [start for start, _ in truth[1:]] + [MONO.sample_at(at)]
    found = programme.samples
    assert len(found) == ends[-1]
    for (start, shift_then), end in zip(truth, ends, strict=True):
        inside = slice(start + 240, max(start + 240, end - 240))
        if shift_then is None:
            assert not found[start:end].any()
        elif start - shift_then >= 0:
            want = samples[inside.start - shift_then : inside.stop - shift_then]
            assert np.array_equal(found[inside], want)
