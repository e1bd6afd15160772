"""Seams and blends, ours and OpenCV's, on the same pairs of a synthetic match: ``python -m benchmarks.blending``.

The scene's own panorama is the truth (:mod:`benchmarks.seam_measure`). Four cases: the rig as it is; one that is wrong
by some pixels, as parallax and a mast that has moved make it; a right camera with a fifth more light; and lenses that
darken their edges. The cameras of the match differ a little in exposure and white balance in all of them.

Ours follow the match for four seconds, as they would, and are measured in the last frames. OpenCV's learn exposures
and seam anew from each of the frames that are measured, which suits them. ``--picture FILE`` saves a piece of the
overlap as each of them makes it.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from benchmarks.opencv_stitcher import OpenCvPanorama
from benchmarks.seam_measure import Seam, seam_of
from touchline.geometry import Panorama, Rig, fit_panorama, rays_to_angles
from touchline.gst.nv12 import Nv12
from touchline.panorama.joint import Joint
from touchline.panorama.shading import radius_squared
from touchline.panorama.stitch import CpuStitcher
from touchline.panorama.tone import to_light, to_signal
from touchline.panorama.warp import edge_distance
from touchline.panorama.workers import Workers
from touchline.synth.match import SyntheticMatch

SEED, SIZE, FPS = 3, (1280, 720), 10
FOLLOWED, MEASURED = 40, 5  # frames; of the last ten every other one is measured


class Case(NamedTuple):
    """What is wrong: pixels of the right camera's direction, its light, and the falloff of both lenses."""

    name: str
    wrong_px: float = 0.0
    light: float = 1.0
    falloff: float = 0.0


CASES = (
    Case("true rig"),
    Case("rig wrong by 3 px", wrong_px=3.0),
    Case("20 % more light in one", light=1.2),
    Case("dark edges", falloff=0.35),
)


@dataclass
class Scene:
    """Frames of a case, and the truth about those that are measured."""

    rig: Rig
    panorama: Panorama
    frames: list[tuple[Nv12, Nv12]]
    truths: dict[int, Nv12]
    displaced: NDArray[np.float32] | None
    overlap: NDArray[np.bool_]

    @property
    def per_degree(self) -> float:
        return self.panorama.width / float(np.degrees(self.panorama.yaw_max - self.panorama.yaw_min))


class Result(NamedTuple):
    """A way's marks, its time per frame, and the last of its panoramas that was measured."""

    seam: Seam
    milliseconds: float
    picture: Nv12


def make_scene(case: Case, clean: Sequence[tuple[Nv12, Nv12]], match: SyntheticMatch) -> Scene:
    """The frames of a match as a case has them."""
    true = match.rig
    panorama = fit_panorama(true)
    per_px = float(np.degrees(1 / true.right.fx))
    right = replace(
        true.right,
        yaw_deg=true.right.yaw_deg + 0.8 * case.wrong_px * per_px,
        pitch_deg=true.right.pitch_deg + 0.6 * case.wrong_px * per_px,
    )
    frames = list(clean)
    if case.light != 1 or case.falloff:
        factors = [_factors(camera, case.falloff) for camera in true.cameras]
        factors[1] = factors[1] * case.light
        frames = [(_relit(one, factors[0]), _relit(two, factors[1])) for one, two in clean]
    measured = range(FOLLOWED - 2 * MEASURED + 1, FOLLOWED, 2)
    x, y = np.arange(panorama.width)[None, :], np.arange(panorama.height)[:, None]
    rays = panorama.rays(x, y)
    overlap = np.minimum(*(edge_distance(camera, rays) for camera in true.cameras)) > 0
    truths = {i: match.panorama(i, panorama) for i in measured}
    displaced = None
    if case.wrong_px:  # where the right camera's picture shows what belongs elsewhere
        there = true.right.unproject(right.project(rays)[0])
        displaced = np.stack(panorama.angles_to_pixels(*rays_to_angles(there)), axis=-1).astype(np.float32)
    return Scene(Rig((true.left, right)), panorama, frames, truths, displaced, overlap)


def _factors(camera: object, falloff: float) -> NDArray[np.float64]:
    y, x = np.mgrid[0 : SIZE[1], 0 : SIZE[0]]
    return np.exp(-falloff * radius_squared(camera, np.stack([x, y], axis=-1)))  # type: ignore[arg-type]


def _relit(picture: Nv12, factor: NDArray[np.float64]) -> Nv12:
    """A picture under a factor of light for each pixel; its colours keep their hue."""
    made = Nv12.empty(picture.width, picture.height)
    luma = 219 * to_signal(to_light((picture.y - 16.0) / 219) * factor)
    made.y[:] = np.rint(np.clip(16 + luma, 0, 255))
    scale = (factor**0.45)[::2, ::2, None]
    made.uv[:] = np.rint(np.clip(128 + (picture.uv - 128.0) * scale, 0, 255))
    return made


def ours(scene: Scene, workers: Workers, joint: Joint, gain: bool = True) -> Result:
    """Follows the frames with one of our stitchers."""
    stitcher = CpuStitcher(scene.rig, scene.panorama, workers, joint, gain=gain)
    out = Nv12.empty(scene.panorama.width, scene.panorama.height)
    seams, times = [], []
    for number, (left, right) in enumerate(scene.frames):
        start = time.perf_counter()
        stitcher.stitch(left, right, out, number / FPS)
        times.append(time.perf_counter() - start)
        if number in scene.truths:
            seams.append(_measured(scene, number, out))
    return Result(_mean(seams), 1e3 * float(np.median(times)), out)


def opencvs(scene: Scene, made: OpenCvPanorama) -> Result:
    """Measures one of OpenCV's; the time is that of warping, equalising and blending, without finding the seam."""
    seams, times = [], []
    out = None
    for number in scene.truths:
        left, right = scene.frames[number]
        made.learn(left, right)
        start = time.perf_counter()
        out = made.stitch(left, right)
        times.append(time.perf_counter() - start)
        seams.append(_measured(scene, number, out))
    assert out is not None
    return Result(_mean(seams), 1e3 * float(np.median(times)), out)


def _measured(scene: Scene, number: int, out: Nv12) -> Seam:
    truths = [scene.truths[number].y]
    if scene.displaced is not None:
        x, y = np.ascontiguousarray(np.moveaxis(scene.displaced, -1, 0))
        truths.append(cv2.remap(truths[0], x, y, cv2.INTER_LANCZOS4, borderMode=cv2.BORDER_REPLICATE))
    return seam_of(out.y, truths, scene.overlap, scene.per_degree)


def _mean(seams: Sequence[Seam]) -> Seam:
    return Seam(*np.mean(seams, axis=0).tolist())


def ways(scene: Scene, workers: Workers) -> dict[str, Callable[[], Result]]:
    """Everything that is compared."""
    joints = {
        "no correction, no feather": (Joint(0.0), False),
        "feather, fixed": (Joint(), True),
        "feather, adaptive": (Joint(adaptive=True), True),
        "multiband:5, fixed": (Joint(levels=5), True),
        "multiband:5, adaptive": (Joint(levels=5, adaptive=True), True),
    }
    made: dict[str, Callable[[], Result]] = {
        name: lambda joint=joint, gain=gain: ours(scene, workers, joint, gain)
        for name, (joint, gain) in joints.items()
    }
    made["OpenCV: multi-band, graph cut"] = lambda: opencvs(
        scene, OpenCvPanorama(scene.rig, scene.panorama, "graph cut", "multi-band")
    )
    made["OpenCV: feather, dynamic programming"] = lambda: opencvs(
        scene, OpenCvPanorama(scene.rig, scene.panorama, "dynamic programming", "feather")
    )
    return made


def draw(match: SyntheticMatch) -> list[tuple[Nv12, Nv12]]:
    """The frames that every case begins with."""
    frames = []
    for index in range(FOLLOWED):
        pair = Nv12.empty(*SIZE), Nv12.empty(*SIZE)
        match.draw(index, *pair)
        frames.append(pair)
    return frames


def save_picture(path: Path, scene: Scene, results: dict[str, Result]) -> None:
    """A piece of the overlap, twice as large, as each way makes it, with its name."""
    columns = np.flatnonzero(scene.overlap.any(0))
    middle = int(columns.mean())
    part = slice(middle - 120, middle + 120)
    rows = slice(int(scene.panorama.height * 0.28), int(scene.panorama.height * 0.28) + 170)
    shown = {"the scene itself": scene.truths[max(scene.truths)]}
    shown |= {name: result.picture for name, result in results.items()}
    tiles = []
    for name, picture in shown.items():
        bgr = cv2.cvtColorTwoPlane(picture.y, picture.uv, cv2.COLOR_YUV2BGR_NV12)[rows, part]
        tile = cv2.resize(bgr, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
        label = np.full((26, tile.shape[1], 3), 30, np.uint8)
        cv2.putText(label, name, (8, 18), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (235, 235, 235), 1, cv2.LINE_AA)
        tiles.append(np.concatenate([label, tile]))
    half = -(-len(tiles) // 2)
    tiles += [np.full_like(tiles[0], 30)] * (2 * half - len(tiles))
    rows_of_tiles = [np.concatenate(tiles[k : k + 2], axis=1) for k in range(0, 2 * half, 2)]
    cv2.imwrite(str(path), np.concatenate(rows_of_tiles), [cv2.IMWRITE_JPEG_QUALITY, 82])


def main(picture: Path | None = None) -> None:
    """Measures, prints a table, and saves the picture if one is asked for."""
    picture = parser.parse_args().picture if __name__ == "__main__" else None
    match = SyntheticMatch(SEED, SIZE, Fraction(FPS))
    clean = draw(match)
    table = Table(title="Visible seam: edges (levels per sample) and step (levels); milliseconds per frame")
    for name in ("case", "way", "edges", "step", "ms"):
        table.add_column(name, justify="left" if name in ("case", "way") else "right")
    cv2.setNumThreads(os.cpu_count() or 1)
    with Workers() as workers:
        for case in CASES:
            scene = make_scene(case, clean, match)
            results = {name: way() for name, way in ways(scene, workers).items()}
            for name, (seam, spent, _) in results.items():
                first = case.name if name == next(iter(results)) else ""
                table.add_row(first, name, f"{seam.edges:.3f}", f"{seam.step:.2f}", f"{spent:.1f}")
            if picture and case.wrong_px:
                save_picture(picture, scene, results)
    Console(width=110).print(table)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.blending")
    parser.add_argument(
        "--picture", type=Path, help="save a piece of the overlap, of the wrong rig, as a JPEG"
    )
    main(parser.parse_args().picture)
