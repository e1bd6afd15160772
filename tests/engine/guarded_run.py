"""A run in which held frames are write-protected: ``guarded_run.py FOLDER VIEW OUT [write|copy]``.

Every page of a frame is made read-only by the kernel from the moment in which it is stored until the pool hands its
memory out again. Whoever writes into a held frame, in Python or in C, dies of it. With ``write`` or ``copy`` the
programme itself breaks the rule once, to show that it would be noticed.
"""

from __future__ import annotations

import ctypes
import json
import mmap
import sys
from pathlib import Path

from touchline.cli.session import run_session
from touchline.config import load_config
from touchline.delay.store import FrameStore
from touchline.engine.showing import Showing
from touchline.gst.mapping import address
from touchline.gst.pools import FramePool

folder, view, out, *fault = sys.argv[1:]
libc = ctypes.CDLL(None, use_errno=True)
PAGE = mmap.PAGESIZE
stored: dict[int, int] = {}  # address by PTS
guarded: set[int] = set()
foreign: list[int] = []  # PTS of frames whose memory the pool did not have at the start
shown: list[bool] = []


def protect(place: int, size: int, flags: int) -> None:
    """Changes the pages that lie wholly inside a frame."""
    first = -(-place // PAGE) * PAGE
    last = (place + size) // PAGE * PAGE
    assert libc.mprotect(ctypes.c_void_p(first), ctypes.c_size_t(last - first), flags) == 0


plain_append, plain_acquire, plain_show = FrameStore.append, FramePool.acquire, Showing.show


def append(store, buffer, pts, duration=0, **rest):
    place = address(buffer)
    protect(place, buffer.get_size(), mmap.PROT_READ)
    stored[pts] = place
    guarded.add(place)
    if fault == ["foreign"] and pts > 0:
        buffer = buffer.copy_deep()
    if hash(buffer.peek_memory(0)) not in before:
        foreign.append(pts)
    if fault == ["write"] and pts > 0:
        ctypes.memset(place + buffer.get_size() // 2, 0, 1)
    if fault == ["copy"] and pts > 0:
        buffer = buffer.copy_deep()
    plain_append(store, buffer, pts, duration, **rest)


def acquire(pool, wait=False):
    buffer = plain_acquire(pool, wait)
    if buffer is not None and (place := address(buffer)) in guarded:
        guarded.discard(place)
        protect(place, buffer.get_size(), mmap.PROT_READ | mmap.PROT_WRITE)
    return buffer


def show(showing, cue):
    shown.append(address(cue.frame.buffer) == stored[cue.pts])
    plain_show(showing, cue)


FrameStore.append, FramePool.acquire, Showing.show = append, acquire, show  # type: ignore[method-assign]
before: set[int] = set()
start = FramePool.start


def start_and_note(pool, progress=None):
    start(pool, progress)
    before.update(hash(memory) for frame in pool._memories for memory in frame)


FramePool.start = start_and_note  # type: ignore[method-assign]
production = run_session(
    load_config(
        {
            "left": f"{folder}/left.mp4",
            "right": f"{folder}/right.mp4",
            "rig": Path(folder) / "rig.json",
            "view": view,
            "delay": 0.5,
            "pace": "fast",
            "memory": "system",  # whose pages the kernel can guard
            "record": [Path(out)],
        }
    )
)
print(
    json.dumps(
        {
            "shown": len(shown),
            "same_memory": all(shown),
            "foreign": len(foreign),
            "guarded": len(stored),
        }
    )
)
