"""The demo: a synthetic match, a live run, and a picture of what it did."""

from __future__ import annotations

import math
from bisect import bisect_left
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from touchline.capture import CameraFeed, parse_source
from touchline.capture.stills import Image, to_bgr
from touchline.cli.console import answers, problems
from touchline.cli.session import run_session
from touchline.cli.synthesis import write_synthetic
from touchline.config import load_config
from touchline.engine.overview import OverviewRow, compose
from touchline.engine.production import Production
from touchline.errors import OutputError
from touchline.geometry import Rig, fit_panorama
from touchline.gst.library import SECOND
from touchline.gst.nv12 import Nv12
from touchline.gst.pipelines import system_clock
from touchline.panorama.stitch import make_stitcher
from touchline.panorama.workers import Workers

_ROWS = 5
_FPS = Fraction(30)


def run_demo(directory: Path, seconds: float, seed: int, delay: float) -> None:
    """Renders, runs, draws. Raises whatever of these fails."""
    match = directory / "match"
    try:
        match.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"the folder {match} can't be made: {error.strerror}") from error
    problems().print(f"1. Film a synthetic match of {seconds:g} s with two cameras", style="bold")
    write_synthetic(match, seconds, "1280x720", str(_FPS), seed, codes=False)
    problems().print(f"2. Run it live, {delay:g} s late ({seconds + delay:g} s in all)", style="bold")
    programme, report = directory / "programme.mp4", directory / "report.json"
    production = run_session(
        load_config(
            {
                "left": str(match / "left.mp4"),
                "right": str(match / "right.mp4"),
                "rig": match / "rig.json",
                "delay": delay,
                "record": [programme],
                "overwrite": True,
                "report": report,
            }
        )
    )
    problems().print("3. Draw what the virtual camera did", style="bold")
    picture = directory / "overview.png"
    if not production.showing.path:
        raise OutputError("the demo was stopped before anything was shown; there is nothing to draw")
    if not cv2.imwrite(str(picture), draw_overview(production, match, programme)):
        raise OutputError(f"the picture {picture} can't be written")
    answers().print("\nThe demo is done. Look at:", style="bold")
    for path, what in (
        (programme, "the programme, as it would be broadcast"),
        (picture, "the panorama with the view drawn, beside the programme"),
        (report, "what was measured"),
        (match, "the footage of the two cameras, the rig and the truth"),
    ):
        answers().print(f"  {path}: {what}", markup=False, soft_wrap=True)


def draw_overview(production: Production, match: Path, programme: Path) -> Image:
    """The overview of a run: several moments, the panorama stitched once more, the programme read back."""
    path = dict(production.showing.path)
    times = sorted(path)
    first, last = times[0], times[-1]
    wanted = [first + (last - first) * (2 * i + 1) // (2 * _ROWS) for i in range(_ROWS)]
    chosen = [times[min(bisect_left(times, want), len(times) - 1)] for want in wanted]
    rig = Rig.load(match / "rig.json")
    panorama = fit_panorama(rig)
    panoramas = _panoramas(match, rig, chosen)
    shown = _pictures(programme, chosen)
    rows = [
        OverviewRow(pts / SECOND, panoramas[pts], path[pts], shown[pts])
        for pts in chosen
        if pts in panoramas and pts in shown
    ]
    return compose(panorama, rows, "The whole panorama with the virtual camera's view, and the programme")


def _panoramas(match: Path, rig: Rig, chosen: list[int]) -> dict[int, Image]:
    """The stitched panoramas of some moments."""
    panorama = fit_panorama(rig)
    feed = CameraFeed(
        (parse_source(str(match / "left.mp4")), parse_source(str(match / "right.mp4"))), paced=False
    )
    found: dict[int, Image] = {}
    with Workers() as workers:
        stitcher = make_stitcher(rig, panorama, workers)
        out = Nv12.empty(panorama.width, panorama.height)
        try:
            feed.open(system_clock())
            feed.start(system_clock())
            while not feed.finished and len(found) < len(chosen):
                moment = feed.next(5.0)
                if moment is None or moment.pts not in chosen:
                    continue
                first, second = moment.pictures
                if first is None or second is None:  # not from files
                    continue
                with first.read() as left, second.read() as right:
                    stitcher.stitch(left, right, out, moment.pts / SECOND)
                found[moment.pts] = _bgr(out)
        finally:
            feed.stop()
    return found


def _pictures(video: Path, chosen: list[int]) -> dict[int, Image]:
    """The pictures of a video nearest to some times, within half a frame."""
    feed = CameraFeed((parse_source(str(video)),), paced=False)
    found: dict[int, Image] = {}
    half = math.ceil(SECOND / _FPS / 2)
    try:
        feed.open(system_clock())
        feed.start(system_clock())
        while not feed.finished:
            moment = feed.next(5.0)
            picture = moment.pictures[0] if moment else None
            for pts in chosen:
                if moment and picture and abs(moment.pts - pts) <= half and pts not in found:
                    found[pts] = to_bgr(picture)
    finally:
        feed.stop()
    return found


def _bgr(picture: Nv12) -> Image:
    return np.asarray(cv2.cvtColorTwoPlane(picture.y, picture.uv, cv2.COLOR_YUV2BGR_NV12), dtype=np.uint8)
