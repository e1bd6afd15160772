"""Ways to hold, through whole runs: the same film at the same times, in less memory; and what if that is short."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from footage import read_frames
from runs import in_plain_memory, run, run_in_time, times_are_kept, with_an_encoder_there
from sounding import write_claps
from touchline.delay import MemoryPlan
from touchline.delay.intake import Intake
from touchline.engine.backend import CpuBackend
from touchline.engine.books import stats_of
from touchline.engine.holding import LoanedWindow
from touchline.errors import ConfigurationError, PlanError
from touchline.gst.caps import VideoCaps
from touchline.gst.library import SECOND, Gst

FPS = Fraction(30)


@with_an_encoder_there
@pytest.mark.parametrize(("pace", "delay"), [("fast", 0.6), ("live", 1.4)])
def test_encoded_frames_are_shown_as_held_ones_are(coded, tmp_path: Path, pace: str, delay: float) -> None:
    footage = coded(FPS)
    out = tmp_path / "encoded.mkv"
    seen = footage.over_code(0)
    view = f"fixed:{seen.yaw_deg},{seen.pitch_deg},{seen.fov_deg}"
    production = run_in_time(
        **footage.inputs, view=view, size="640x360", delay=delay, pace=pace, hold="encoded", record=[out]
    )
    found = read_frames(out, footage.reader_of_view(0, (640, 360)))
    assert [code for code, _ in found] == list(range(footage.frames))
    assert times_are_kept(found, FPS)
    stats = stats_of(production)
    assert stats.dropped == {}
    frames, raw = production.store.peak_frames, production.pool.frame_bytes
    assert frames >= 12, "the window waits as a bitstream"
    assert 0 < stats.memory.held_bytes_peak < frames * raw / 15
    assert production.pool.frames < 30, "and few frames as frames"


@with_an_encoder_there
def test_encoded_frames_are_followed_too(coded, tmp_path: Path) -> None:
    """The analysis sees the raw frames: what it finds is the same, so is the path of the camera."""
    footage = coded(FPS)
    paths = []
    for hold in ("reference", "encoded"):
        out = tmp_path / f"{hold}.mkv"
        production = run(**footage.inputs, delay=0.5, pace="fast", hold=hold, record=[out], size="640x360")
        paths.append(list(production.showing.path))
        assert len(read_frames(out, lambda y: int(y.mean()))) == footage.frames
    assert paths[0] == paths[1]


@in_plain_memory
def test_memory_that_is_short_is_refused_or_made_do_with(coded, tmp_path: Path) -> None:
    footage = coded(FPS)
    wanted = {
        **footage.inputs,
        "view": "panorama",
        "delay": 10.0,
        "pace": "fast",
        "memory_limit": 110_000_000,
    }
    with pytest.raises(PlanError, match=r"10 s x 30 fps.*the longest delay that fits is \d\.\d s"):
        run(**wanted, record=[tmp_path / "a.mkv"])
    shorter = run(**wanted, on_low_memory="shorten", record=[tmp_path / "b.mkv"])
    assert 1.0 <= shorter.main.settings.delay < 10.0
    assert shorter.plan.total_bytes <= 110_000_000
    assert any("--on-low-memory shorten" in note for note in shorter.notes)
    encoded = run(**wanted, on_low_memory="encode", record=[tmp_path / "c.mkv"])
    assert encoded.main.settings.delay == 10.0
    assert encoded.plan.total_bytes <= 110_000_000
    for name in ("b", "c"):
        found = read_frames(tmp_path / f"{name}.mkv", footage.reader_of_panorama())
        assert [codes for codes, _ in found] == [(n, n) for n in range(footage.frames)]


def test_replays_need_frames_that_are_held_as_they_are() -> None:
    with pytest.raises(ConfigurationError, match="--hold reference"):
        run(synthetic=1, hold="encoded", history=3.0, programme=[{"name": "again", "replay": True}])


def test_the_way_back(coded, tmp_path: Path) -> None:
    """What the documentation advises when references can't be trusted: copies, a shorter delay, the same film."""
    footage = coded(FPS)
    panorama = tmp_path / "panorama.mkv"
    run(**footage.inputs, view="panorama", pace="fast", record=[panorama])
    films = []
    for number, way in enumerate(({"hold": "copy"}, {"hold": "reference"}, {"hold": "auto", "delay": 0.3})):
        out = tmp_path / f"{number}.mkv"
        production = run(panorama=str(panorama), view="panorama", pace="fast", record=[out], **way)
        films.append([codes for codes, _ in read_frames(out, footage.reader_of_panorama())])
        copied = stats_of(production).memory.pixel_copies
        assert copied == (footage.frames if way["hold"] == "copy" else 0)
    assert films == [[(n, n) for n in range(footage.frames)]] * 3


@in_plain_memory
def test_the_decoder_is_asked_for_as_many_frames_as_will_be_held(coded, tmp_path: Path, monkeypatch) -> None:
    """Before anything plays; the pool that the converter before our sink makes has them, allocated at once."""
    footage = coded(FPS)
    panorama = tmp_path / "panorama.mkv"
    run(**footage.inputs, view="panorama", pace="fast", record=[panorama])
    depths: list[int] = []
    take = Intake.take

    def note(intake, buffer, *rest, **more):
        pool = buffer.pool
        if pool is not None:
            depths.append(Gst.BufferPool.config_get_params(pool.get_config())[3])
        return take(intake, buffer, *rest, **more)

    monkeypatch.setattr(Intake, "take", note)
    production = run(panorama=str(panorama), view="panorama", pace="fast", delay=0.5)
    assert depths
    assert depths[-1] >= production.plan.frames
    assert stats_of(production).memory.pixel_copies == 0


def test_a_panorama_that_was_away_for_long_comes_back_at_its_time() -> None:
    """After more than ten seconds its frames were put behind the last one, as if its clock had jumped: all too late."""
    caps = VideoCaps(64, 48, FPS)
    window = LoanedWindow(
        caps,
        MemoryPlan(64, 48, 30.0, 2.0),
        CpuBackend(),
        "the panorama",
        careful=False,
        waits=False,
        on_failed=lambda error: pytest.fail(str(error)),
        on_note=lambda _: None,
    )
    for number in (*range(30), *range(480, 490)):
        assert window.intake.take(Gst.Buffer.new_allocate(None, 4608, None), number * SECOND // 30)
    assert [frame.pts for frame in window.raw.held()][-10:] == [n * SECOND // 30 for n in range(480, 490)]
    window.close()


def test_the_end_does_not_wait_for_sound_that_nobody_wants(tmp_path: Path) -> None:
    """At fast pace, with --duration: the camera was closed first, while its sound waited for room for five seconds.

    Then it was written over what had not been played yet.
    """
    film = write_claps(tmp_path / "film.mkv", [5], 400)
    production = run(
        panorama=str(film),
        pace="fast",
        hold="copy",
        delay=0.4,
        duration=2.0,
        view="fixed:0,0,60",
        size="1280x720",
        preset="medium",
        record=[tmp_path / "out.mkv"],
    )
    assert production.hearing.store.counts["overrun"] == 0
    assert production.main.follower is not None
    assert production.main.follower.counts["missing"] == 0
