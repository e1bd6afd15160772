"""Draws what a model file finds into pictures, or some frames of videos: ``python -m training.show MODEL FILE``."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from training.export import Session
from training.filming import BALL, Rgb

_COLOURS = ((255, 40, 40), (0, 230, 255))  # of ball and player


def drawn(picture: Rgb, found: NDArray[np.float32], least: tuple[float, float]) -> Rgb:
    """A copy of the picture with the boxes (n, 6) that score at least so much, of balls and of players."""
    out: Any = picture.copy()
    for left, top, right, bottom, score, kind in found.tolist():
        if score < least[int(kind)]:
            continue
        spare = 4 if kind == BALL else 1  # a small ball is not hidden by its own box
        low, high = (round(left) - spare, round(top) - spare), (round(right) + spare, round(bottom) + spare)
        cv2.rectangle(out, low, high, _COLOURS[int(kind)], 1)
        at = (low[0], low[1] - 2)
        cv2.putText(out, f"{100 * score:.0f}", at, cv2.FONT_HERSHEY_SIMPLEX, 0.35, _COLOURS[int(kind)], 1)
    return np.asarray(out, np.uint8)


def pictures(path: Path, count: int) -> Iterator[Rgb]:
    """The picture of a file, or ``count`` frames of a video, evenly spaced.

    Raises:
        SystemExit: if it can be read as neither.
    """
    picture: Any = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is not None:
        yield picture[..., ::-1].copy()
        return
    video = cv2.VideoCapture(str(path))
    frames = int(video.get(cv2.CAP_PROP_FRAME_COUNT))
    shown = 0
    for number in np.linspace(0, max(frames - 1, 0), count).astype(int).tolist():
        video.set(cv2.CAP_PROP_POS_FRAMES, number)
        good, frame = video.read()
        if good:
            shown += 1
            yield np.asarray(frame[..., ::-1], np.uint8)
    if not shown:
        raise SystemExit(f"{path} is neither a picture nor a video that can be read")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("files", type=Path, nargs="+", help="pictures or videos")
    parser.add_argument("--out", type=Path, default=Path("build/shown"))
    parser.add_argument("--frames", type=int, default=4, help="of each video (4)")
    parser.add_argument("--ball", type=float, default=0.3, help="least score of a ball that is drawn (0.3)")
    parser.add_argument("--player", type=float, default=0.4, help="least score of a player (0.4)")
    parser.add_argument("--scale", type=float, default=1.0, help="enlarge or reduce the pictures first (1)")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    session = Session(options.model)
    for path in options.files:
        for number, picture in enumerate(pictures(path, options.frames)):
            scaled: Any = cv2.resize(picture, None, fx=options.scale, fy=options.scale)
            found = session.find(scaled)
            least = (options.ball, options.player)
            target = options.out / f"{path.stem}-{number}.png"
            cv2.imwrite(str(target), drawn(scaled, found, least)[..., ::-1])
            counts = [int(((found[:, 5] == k) & (found[:, 4] >= least[k])).sum()) for k in range(2)]
            print(f"{target}: {counts[0]} balls, {counts[1]} players")


if __name__ == "__main__":
    main()
