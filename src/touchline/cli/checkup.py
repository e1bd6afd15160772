"""What this machine has: the checks of ``touchline doctor``."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Literal

from rich.markup import escape
from rich.table import Table

from touchline import __version__
from touchline.cli.console import answers
from touchline.cuda.probe import Link, broken
from touchline.deepstream.elements import missing
from touchline.deepstream.settings import DeepStreamSettings
from touchline.delay.plan import GB
from touchline.errors import ConfigurationError, TouchlineError
from touchline.gst import cuda_links
from touchline.gst.caps import VideoCaps
from touchline.gst.elements import available, package_of
from touchline.gst.library import version
from touchline.programme.encoders import EncoderSettings, choose_encoder
from touchline.telemetry.memory import available_bytes

Verdict = Literal["ok", "note", "missing"]

_NEEDED = (
    "uridecodebin",
    "videoconvert",
    "appsink",
    "appsrc",
    "clocksync",
    "queue",
    "tee",
    "h264parse",
    "mp4mux",
)
_USEFUL = {
    "matroskamux": "recording to .mkv",
    "mpegtsmux": "recording to .ts, streaming to srt:// and udp://",
    "flvmux": "streaming to rtmp://",
    "rtmp2sink": "streaming to rtmp://",
    "srtsink": "streaming to srt://",
    "srtsrc": "cameras on srt://",
    "rtspsrc": "cameras on rtsp://",
    "tsdemux": "cameras on udp:// and srt://",
    "v4l2src": "cameras on v4l2://",
    "v4l2sink": "--webcam",
    "autovideosink": "--display",
    "avdec_h264": "decoding H.264 quickly on the processor",
    "avdec_h265": "decoding H.265 on the processor",
}


@dataclass(frozen=True)
class Check:
    """One thing that was looked at."""

    name: str
    verdict: Verdict
    detail: str


def check_up(*, as_json: bool) -> None:
    """Prints every check. Raises ConfigurationError if something is missing that every run needs."""
    checks = list(_checks())
    if as_json:
        print(json.dumps([asdict(check) for check in checks], indent=2))
    else:
        colours = {"ok": "green", "note": "yellow", "missing": "red"}
        table = Table("", "what", "found", title=f"touchline {__version__} on this machine")
        for check in checks:
            table.add_row(
                f"[{colours[check.verdict]}]{check.verdict}[/]", escape(check.name), escape(check.detail)
            )
        answers().print(table)
    missing = [check.name for check in checks if check.verdict == "missing"]
    if missing:
        raise ConfigurationError(f"missing: {', '.join(missing)}; `make setup` installs what Touchline needs")


def _checks() -> Iterator[Check]:
    yield Check("system", "ok", f"{platform.platform()}, Python {sys.version.split()[0]}")
    yield Check("GStreamer", "ok", version())
    cores = os.cpu_count() or 1
    yield Check(
        "cores", "ok" if cores > 1 else "note", f"{cores}" + ("" if cores > 1 else ": little for live work")
    )
    yield Check("free memory", "ok", f"{available_bytes() / GB:.1f} GB")
    for name in _NEEDED:
        yield _element(name, "every run", "missing")
    for name, purpose in _USEFUL.items():
        yield _element(name, purpose, "note")
    yield _encoder()
    chain = cuda_links.chain()
    for link in chain:
        yield Check(f"CUDA: {link.name}", "ok" if link.ok else "note", _said(link))
    gap = broken(chain)
    taken = "system, in plain memory" if gap else "cuda, from the decoder to the encoder"
    why = f", for a link of CUDA's chain is missing: {gap.name}" if gap else ""
    yield Check("memory", "ok", f"--memory auto takes {taken}{why}")
    lacking = missing(DeepStreamSettings())
    needs = f"not here: {', '.join(lacking)}" if lacking else "every element that it takes by default is here"
    yield Check("DeepStream", "note" if lacking else "ok", f"for --memory nvmm; {needs}")


def _said(link: Link) -> str:
    """What was found, or what is wrong and what to do."""
    return f"{link.detail}; {link.remedy}" if link.remedy else link.detail


def _element(name: str, purpose: str, otherwise: Verdict) -> Check:
    if available(name):
        return Check(name, "ok", purpose)
    return Check(name, otherwise, f"not here; for {purpose}; package {package_of(name) or 'unknown'}")


def _encoder() -> Check:
    try:
        choice = choose_encoder(VideoCaps(1280, 720, Fraction(30)), EncoderSettings())
    except TouchlineError as error:
        return Check("H.264 encoder", "missing", str(error))
    return Check("H.264 encoder", "ok", str(choice))
