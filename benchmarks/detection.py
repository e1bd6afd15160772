"""What a detector finds in synthetic matches, and what it takes: ``python -m benchmarks.detection [NAME ...]``.

Names are those of ``touchline.analysis.detectors``: ``motion`` (the default), ``onnx:FILE``, and so on. The matches are
filmed by two cameras and stitched, as in a run; seeds below 2000 are for tuning and training, 2000 to 2004 are kept
for this. Half a minute of each is looked at 10 times a second; the first two seconds, in which ``motion`` learns the
background, are not scored.

A player is found where boxes share half of their union (AP50). A ball of three pixels seldom passes that, however well
it is found, so it is also scored by distance: within its diameter, and at least 2.5 pixels. What is hidden behind
somebody, or cut by the panorama's edge, is not asked for.

``--picture FILE`` saves the last frame of the first match with its boxes.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import cv2
import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.detection_measure import Film, Scores, football_field
from touchline.analysis.detections import Detections
from touchline.analysis.detectors import build_detector
from touchline.gst.nv12 import Nv12

SEEDS, SECONDS, PER_SECOND = (2000, 2001, 2002, 2003, 2004), 30.0, 10
UNSCORED_S = 2.0


def score(
    name: str,
    seeds: list[int],
    seconds: float,
    *,
    first_s: float,
    with_field: bool,
    picture: Path | None = None,
) -> tuple[Scores, np.ndarray]:
    """Scores over all these matches, and seconds of processor time (this thread's) and of the clock for each frame."""
    scores, took = Scores(), []
    for seed in seeds:
        film = Film(seed)
        detector = build_detector(name, film.panorama, football_field() if with_field else None)
        for shot in film.shots(seconds, PER_SECOND, first_s):
            began = time.thread_time(), time.perf_counter()
            found = detector.detect(shot.panorama, round(shot.seconds * 1e9) + 1)
            took.append((time.thread_time() - began[0], time.perf_counter() - began[1]))
            if shot.seconds - first_s >= UNSCORED_S:
                scores.add(found.found, shot.truth, film.panorama)
        detector.close()
        if picture is not None and seed == seeds[0]:
            cv2.imwrite(str(picture), drawn(shot.panorama, found))
    return scores, np.array(took)


def drawn(panorama: Nv12, found: Detections) -> np.ndarray:
    """The panorama twice as large, with boxes: players blue, balls yellow."""
    planes = np.concatenate([panorama.y, panorama.uv.reshape(-1, panorama.width)])
    image = cv2.cvtColor(planes, cv2.COLOR_YUV2BGR_NV12)
    image = cv2.resize(image, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    for one in found.found:
        colour = (0, 255, 255) if one.kind == "ball" else (255, 120, 40)
        corners = [(round(2 * x), round(2 * y)) for x, y in ((one.left, one.top), (one.right, one.bottom))]
        cv2.rectangle(image, *corners, colour, 1)
        if one.kind == "ball":
            cv2.putText(image, f"{one.confidence:.2f}", (corners[0][0], corners[0][1] - 3), 0, 0.4, colour, 1)
    return image


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.detection", description=__doc__)
    parser.add_argument("names", nargs="*", default=["motion"])
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS))
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument(
        "--from", type=float, default=0.0, dest="first_s", help="second of the match to begin at"
    )
    parser.add_argument("--no-field", action="store_true", help="without the field's outline")
    parser.add_argument("--picture", type=Path)
    options = parser.parse_args([] if arguments is None else arguments)
    table = Table(
        title=f"Detectors on seeds {', '.join(map(str, options.seeds))}, {options.seconds:g} s of each"
    )
    for column in ("detector", "what", "precision", "recall", "AP"):
        table.add_column(column, justify="left" if column in ("detector", "what") else "right")
    for name in options.names:
        scores, took = score(
            name,
            options.seeds,
            options.seconds,
            first_s=options.first_s,
            with_field=not options.no_field,
            picture=options.picture,
        )
        for what, one in (
            ("players, half the union", scores.players),
            ("ball, half the union", scores.ball),
            ("ball, by distance", scores.near),
            ("ball in play, by distance", scores.playing),
            ("likeliest candidate is the ball", scores.first),
        ):
            table.add_row(
                name, what, *(f"{n:.3f}" for n in (one.precision, one.recall, one.average_precision))
            )
        processor, clock = np.median(took, axis=0) * 1000
        told = f"{processor:.1f} ms of this thread, {clock:.1f} ms by the clock (medians)"
        table.add_row(name, f"{told}; {np.mean(scores.candidates):.1f} ball candidates", "", "", "")
    Console().print(table)


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
