"""How good a model file is on matches that it was not trained on: ``python -m training.evaluate MODEL``."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from training.export import Session, batch_of
from training.footage import Whole, jobs, make
from training.scores import all_scores

FIELD = (1920, 512)  # what a panorama of two cameras of 1280 x 720 shows of the field, in pixels


def evaluate(session: Session, wholes: Sequence[Whole]) -> dict[str, Any]:
    """Scores on panoramas, those that look as the match does by default and the varied ones apart."""
    scores: dict[str, Any] = {}
    for name, varied in (("default look", False), ("varied look", True)):
        some = [whole for whole in wholes if whole.varied == varied]
        if some:
            found = [session.find(whole.picture) for whole in some]
            result = all_scores(found, [whole.boxes for whole in some])
            scores[name] = {"pictures": len(some)} | {kind: rounded(asdict(s)) for kind, s in result.items()}
    return scores


def rounded(values: dict[str, Any]) -> dict[str, Any]:
    return {key: round(value, 4) if isinstance(value, float) else value for key, value in values.items()}


def pace_ms(path: Path, rounds: int = 15) -> float:
    """Median processor time in ms for one picture of 1920 x 512 on one thread; what else is at work counts little."""
    session = Session(path, threads=1)
    batch = batch_of(np.random.default_rng(1).integers(0, 256, (FIELD[1], FIELD[0], 3)).astype(np.uint8))
    session.boxes(batch)
    times = []
    for _ in range(rounds):
        start = time.thread_time()
        session.boxes(batch)
        times.append(1000 * (time.thread_time() - start))
    return statistics.median(times)


def seeds_of(text: str) -> range:
    """``2000-2019`` or ``2000``."""
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("--seeds", type=seeds_of, default=range(2000, 2020), help="first-last (2000-2019)")
    parser.add_argument("--frames", type=int, default=15, help="of each match and look (15)")
    parser.add_argument(
        "--size", help="of each camera, such as 1280x720; default: that, and any in the varied look"
    )
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--default-look", action="store_true", help="leave the varied look away")
    options = parser.parse_args()
    size = None
    if options.size:
        width, height = options.size.split("x")
        size = (int(width), int(height))
    turns = 1 if options.default_look else 2
    work = jobs(options.seeds, turns, True, options.frames, size)
    wholes = [w for result in make(work, options.processes, time.monotonic() + 86400) for w in result]
    scores = evaluate(Session(options.model), wholes)
    print(json.dumps(scores | {"one_thread_1920x512_ms": round(pace_ms(options.model), 1)}, indent=1))


if __name__ == "__main__":
    main()
