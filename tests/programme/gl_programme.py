"""A programme whose frames lie in textures, in a process with OpenGL; a report as JSON.

``gl_programme.py FOLDER``: recorded and displayed at once; then without any output.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numbered import CAPS, HEIGHT, WIDTH, draw, pts_of

from touchline.counters import BusBytes
from touchline.gst.crossings import Crossings
from touchline.gst.domains import GlDomain, SystemDomain
from touchline.gst.elements import make
from touchline.gst.library import SECOND, Gst
from touchline.gst.nv12 import Nv12
from touchline.gst.pipelines import Pipeline, system_clock
from touchline.gst.pools import FramePool
from touchline.programme import OutputSpec, Programme

FRAMES = 40


def show(specs: list[OutputSpec], domain: GlDomain) -> dict[str, Any]:
    """Pushes numbered frames through a programme: what it counted."""
    bus = BusBytes()
    programme = Programme(CAPS, specs, paced=False, domain=domain, bus=bus)
    pool = FramePool(CAPS, programme.in_flight + 1, "textures", domain)
    pool.start()
    programme.start(system_clock().get_time())
    for number in range(FRAMES):
        frame = pool.acquire(wait=True)
        flat = np.frombuffer(draw(number).extract_dup(0, WIDTH * HEIGHT * 3 // 2), np.uint8)
        luma = flat[: WIDTH * HEIGHT].reshape(HEIGHT, WIDTH)
        chroma = flat[WIDTH * HEIGHT :].reshape(HEIGHT // 2, WIDTH // 2, 2)
        domain.write(frame, Nv12(luma, chroma), pool.gst_caps)
        frame.pts, frame.duration = pts_of(number), SECOND // 30
        programme.push(frame)
        del frame
    programme.finish(30)
    told = {
        "bus": bus.as_dict(),
        "downloads": sum(1 for each in _elements(programme) if each == "gldownload"),
        "frames": [status.frames for status in programme.outputs],
        "failure": programme.failure,
        "encoder": programme.encoder.factory if programme.encoder else None,
        "on_device": bool(programme.encoder and programme.encoder.on_device),
    }
    pool.stop()
    return told


def _elements(programme: Programme) -> list[str]:
    found = programme._pipeline.gst.children
    return [element.get_factory().get_name() for element in found]


def cross(domain: GlDomain) -> list[int]:
    """Frames and bytes counted of those in textures, and of one in plain memory, that come out in plain memory."""
    crossings = Crossings("GLMemory")
    pipeline, source, convert = Pipeline("crossing"), make("appsrc", format="time"), make("videoconvert")
    source.set_property("caps", CAPS.to_gst())
    crossings.watch(convert)
    wanted = make("capsfilter", caps=Gst.Caps.from_string("video/x-raw,format=RGBA"))
    pipeline.add(source, convert, wanted, make("fakesink", sync=False))
    pipeline.play()
    for place in (domain, SystemDomain(), domain):
        pool = FramePool(CAPS, 1, "one", place)
        pool.start()
        frame = pool.acquire()
        black = Nv12.empty(WIDTH, HEIGHT)
        black.fill(16, 128, 128)
        place.write(frame, black, pool.gst_caps)
        source.emit("push-buffer", frame)
    source.emit("end-of-stream")
    assert pipeline.wait_eos(20), pipeline.failed
    pipeline.stop()
    return [crossings.frames, crossings.bytes]


if __name__ == "__main__":
    textures = GlDomain()
    record = OutputSpec("record", str(Path(sys.argv[1]) / "gl.mp4"))
    both = show([record, OutputSpec("display", "fakesink")], textures)
    print(json.dumps([both, show([], textures), cross(textures)]))
