"""Clap and flash: films that have both, and when they are seen and heard again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from touchline.gst.elements import make
from touchline.gst.library import MILLISECOND, SECOND, Gst
from touchline.gst.pipelines import Pipeline
from touchline.gst.sound import SoundFormat

RATE = 48000
STEREO = SoundFormat(RATE, 2)


def played(path: Path) -> tuple[list[int], list[int], np.ndarray, int]:
    """What a player gets from a file: when it flashes and when it claps, ns, its sound, and when that begins."""
    pipeline = Gst.parse_launch(
        f'filesrc location="{path}" ! decodebin name=all '
        "all. ! queue max-size-time=0 max-size-bytes=0 max-size-buffers=0 ! videoconvert "
        "! video/x-raw,format=GRAY8 ! appsink name=pictures sync=false "
        "all. ! queue max-size-time=0 max-size-bytes=0 max-size-buffers=0 ! audioconvert "
        f"! audio/x-raw,format=S16LE,channels=2,rate={RATE} ! appsink name=sound sync=false"
    )
    pipeline.set_state(Gst.State.PLAYING)
    try:
        pictures = list(pull(pipeline.get_by_name("pictures")))
        sound = list(pull(pipeline.get_by_name("sound")))
    finally:
        pipeline.set_state(Gst.State.NULL)
    flashes = [at for at, data in pictures if data.mean() > 150]
    assert len(pictures) > 0
    begin = sound[0][0]
    assert begin >= pictures[0][0] - MILLISECOND, "sound before the first picture"
    line = np.zeros((STEREO.sample_at(sound[-1][0]) + len(sound[-1][1]) // 4 + 1, 2), np.int16)
    for at, data in sound:
        first, samples = STEREO.sample_at(at), data.view("<i2").reshape(-1, 2)
        line[first : first + len(samples)] = samples
    level = np.abs(line[:, 0].astype(int))
    heard = []
    while level.max(initial=0) > 8000:
        place = int(level.argmax())
        heard.append(STEREO.time_of(place))
        level[max(0, place - 4800) : place + 4800] = 0
    return flashes, sorted(heard), line, begin


def pull(sink: Any) -> Any:
    while (sample := sink.emit("try-pull-sample", 10 * SECOND)) is not None:
        buffer = sample.get_buffer()
        mapped, info = buffer.map(Gst.MapFlags.READ)
        assert mapped
        yield (
            sample.get_segment().to_running_time(Gst.Format.TIME, buffer.pts),
            np.frombuffer(bytes(info.data), np.uint8),
        )
        buffer.unmap(info)


def check_sync(path: Path, count: int) -> tuple[np.ndarray, int]:
    flashes, heard, line, begin = played(path)
    assert len(flashes) == len(heard) == count
    apart_ms = (np.array(heard) - np.array(flashes)) / MILLISECOND
    assert np.abs(apart_ms).max() < 1.0, apart_ms
    return line, begin


def write_claps(
    path: Path, at: list[int], frames: int, *, fps: int = 25, size: tuple[int, int] = (320, 160)
) -> Path:
    """A film with a white frame and a click of one sample at each of some frames: JPEG and PCM in Matroska."""
    width, height = size
    pipeline = Pipeline("film")
    caps = Gst.Caps.from_string(f"video/x-raw,format=I420,width={width},height={height},framerate={fps}/1")
    pictures = make("appsrc", caps=caps, format="time", max_bytes=0)
    sound = make("appsrc", caps=STEREO.to_gst(), format="time", max_bytes=0)
    muxer = make("matroskamux")
    pipeline.add(pictures, make("jpegenc"), make("queue", max_size_time=0), muxer)
    pipeline.gst.add(sound)
    assert sound.link_pads("src", muxer, "audio_0")
    pipeline.gst.add(sink := make("filesink", location=str(path)))
    pipeline.link(muxer, sink)
    pipeline.play()
    samples = np.random.default_rng(5).integers(-300, 300, (frames * RATE // fps, 2)).astype(np.int16)
    for number in range(frames):
        y = np.full(width * height, 235 if number in at else 40, np.uint8)
        buffer = Gst.Buffer.new_wrapped(
            np.concatenate([y, np.full(width * height // 2, 128, np.uint8)]).tobytes()
        )
        buffer.pts, buffer.duration = number * SECOND // fps, SECOND // fps
        pictures.emit("push-buffer", buffer)
        if number in at:
            samples[STEREO.sample_at(number * SECOND // fps)] = 30000
    for first in range(0, len(samples), 960):
        sound.emit("push-buffer", STEREO.to_buffer(first, samples[first : first + 960]))
    for source in (pictures, sound):
        source.emit("end-of-stream")
    assert pipeline.wait_eos(20), pipeline.failed
    pipeline.stop()
    return path
