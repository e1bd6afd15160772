"""The rig from footage against the true one, over seeds and lenses: ``python -m benchmarks.calibration``.

A synthetic match is filmed for some seconds by two cameras of which nothing is told; what ``touchline calibrate``
finds in these pictures is held against the truth. Absolute yaw is a convention (the middle between the cameras), so the
found rig is turned by one yaw angle before it is compared; pitch and roll are not touched. That angle is the one that
brings the directions of both pictures' pixels closest to the true ones. The yaw of the optical axes would not do: an
axis and its lens's centre go together; a rig that puts both a little aside makes the same picture, but all of it would
be shifted for that. What the axes give is printed too ("by axes"). PSNR: the panorama that the found rig makes of a
pair of pictures, against the scene's own of the same directions, luma, after one gain and offset.
Prints a table, writes JSON, and ends with 1 if a limit does not hold.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from touchline.errors import CalibrationError
from touchline.geometry import Rig, angles_to_rays, fit_panorama, rotation_from_angles
from touchline.gst.nv12 import Nv12
from touchline.panorama.calibrate import calibrate
from touchline.panorama.lenses import lens_preset
from touchline.panorama.stitch import CpuStitcher
from touchline.panorama.workers import Workers
from touchline.synth.match import SyntheticMatch

LENSES = ("brown", "fisheye", "decentred")
FRAMES = tuple(range(0, 8 * 24, 24))  # eight, 0.8 s apart at 30 fps
STITCHED = 100
MEDIAN_PX, P95_PX, FOV_PERCENT, ROTATION_DEG, PSNR_DB = 0.5, 1.5, 0.5, 0.1, 34.0


@dataclass(frozen=True)
class Found:
    """What one calibration reached.

    Attributes:
        lens, seed: of the match.
        median_px, p95_px: misalignment in the overlap, pixels of the right picture.
        fov_percent: error of the horizontal field of view, the worse of both cameras.
        between_deg: error of the rotation from camera to camera, degrees.
        pitch_deg, roll_deg: error of each camera's pitch and roll, the worst of both.
        psnr_db: of the panorama, luma; true_db with the true rig; axes_db with the found one turned by its axes.
        points, lines: what was used.
        pulls: errors in standard deviations as the calibration states them: field of view (left, right), pitch, roll.
        seconds: that the search took.
    """

    lens: str
    seed: int
    median_px: float
    p95_px: float
    fov_percent: float
    between_deg: float
    pitch_deg: float
    roll_deg: float
    psnr_db: float
    true_db: float
    axes_db: float
    points: int
    lines: int
    pulls: tuple[float, ...]
    seconds: float

    @property
    def broken(self) -> list[str]:
        """Which limits do not hold."""
        limits = (
            ("median", self.median_px <= MEDIAN_PX),
            ("p95", self.p95_px <= P95_PX),
            ("field of view", self.fov_percent <= FOV_PERCENT),
            ("rotation", max(self.between_deg, self.pitch_deg, self.roll_deg) <= ROTATION_DEG),
            ("PSNR", self.psnr_db >= PSNR_DB),
        )
        return [name for name, holds in limits if not holds]


def filmed(match: SyntheticMatch, indices: tuple[int, ...]) -> list[tuple[Nv12, Nv12]]:
    """Frames of both cameras, before any compression."""
    pairs = []
    for index in indices:
        pair = Nv12.empty(*match.size), Nv12.empty(*match.size)
        match.draw(index, *pair)
        pairs.append(pair)
    return pairs


def bgr(picture: Nv12) -> NDArray[np.uint8]:
    return np.asarray(cv2.cvtColorTwoPlane(picture.y, picture.uv, cv2.COLOR_YUV2BGR_NV12), dtype=np.uint8)


def misalignment(found: Rig, true: Rig) -> NDArray[np.float64]:
    """How far apart, in pixels of the right picture, the found rig puts what both cameras truly see at one place."""
    yaw, pitch = np.meshgrid(np.radians(np.arange(-30, 30, 0.25)), np.radians(np.arange(-60, 35, 0.25)))
    rays = angles_to_rays(yaw, pitch)
    left, seen_left = true.left.project(rays)
    right, seen_right = true.right.project(rays)
    both = seen_left & seen_right
    there, _ = found.right.project(found.left.unproject(left[both]))
    return np.asarray(np.linalg.norm(there - right[both], axis=-1))


def turned(found: Rig, yaw_deg: float) -> Rig:
    """The found rig with all its directions turned about the upright axis: yaws grow by ``yaw_deg``."""
    turn = rotation_from_angles(math.radians(yaw_deg), 0.0, 0.0)
    return Rig(tuple(camera.rotated(camera.rotation @ turn) for camera in found.cameras), found.error_px)


def turned_by_axes(found: Rig, true: Rig) -> Rig:
    """The found rig, turned by the one yaw angle by which its axes look aside of the true ones on average."""
    off = np.mean([t.yaw_deg - f.yaw_deg for f, t in zip(found.cameras, true.cameras, strict=True)])
    return turned(found, float(off))


def turned_to(found: Rig, true: Rig) -> Rig:
    """The found rig, turned by the one yaw angle that brings the directions of its pixels closest to the true ones.

    With rays f and t the sum of |R f - t| squared is smallest at an angle that has a closed form: the planar case of
    Wahba's problem.
    """
    across = along = 0.0
    for one, two in zip(found.cameras, true.cameras, strict=True):
        pixels = np.stack(np.meshgrid(np.arange(10, one.width, 20.0), np.arange(10, one.height, 20.0)), -1)
        f, t = one.unproject(pixels), two.unproject(pixels)
        across += float(np.sum(f[..., 2] * t[..., 0] - f[..., 0] * t[..., 2]))
        along += float(np.sum(f[..., 0] * t[..., 0] + f[..., 2] * t[..., 2]))
    return turned(found, math.degrees(math.atan2(across, along)))


def angle_deg(one: NDArray[np.float64], two: NDArray[np.float64]) -> float:
    """The angle of the rotation from one rotation matrix to another."""
    return float(np.degrees(np.linalg.norm(cv2.Rodrigues(one @ two.T)[0])))


def fitted_psnr(made: NDArray[np.uint8], truth: NDArray[np.uint8]) -> float:
    """PSNR in dB after the best global gain and offset."""
    one, two = made.astype(np.float64).ravel(), truth.astype(np.float64).ravel()
    gain, offset = np.polyfit(one, two, 1)
    return float(10 * np.log10(255**2 / np.mean((gain * one + offset - two) ** 2)))


def panorama_psnr(match: SyntheticMatch, rig: Rig, workers: Workers) -> float:
    """See the module."""
    panorama = fit_panorama(rig)
    out = Nv12.empty(panorama.width, panorama.height)
    CpuStitcher(rig, panorama, workers, gain=True).stitch(*filmed(match, (STITCHED,))[0], out, 0.0)
    return fitted_psnr(out.y, match.panorama(STITCHED, panorama).y)


def measure(lens: str, seed: int, preset: str, workers: Workers) -> Found:
    """Films, calibrates and compares. Raises CalibrationError if the calibration refuses."""
    match = SyntheticMatch(seed, lens=lens)  # type: ignore[arg-type]
    pairs = [(bgr(left), bgr(right)) for left, right in filmed(match, FRAMES)]
    start = time.perf_counter()
    result = calibrate(pairs, lens=lens_preset(preset))
    seconds = time.perf_counter() - start
    true, rig = match.rig, turned_to(result.rig, match.rig)
    apart = misalignment(rig, true)
    cameras = list(zip(rig.cameras, true.cameras, strict=True))
    fov = [f.horizontal_fov_deg - t.horizontal_fov_deg for f, t in cameras]
    pitch = [f.pitch_deg - t.pitch_deg for f, t in cameras]
    roll = [f.roll_deg - t.roll_deg for f, t in cameras]
    known = result.certain
    pulls = [
        e / s
        for e, s in zip(fov + pitch + roll, known.fov_deg + known.pitch_deg + known.roll_deg, strict=True)
    ]
    between = [r.right.rotation @ r.left.rotation.T for r in (rig, true)]
    return Found(
        lens,
        seed,
        float(np.median(apart)),
        float(np.percentile(apart, 95)),
        max(100 * abs(e) / t.horizontal_fov_deg for e, (_, t) in zip(fov, cameras, strict=True)),
        angle_deg(*between),
        max(map(abs, pitch)),
        max(map(abs, roll)),
        panorama_psnr(match, rig, workers),
        panorama_psnr(match, true, workers),
        panorama_psnr(match, turned_by_axes(result.rig, true), workers),
        result.inliers,
        result.lines,
        tuple(round(float(p), 2) for p in pulls),
        seconds,
    )


def main(arguments: list[str] | None = None) -> int:
    """Measures, prints a table, writes JSON; returns the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10, help="matches per lens")
    parser.add_argument("--first", type=int, default=0, help="first seed")
    parser.add_argument("--lenses", nargs="+", default=LENSES, choices=LENSES)
    parser.add_argument("--preset", default="auto", help="lens preset that the search is told")
    parser.add_argument("--json", type=Path, help="write the figures there")
    asked = parser.parse_args(arguments)
    table = Table(title="Calibration from the synthetic match, 2 x 1280x720, eight moments")
    for name in (
        "lens",
        "seed",
        "median",
        "p95 px",
        "fov %",
        "between",
        "pitch",
        "roll °",
        "PSNR",
        "true",
        "by axes",
        "pts",
    ):
        table.add_column(name, justify="right")
    for name in ("lines", "worst pull", "s", "limits"):
        table.add_column(name, justify="right")
    rows: list[Found] = []
    refused = []
    with Workers(2) as workers:
        for lens in asked.lenses:
            for seed in range(asked.first, asked.first + asked.seeds):
                try:
                    found = measure(lens, seed, asked.preset, workers)
                except CalibrationError as error:
                    refused.append({"lens": lens, "seed": seed, "reason": str(error)})
                    table.add_row(lens, str(seed), *[""] * 13, f"refused: {error}")
                    continue
                rows.append(found)
                print(found, file=sys.stderr, flush=True)
                table.add_row(*cells(found))
    Console(width=150).print(table)
    if asked.json:
        data = [{**asdict(row), "broken": row.broken} for row in rows]
        asked.json.write_text(
            json.dumps({"found": data, "refused": refused}, indent=1) + "\n", encoding="utf-8"
        )
    return 1 if refused or any(row.broken for row in rows) else 0


def cells(found: Found) -> list[str]:
    """A row of the table."""
    return [
        found.lens,
        str(found.seed),
        f"{found.median_px:.2f}",
        f"{found.p95_px:.2f}",
        f"{found.fov_percent:.2f}",
        f"{found.between_deg:.3f}",
        f"{found.pitch_deg:.3f}",
        f"{found.roll_deg:.3f}",
        f"{found.psnr_db:.1f}",
        f"{found.true_db:.1f}",
        f"{found.axes_db:.1f}",
        str(found.points),
        str(found.lines),
        f"{max(map(abs, found.pulls)):.1f}",
        f"{found.seconds:.1f}",
        ", ".join(found.broken) or "hold",
    ]


if __name__ == "__main__":
    sys.exit(main())
