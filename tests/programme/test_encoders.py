"""The encoder: what is chosen works, holds what it says, and makes a stream that everybody takes."""

from __future__ import annotations

import os
from fractions import Fraction

import pytest
from numbered import CAPS, draw, pts_of

from touchline.errors import ConfigurationError
from touchline.gst.caps import VideoCaps
from touchline.gst.elements import available, make
from touchline.gst.library import SECOND, Gst
from touchline.gst.pipelines import Pipeline
from touchline.programme.encoders import (
    KNOWN_ENCODERS,
    EncoderSettings,
    choose_encoder,
    default_bitrate_kbps,
    encoder_elements,
)

SOFTWARE = [name for name in ("x264enc", "openh264enc") if available(name)]


def _encode(factory: str, settings: EncoderSettings, frames: int) -> list[tuple[int, bool, int, str]]:
    """Running time in ns, whether it is a key frame, bytes and profile of every access unit."""
    pipeline = Pipeline("encode")
    source = make("appsrc", format="time", caps=CAPS.to_gst())
    sink = make("appsink", sync=False)
    pipeline.add(source, *encoder_elements(factory, CAPS, settings), make("h264parse"), sink)
    pipeline.play(0)
    try:
        for number in range(frames):
            buffer = draw(number)
            buffer.pts = pts_of(number)
            source.emit("push-buffer", buffer)
        source.end_of_stream()
        units = []
        while (sample := sink.emit("try-pull-sample", 10 * SECOND)) is not None:
            buffer, segment = sample.get_buffer(), sample.get_segment()
            units.append(
                (
                    segment.to_running_time(segment.format, buffer.pts),
                    not buffer.has_flags(Gst.BufferFlags.DELTA_UNIT),
                    buffer.get_size(),
                    sample.get_caps().get_structure(0).get_string("profile"),
                )
            )
        return units
    finally:
        pipeline.stop()


def test_the_best_that_works_is_chosen_and_said() -> None:
    choice = choose_encoder(CAPS, EncoderSettings(bitrate_kbps=700))
    assert choice.factory in KNOWN_ENCODERS
    better = KNOWN_ENCODERS[: KNOWN_ENCODERS.index(choice.factory)]
    assert not {"x264enc", "openh264enc"} & set(better)
    assert str(choice).startswith(choice.factory)
    assert "700 kbit/s" in str(choice)


@pytest.mark.skipif(not available("x264enc"), reason="x264 is not here")
@pytest.mark.parametrize(
    ("cores", "asked", "used"),
    [(1, None, "superfast"), (2, None, "superfast"), (4, None, "veryfast"), (2, "fast", "fast")],
)
def test_x264_leaves_two_cores_room_for_the_rest(
    monkeypatch: pytest.MonkeyPatch, cores: int, asked: str | None, used: str
) -> None:
    """A third of the frames of a live programme were lost on two slow cores."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: set(range(cores)))
    settings = EncoderSettings("x264enc", speed_preset=asked)
    assert f"on the CPU, {used})" in choose_encoder(CAPS, settings).description
    encoder = next(e for e in encoder_elements("x264enc", CAPS, settings) if e.get_name() == "encoder")
    assert encoder.get_property("speed-preset").value_nick == used


@pytest.mark.parametrize("factory", SOFTWARE)
def test_every_frame_is_encoded_at_its_time_in_order(factory: str) -> None:
    """Without B-frames: what leaves is in the order in which it is shown, and 4:2:0 of a profile that all play."""
    units = _encode(factory, EncoderSettings(bitrate_kbps=800, keyframe_s=0.5), 60)
    assert [time for time, *_ in units] == [pts_of(n) for n in range(60)]
    assert {profile for *_, profile in units} <= {"high", "main", "constrained-high", "constrained-baseline"}
    keys = [n for n, (_, key, *_) in enumerate(units) if key]
    assert keys[0] == 0
    assert max(b - a for a, b in zip(keys, [*keys[1:], 60], strict=True)) <= 15


@pytest.mark.skipif("x264enc" not in SOFTWARE, reason="without x264enc")
def test_x264_holds_no_more_than_it_says() -> None:
    choice = choose_encoder(CAPS, EncoderSettings(factory="x264enc"))
    pipeline = Pipeline("hold")
    source = make("appsrc", format="time", caps=CAPS.to_gst())
    sink = make("appsink", sync=False)
    pipeline.add(source, *encoder_elements("x264enc", CAPS, EncoderSettings()), sink)
    pipeline.play(0)
    try:
        pushed = 0
        while sink.emit("try-pull-sample", SECOND // 5 if pushed >= choice.in_flight - 1 else 0) is None:
            assert pushed < choice.in_flight, "it holds more than was promised"
            buffer = draw(pushed)
            buffer.pts = pts_of(pushed)
            source.emit("push-buffer", buffer)
            pushed += 1
    finally:
        pipeline.stop()


@pytest.mark.parametrize("factory", SOFTWARE)
def test_the_bitrate_is_kept_to(factory: str) -> None:
    for kbps in (200, 500):
        units = _encode(factory, EncoderSettings(factory=factory, bitrate_kbps=kbps, steady=True), 90)
        rate = sum(size for _, _, size, _ in units) * 8 / 3 / 1000
        assert 0.5 * kbps < rate < 1.5 * kbps


def test_bitrates_follow_size_and_rate() -> None:
    assert default_bitrate_kbps(1280, 720, Fraction(30)) == 5000
    assert default_bitrate_kbps(1920, 1080, Fraction(30)) == 8000
    assert default_bitrate_kbps(1920, 1080, Fraction(60)) == 12000
    assert default_bitrate_kbps(1280, 720, Fraction(0)) == 5000
    assert default_bitrate_kbps(64, 64, Fraction(1)) == 300


def test_settings_that_make_no_sense_are_refused() -> None:
    for settings in ({"bitrate_kbps": 1}, {"keyframe_s": 0.0}, {"keyframe_s": 60.0}):
        with pytest.raises(ConfigurationError):
            EncoderSettings(**settings)


def test_an_encoder_that_is_not_there_is_named() -> None:
    with pytest.raises(ConfigurationError, match="unknown encoder 'fooenc'; known are"):
        choose_encoder(CAPS, EncoderSettings(factory="fooenc"))
    if not available("nvh264enc"):
        with pytest.raises(
            ConfigurationError, match="nvh264enc can't be used: GStreamer has no such element"
        ):
            choose_encoder(CAPS, EncoderSettings(factory="nvh264enc"))


@pytest.mark.parametrize("factory", SOFTWARE)
def test_an_encoder_that_refuses_such_frames_is_not_chosen(factory: str) -> None:
    """It exists, but it can't encode a picture of this width: only trying shows that."""
    wide = VideoCaps(32768, 64, Fraction(30))
    with pytest.raises(ConfigurationError, match=f"{factory} can't be used"):
        choose_encoder(wide, EncoderSettings(factory=factory))
    with pytest.raises(ConfigurationError, match=r"no H\.264 encoder works here"):
        choose_encoder(wide, EncoderSettings())
