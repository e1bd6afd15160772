"""Cameras for tests: child processes that send a film over the network in real time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def send(path: Path, port: int) -> subprocess.Popen[bytes]:
    """Sends a film as MPEG-TS to a UDP port of this machine, once."""
    pipeline = (
        f"filesrc location={path} ! qtdemux ! h264parse config-interval=-1 ! clocksync ! mpegtsmux alignment=7 ! "
        f"udpsink host=127.0.0.1 port={port}"
    )
    return subprocess.Popen(["gst-launch-1.0", "-q", *pipeline.split()])


def serve(path: Path, port: int) -> subprocess.Popen[bytes]:
    """Serves a film as rtsp://127.0.0.1:PORT/cam, from its beginning to everybody who connects."""
    server = subprocess.Popen(
        [sys.executable, Path(__file__).with_name("rtsp_server.py"), str(port), path], stdout=subprocess.PIPE
    )
    assert server.stdout is not None
    assert server.stdout.readline() == b"ready\n"
    return server
