"""The match as files: two films, the rig, and the truth."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import numpy as np

from touchline.errors import MissingElementError, OutputError, RigError
from touchline.gst.caps import PlaneLayout, VideoCaps
from touchline.gst.elements import available, make
from touchline.gst.library import SECOND, Gst
from touchline.gst.mapping import write_nv12
from touchline.gst.nv12 import Nv12
from touchline.gst.pipelines import Pipeline
from touchline.synth.audio import RATE
from touchline.synth.match import SyntheticMatch

LEFT, RIGHT, RIG, TRUTH = "left.mp4", "right.mp4", "rig.json", "truth.json"
TRUTH_FORMAT: Final = "touchline-truth"
# How many samples of silence an encoder puts before the sound, as measured: no MP4 reader is told of them.
_AAC: Final = {"avenc_aac": 1024, "voaacenc": 1600}
_QUANTIZER: Final = 18
_AHEAD: Final = 8  # frames that may wait in front of an encoder
_STALL_S: Final = 60.0

Progress = Callable[[int, int], None]


class _Film:
    """One H.264 file being written; with AAC sound if asked for.

    Attributes:
        priming: how many samples later than given the sound comes out of the file.

    Raises:
        MissingElementError: if an encoder is missing.
        OutputError: if the file can't be opened.
    """

    def __init__(self, path: Path, caps: VideoCaps, sound: bool) -> None:
        self._fps = caps.fps
        self._layout = PlaneLayout.from_caps(caps.to_gst())
        self._pipeline = Pipeline(path.name, error=OutputError)
        self._video = make("appsrc", "video", caps=caps.to_gst(), format="time", max_bytes=0)
        encoder = make(
            "x264enc",
            speed_preset="veryfast",
            quantizer=_QUANTIZER,
            # With a rate buffer several threads do not always come to the same decisions.
            vbv_buf_capacity=0,
            key_int_max=max(1, round(caps.fps)),
            bframes=0,
            **{"pass": "qual"},
        )
        muxer = make("mp4mux")
        sink = make("filesink", location=str(path))
        self._pipeline.add(self._video, encoder, make("h264parse"), muxer, sink)
        self.priming = 0
        self._audio = self._add_sound(muxer) if sound else None
        try:
            self._pipeline.play()
        except OutputError:
            self._pipeline.stop()
            raise

    def push(self, index: int, picture: Nv12) -> None:
        """Adds frame ``index``; waits while the encoder is behind. Raises OutputError if the pipeline failed."""
        self._wait(lambda: self._video.get_property("current-level-buffers") < _AHEAD)
        buffer = Gst.Buffer.new_allocate(None, self._layout.size, None)
        with write_nv12(buffer, self._layout) as out:
            np.copyto(out.y, picture.y)
            np.copyto(out.uv, picture.uv)
        buffer.pts = _ns(index, self._fps)
        buffer.duration = _ns(index + 1, self._fps) - buffer.pts
        self._video.emit("push-buffer", buffer)

    def push_sound(self, start: int, samples: np.ndarray[Any, np.dtype[np.int16]]) -> None:
        """Adds samples of sound, of which the first is number ``start``."""
        if self._audio is None or not samples.size:
            return
        buffer = Gst.Buffer.new_wrapped(samples.astype("<i2").tobytes())
        buffer.pts = _ns(start, Fraction(RATE))
        buffer.duration = _ns(start + samples.size, Fraction(RATE)) - buffer.pts
        self._audio.emit("push-buffer", buffer)

    def finish(self) -> None:
        """Ends the film and waits until it is whole. Raises OutputError if it does not get so."""
        self._video.emit("end-of-stream")
        if self._audio is not None:
            self._audio.emit("end-of-stream")
        if not self._pipeline.wait_eos(_STALL_S):
            raise OutputError(self._pipeline.failed or f"{self._pipeline.name}: the file was not finished")

    def close(self) -> None:
        """Lets go of everything; a film that is not finished stays unplayable."""
        self._pipeline.stop()

    def _add_sound(self, muxer: Any) -> Any:
        encoder = next((name for name in _AAC if available(name)), None)
        if encoder is None:
            raise MissingElementError(
                f"GStreamer has no AAC encoder ({', '.join(_AAC)}): install the package gstreamer1.0-libav"
            )
        self.priming = _AAC[encoder]
        caps = Gst.Caps.from_string(f"audio/x-raw,format=S16LE,rate={RATE},channels=1,layout=interleaved")
        source = make("appsrc", "audio", caps=caps, format="time", max_bytes=0)
        last = self._pipeline.add(
            source, make("audioconvert"), make(encoder, bitrate=96000), make("aacparse"), make("queue")
        )
        self._pipeline.link(last, muxer)
        return source

    def _wait(self, ready: Callable[[], bool]) -> None:
        """Not a blocking push: that would wait for ever behind a pipeline that has failed."""
        deadline = time.monotonic() + _STALL_S
        while not ready():
            if self._pipeline.failed:
                raise OutputError(self._pipeline.failed)
            if time.monotonic() > deadline:
                raise OutputError(f"{self._pipeline.name}: nothing was written for {_STALL_S:g} s")
            time.sleep(0.002)
        if self._pipeline.failed:
            raise OutputError(self._pipeline.failed)


def write_match(
    directory: str | Path,
    match: SyntheticMatch,
    seconds: float,
    progress: Progress | None = None,
    *,
    right_later: int = 0,
) -> None:
    """Writes ``left.mp4``, ``right.mp4``, ``rig.json`` and ``truth.json`` into a directory, made if need be.

    The films are H.264 (BT.709, a key frame a second, no B-frames); frame ``i`` has the time ``i / fps``. The left
    one has the match's sound as AAC. ``truth.json`` has the rig and one line per frame: :class:`FrameTruth`.

    Args:
        directory: files of these names in it are replaced.
        match: what to film.
        seconds: how long; at least one frame.
        progress: told after each frame how many are done, and of how many.
        right_later: how many frames later the right film is started: its frame ``i`` shows frame ``i + right_later``
            of the match, and ``rig.json`` says so. The truth is that of the left film's frames.

    Raises:
        ValueError: for a duration that is not positive, or a right film further away than a rig can say.
        MissingElementError: if GStreamer lacks an encoder.
        OutputError: if something can't be written; the message says what.
    """
    if not (math.isfinite(seconds) and seconds > 0):
        raise ValueError(f"a match must last longer than {seconds:g} s")
    frames = max(1, round(seconds * match.fps))
    rig = replace(match.rig, time_offset_s=float(right_later / match.fps))
    folder = Path(directory)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        rig.save(folder / RIG)
        with _truth_file(folder / TRUTH, match) as write_truth, ExitStack() as films:
            caps = VideoCaps(*match.size, match.fps)
            left = _Film(folder / LEFT, caps, sound=True)
            films.callback(left.close)
            right = _Film(folder / RIGHT, caps, sound=False)
            films.callback(right.close)
            pictures = Nv12.empty(*match.size), Nv12.empty(*match.size)
            spare, later = Nv12.empty(*match.size), Nv12.empty(*match.size) if right_later else pictures[1]
            length = int(RATE * frames / match.fps)
            for index in range(frames):
                match.draw(index, *pictures)
                if right_later:
                    match.draw(index + right_later, spare, later)
                first, end = (int(RATE * k / match.fps) for k in (index, index + 1))
                end = min(end, length - left.priming)
                left.push_sound(first, match.audio(first + left.priming, max(0, end - first)))
                left.push(index, pictures[0])
                right.push(index, later)
                write_truth(json.dumps(match.truth(index).to_dict(), separators=(",", ":")))
                if progress:
                    progress(index + 1, frames)
            left.finish()
            right.finish()
    except OSError as error:
        raise OutputError(f"the match can't be written to {folder}: {error.strerror or error}") from error
    except RigError as error:
        raise OutputError(str(error)) from error


@contextmanager
def _truth_file(path: Path, match: SyntheticMatch) -> Iterator[Callable[[str], None]]:
    """A JSON object with a list of frames that is written line by line, so that a long match needs no memory."""
    head = {
        "format": TRUTH_FORMAT,
        "version": 1,
        "seed": match.seed,
        "size": list(match.size),
        "fps": [match.fps.numerator, match.fps.denominator],
        "codes": match.codes,
        "rig": match.rig.to_dict(),
    }
    with path.open("w", encoding="utf-8") as file:
        file.write(json.dumps(head, indent=1)[:-2] + ',\n "frames": [')
        lines = 0

        def write(line: str) -> None:
            nonlocal lines
            file.write((",\n  " if lines else "\n  ") + line)
            lines += 1

        yield write
        file.write("\n ]\n}\n")


def _ns(count: int, rate: Fraction) -> int:
    return round(count * SECOND / rate)
