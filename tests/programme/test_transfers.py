"""Frames in a GPU's memory are downloaded once, behind the pacing, and counted; here textures of Mesa's renderer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from numbered import CAPS, decode

from touchline.gst.caps import VideoCaps
from touchline.gst.crossings import Crossings
from touchline.gst.domains import GlDomain, SystemDomain
from touchline.gst.elements import make
from touchline.gst.pipelines import Pipeline
from touchline.programme.encoders import EncoderSettings, choose_encoder
from touchline.programme.transfers import device_caps

HEADLESS = {"GST_GL_PLATFORM": "egl", "GST_GL_WINDOW": "egl-device", "GST_GL_API": "gles2"}
FRAMES = 40  # of gl_programme.py


@pytest.fixture(scope="module")
def told(tmp_path_factory) -> tuple[Path, list[Any]]:
    folder = tmp_path_factory.mktemp("gl")
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("gl_programme.py")), str(folder)],
        env={**os.environ, **HEADLESS, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return folder / "gl.mp4", json.loads(done.stdout.splitlines()[-1])


def test_every_frame_arrives_and_comes_down_once_for_all_outputs(told) -> None:
    film, (both, *_) = told
    assert both["failure"] is None
    assert [number for number, _ in decode(film)] == list(range(FRAMES))
    assert both["frames"][0] == FRAMES
    assert both["downloads"] == 1
    assert not both["on_device"]
    # Textures are brought down by whoever maps them first, not by gldownload: nothing to count there.
    assert both["bus"] == {"up": {}, "down": {"programme": 0}}


def test_without_outputs_nothing_comes_down(told) -> None:
    _, (_, none, _) = told
    assert none["bus"] == {"up": {}, "down": {}}


def test_only_frames_that_change_their_memory_are_counted(told) -> None:
    """Of three frames one was in plain memory before; the bytes are those on the other side: RGBA."""
    _, (_, _, crossed) = told
    assert crossed == [2, 2 * CAPS.width * CAPS.height * 4]


def test_frames_that_are_only_handed_on_are_not_counted() -> None:
    crossings = Crossings("gst.cuda.memory")
    pipeline = Pipeline("handing on")
    between = make("identity")
    crossings.watch(between)
    pipeline.add(make("videotestsrc", num_buffers=5), between, make("fakesink", sync=False))
    pipeline.play()
    assert pipeline.wait_eos(20), pipeline.failed
    pipeline.stop()
    assert (crossings.frames, crossings.bytes) == (0, 0)


def test_caps_name_the_memory() -> None:
    caps = VideoCaps(64, 48, Fraction(30))
    assert device_caps(caps, GlDomain()).get_features(0).to_string() == "memory:GLMemory"
    assert device_caps(caps, SystemDomain()).is_equal(caps.to_gst())
    assert device_caps(caps, None).is_equal(caps.to_gst())


def test_an_encoder_on_the_processor_is_chosen_where_none_takes_the_memory() -> None:
    """No encoder takes textures here: the choice is that of plain memory, and the download is the programme's."""
    choice = choose_encoder(CAPS, EncoderSettings(), GlDomain())
    assert not choice.on_device
    assert choice.factory == choose_encoder(CAPS, EncoderSettings()).factory
