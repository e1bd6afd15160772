"""The time between two recordings out of their files: pictures, sound, and a rig that says it."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from touchline.capture import parse_source
from touchline.engine.offsets import find_offset, with_offset
from touchline.errors import OffsetError, RigError
from touchline.geometry import Camera, Rig
from touchline.gst.elements import make
from touchline.gst.library import SECOND, Gst
from touchline.gst.pipelines import Pipeline
from touchline.gst.sound import SoundFormat
from touchline.panorama.offset import Estimate
from touchline.synth import SyntheticMatch
from touchline.synth.files import write_match

LATER = 11  # frames
FPS = Fraction(25)
MONO = SoundFormat(48000, 1)
RIG = Rig(tuple(Camera.from_fov(320, 160, 60, yaw_deg=yaw) for yaw in (-25, 25)))


@pytest.fixture(scope="module")
def match_folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("later")
    write_match(folder, SyntheticMatch(3, (480, 270), FPS), 6.0, right_later=LATER)
    return folder


def test_of_a_match_whose_right_film_was_started_later(match_folder: Path) -> None:
    rig = Rig.load(match_folder / "rig.json")
    assert rig.time_offset_s == pytest.approx(LATER / 25)
    plain = Rig(rig.cameras)
    left, right = (parse_source(str(match_folder / f"{side}.mp4")) for side in ("left", "right"))
    shares: list[float] = []
    found = find_offset(left, right, plain, progress=shares.append)
    assert found.used == "pictures"
    assert found.sound is None, "the right film has none"
    assert abs(found.offset_s - LATER / 25) < 0.1 / 25
    assert all(0 <= share <= 1 for share in shares)
    put, said = with_offset(plain, left, right)
    assert put == Rig(rig.cameras, time_offset_s=found.offset_s)
    assert said == found


def test_the_other_way_round_it_is_earlier(match_folder: Path) -> None:
    """Films and cameras exchanged: the same time with the other sign."""
    rig = Rig.load(match_folder / "rig.json")
    left, right = (parse_source(str(match_folder / f"{side}.mp4")) for side in ("right", "left"))
    found = find_offset(left, right, Rig((rig.right, rig.left)))
    assert abs(found.offset_s + LATER / 25) < 0.1 / 25


def test_a_rig_of_other_pictures_is_refused(match_folder: Path) -> None:
    left, right = (parse_source(str(match_folder / f"{side}.mp4")) for side in ("left", "right"))
    with pytest.raises(RigError, match="320x160"):
        find_offset(left, right, RIG)


def film(path: Path, sound: np.ndarray, seconds: float, side: int = 0, begin_s: float | None = None) -> Path:
    """Grey pictures, and sound as PCM; with ``begin_s`` a column runs to and fro before both cameras from then on."""
    width, height = 320, 160
    pipeline = Pipeline("film")
    caps = Gst.Caps.from_string(f"video/x-raw,format=I420,width={width},height={height},framerate=25/1")
    pictures = make("appsrc", caps=caps, format="time", max_bytes=0)
    source = make("appsrc", caps=MONO.to_gst(), format="time", max_bytes=0)
    muxer = make("matroskamux")
    pipeline.add(pictures, make("jpegenc", quality=95), make("queue", max_size_time=0), muxer)
    pipeline.gst.add(source)
    assert source.link_pads("src", muxer, "audio_0")
    pipeline.gst.add(sink := make("filesink", location=str(path)))
    pipeline.link(muxer, sink)
    pipeline.play()
    for number in range(round(seconds * 25)):
        y = np.full((height, width), 90.0)
        if begin_s is not None:
            yaw = np.radians(4 * np.sin(2.3 * (number / 25 + begin_s) ** 1.2) - RIG.cameras[side].yaw_deg)
            away = np.arange(width) - (RIG.left.cx + RIG.left.fx * np.tan(yaw))
            y[40:120] += 90 * np.exp(-0.5 * (away / 6) ** 2)
        data = np.concatenate(
            [np.clip(y, 16, 235).astype(np.uint8).ravel(), np.full(width * height // 2, 128, np.uint8)]
        )
        buffer = Gst.Buffer.new_wrapped(data.tobytes())
        buffer.pts, buffer.duration = number * SECOND // 25, SECOND // 25
        pictures.emit("push-buffer", buffer)
    for first in range(0, len(sound), 960):
        source.emit("push-buffer", MONO.to_buffer(first, sound[first : first + 960, None]))
    for end in (pictures, source):
        end.emit("end-of-stream")
    assert pipeline.wait_eos(20), pipeline.failed
    pipeline.stop()
    return path


def crowd(first_s: float, seconds: float) -> np.ndarray:
    """The same noise for everybody, from a second on."""
    noise = np.random.default_rng(4).normal(0, 4000, 20 * 48000)
    noise = np.convolve(noise, np.ones(8) / 4, "same")
    begin = round(first_s * 48000)
    return np.clip(noise[begin : begin + round(seconds * 48000)], -30000, 30000).astype(np.int16)


def films(folder: Path, sound_later: float, **spots: float) -> tuple:
    return (
        parse_source(str(film(folder / "left.mkv", crowd(2, 5), 5, 0, spots.get("left")))),
        parse_source(str(film(folder / "right.mkv", crowd(2 + sound_later, 5), 5, 1, spots.get("right")))),
    )


def test_by_sound_where_nothing_moves(tmp_path: Path) -> None:
    found = find_offset(*films(tmp_path, 0.4321), RIG)
    assert found.used == "sound"
    assert isinstance(found.pictures, OffsetError)
    assert found.offset_s == pytest.approx(0.4321, abs=2e-4)


def test_neither_is_no_offset(tmp_path: Path) -> None:
    found = find_offset(*films(tmp_path, 9.0), RIG)
    assert (found.used, found.offset_s) == ("neither", 0.0)
    rig, _ = with_offset(RIG, *films(tmp_path, 9.0))
    assert rig.time_offset_s == 0.0


def test_a_sound_that_contradicts_the_pictures_is_told(tmp_path: Path) -> None:
    """As of a camera that records its sound a quarter of a second late."""
    found = find_offset(*films(tmp_path, 0.65, left=1.0, right=1.4), RIG)
    assert isinstance(found.pictures, Estimate)
    assert found.used == "pictures"
    assert found.clash is not None
    assert found.offset_s == pytest.approx(0.4, abs=0.01)
