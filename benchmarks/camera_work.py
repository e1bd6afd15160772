"""Camera work on synthetic matches: ``python -m benchmarks.camera_work [--truth] [--seeds N ...] [--processes N]``.

Twenty matches of two minutes, with seeds that nothing was tuned or trained on. Two cameras of 1280x720 film them, the
pictures are stitched and looked at by a detector ten times a second, the tracker tells the play, and the planner films
it at delays from 0 to 10 s, beside a fixed wide view, an exponential and a Kalman smoother without look-ahead, a
convex smoother with half a second of it, and the optimum of the planner's own cost by somebody who knows the truth
of the whole match. ``touchline.director.score`` says what each figure means.

At a delay d the planner knows what a programme of that delay knows: d, less the time by which pictures are rendered
ahead, and less what the analysis may take. Baselines are given what is seen as if analysis took no time.

What the detector found is kept in a file for each seed, so that only the first run draws pictures (``--fresh`` draws
them again). With ``--truth`` directors are told the truth, and no picture is drawn at all.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from rich.console import Console
from rich.table import Table

from touchline.analysis.detection_file import DetectionWriter, read_detections
from touchline.analysis.detectors import build_detector
from touchline.analysis.known_play import KnownPlay
from touchline.analysis.play import Play
from touchline.analysis.tracking import PlayLog
from touchline.analysis.tracking_settings import TrackSettings
from touchline.cli.score_tables import mean, tables
from touchline.config import ProgrammeSettings
from touchline.director.comparison import EXPONENTIAL, OPTIMUM, Match, Take, compare, moments_of
from touchline.director.score_plot import plot_hindsight, plot_paths
from touchline.director.style import Style
from touchline.engine.viewing import horizon_s
from touchline.geometry import Ground, Panorama, ViewLimits, fit_panorama
from touchline.gst.nv12 import Nv12
from touchline.panorama.stitch import CpuStitcher
from touchline.panorama.workers import Workers
from touchline.synth import SyntheticMatch, default_rig
from touchline.synth.course import Course
from touchline.synth.pitch import EYE, field_outline

SEEDS = tuple(range(2000, 2020))
SECONDS = 120.0
DELAYS = (0.0, 0.5, 1.0, 2.0, 5.0, 7.0, 10.0)
PER_SECOND = 10
USUAL_S = 7.0
TOLD = "truth"  # a planner that is told it beside those that see
FPS = 30
SIZE = (1280, 720)
ASPECT = 16 / 9
RESULTS = Path("benchmarks/results/camera_work")
WIDEST_DEG, BALL_SHARE = 45.0, 0.97


@dataclass(frozen=True)
class Job:
    """What is filmed of each match, and how it is looked at."""

    seconds: float
    delays: tuple[float, ...]
    detector: str | None  # None: the truth
    per_second: int
    folder: Path
    fresh: bool
    style: Style


def detect(seed: int, job: Job, panorama: Panorama, path: Path) -> None:
    """Draws the match, stitches it, and writes down what the detector finds; a whole file or none."""
    assert job.detector is not None
    match = SyntheticMatch(seed, SIZE)
    left, right = Nv12.empty(*SIZE), Nv12.empty(*SIZE)
    out = Nv12.empty(panorama.width, panorama.height)
    detector = build_detector(job.detector, panorama, field_outline(), height_m=EYE[2])
    part = path.with_suffix(".part")
    with Workers(1) as workers, DetectionWriter(part, (panorama.width, panorama.height)) as writer:
        stitcher = CpuStitcher(match.rig, panorama, workers)
        for k in range(round(job.seconds * job.per_second)):
            index = round(k * FPS / job.per_second)
            match.draw(index, left, right)
            stitcher.stitch(left, right, out, match.time_of(index))
            writer.append(detector.detect(out, round(match.time_of(index) * 1e9)))
    detector.close()
    part.replace(path)


def kept_at(seed: int, job: Job) -> Path:
    """Where a match's detections are kept."""
    name = "".join(c if c.isalnum() else "-" for c in Path(job.detector or "").name)
    return job.folder / f"{seed}-{name}-{job.seconds:g}s-{job.per_second}hz.jsonl"


def seen_play(seed: int, job: Job, panorama: Panorama) -> Play:
    """The play as detector and tracker tell it."""
    path = kept_at(seed, job)
    if job.fresh or not path.is_file():
        detect(seed, job, panorama, path)
    log = PlayLog(
        panorama,
        field_outline(),
        Ground.below_mast(EYE[2], (EYE[0], EYE[1])),
        TrackSettings(keep_s=job.seconds + 60),
    )
    for detections in read_detections(path)[1]:
        log.append(detections)
    log.close()
    return log


def film(seed: int, job: Job) -> tuple[int, float, list[Take]]:
    """All takes of one match, and the seconds that it took."""
    began = time.perf_counter()
    panorama = fit_panorama(default_rig(seed, SIZE))
    course = Course.of_match(seed, job.seconds, FPS)
    play: Play = KnownPlay(moments_of(course)) if job.detector is None else seen_play(seed, job, panorama)
    match = Match(course, play, ViewLimits(panorama, ASPECT), job.style, field_outline())
    takes = compare(match, job.delays, horizon_of)
    if job.detector is not None:
        # It tells what is lost to what was seen from what is lost to how it was filmed.
        delay = usual(job.delays)
        told = replace(match, play=KnownPlay(moments_of(course))).planned(delay, horizon_of(delay))
        takes.insert(-1, replace(told, name=f"{told.name}, {TOLD}", delay_s=None))
    return seed, time.perf_counter() - began, takes


def horizon_of(delay: float) -> float:
    """How much of the play to come a programme's director knows, seconds."""
    return horizon_s(ProgrammeSettings.model_validate({"delay": delay}))


def usual(delays: tuple[float, ...]) -> float:
    """The one that is nearest to Touchline's own."""
    return min(delays, key=lambda delay: abs(delay - USUAL_S))


def mean_of(takes: list[Take], value: Callable[[Take], float]) -> float:
    """Over the matches, each weighing the same."""
    return mean([value(take) for take in takes])


def verdicts(by_name: dict[str, list[Take]]) -> Table:
    """What the planner at the usual delay has to show."""
    delays = tuple(t[0].delay_s for t in by_name.values() if t[0].delay_s is not None)
    takes = by_name[f"planner, {usual(delays):g} s"]
    causal, best = by_name[EXPONENTIAL], by_name[OPTIMUM]
    share, fov = (
        mean_of(takes, lambda t: t.score.ball_in_frame),
        mean_of(takes, lambda t: t.score.mean_fov_deg),
    )
    jerk = mean_of(takes, lambda t: t.score.jerk) / mean_of(causal, lambda t: t.score.jerk)
    over = mean_of(takes, lambda t: t.cost) / mean_of(best, lambda t: t.cost) - 1
    causal_share = mean_of(causal, lambda t: t.score.ball_in_frame)
    table = Table("what", "is", "wanted", "", title=f"{takes[0].name}, {len(takes)} matches")
    for what, told, wanted, good in (
        (
            "ball in frame",
            f"{share:.1%}",
            f">= {BALL_SHARE:.0%} and the causal smoother's {causal_share:.1%}",
            share >= max(BALL_SHARE, causal_share),
        ),
        ("mean field of view", f"{fov:.1f}°", f"<= {WIDEST_DEG:g}°", fov <= WIDEST_DEG),
        ("jerk, of the causal smoother's", f"{jerk:.1%}", "<= 25 %", jerk <= 0.25),
        ("cost above the optimum's", f"{over:.1%}", "<= 15 %", over <= 0.15),
    ):
        table.add_row(what, told, wanted, "yes" if good else "NO")
    return table


def shown_in_plot(takes: list[Take]) -> list[str]:
    """The planner nearest to 7 s, the causal smoother and the optimum."""
    delays = tuple(take.delay_s for take in takes if take.delay_s is not None)
    return [f"planner, {usual(delays):g} s", EXPONENTIAL, OPTIMUM]


def write(takes: dict[int, list[Take]], path: Path) -> None:
    """All scores as JSON, for whoever wants to look closer."""
    told = [
        {
            "seed": seed,
            "camera": take.name,
            "delay_s": take.delay_s,
            "cost": take.cost,
            "jerk": take.score.jerk,
        }
        | {name: None if math.isnan(value) else value for name, value in asdict(take.score).items()}
        for seed, of_seed in takes.items()
        for take in of_seed
    ]
    path.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


def parsed(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.camera_work", description=__doc__)
    parser.add_argument("--truth", action="store_true", help="directors are told the truth")
    parser.add_argument("--detector", default="motion", help="motion, onnx:FILE ...")
    parser.add_argument(
        "--per-second", type=int, default=PER_SECOND, help="frames that the detector looks at"
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS))
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--delays", type=float, nargs="+", default=list(DELAYS))
    parser.add_argument("--pace", default="standard", help="calm, standard or lively")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--fresh", action="store_true", help="detect again")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of detections and scores")
    parser.add_argument("--pictures", type=Path, help="folder for the plots (default: that of the results)")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> None:
    options = parsed([] if arguments is None else arguments)
    options.results.mkdir(parents=True, exist_ok=True)
    pictures = options.pictures or options.results
    pictures.mkdir(parents=True, exist_ok=True)
    job = Job(
        options.seconds,
        tuple(options.delays),
        None if options.truth else options.detector,
        options.per_second,
        options.results,
        options.fresh,
        Style.of("football", options.pace),
    )
    console, takes = Console(stderr=True), {}
    with ProcessPoolExecutor(options.processes, mp_context=get_context("spawn")) as pool:
        for seed, took, of_seed in pool.map(partial(film, job=job), options.seeds):
            takes[seed] = of_seed
            console.print(f"seed {seed}: {took:.0f} s")
    by_name = {
        take.name: [of_seed[k] for of_seed in takes.values()]
        for k, take in enumerate(takes[options.seeds[0]])
    }
    source = "truth" if options.truth else options.detector
    title = f"{len(options.seeds)} matches of {options.seconds:g} s, {source}"
    scores = {name: [take.score for take in of_name] for name, of_name in by_name.items()}
    costs = {name: [take.cost for take in of_name] for name, of_name in by_name.items()}
    for table in (*tables(scores, costs, title), verdicts(by_name)):
        Console().print(table)
    write(takes, options.results / f"scores-{'truth' if options.truth else 'seen'}.json")
    first = options.seeds[0]
    course = Course.of_match(first, options.seconds, FPS)
    shown = {
        take.name: take.path
        for name in shown_in_plot(takes[first])
        for take in takes[first]
        if take.name == name
    }
    plot_paths(shown, course, pictures / "camera-work.png", f"Seed {first}: pan, ball and players")
    plot_hindsight(by_name, pictures / "hindsight.png", f"What the delay buys: {title}")
    console.print(f"Drawn: {pictures / 'camera-work.png'}, {pictures / 'hindsight.png'}")


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
