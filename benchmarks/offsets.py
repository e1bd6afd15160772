"""How exactly the time between two recordings is found: ``python -m benchmarks offsets``.

Ten synthetic matches. The right camera's film begins a fraction of a frame, or seconds and a fraction, later or
earlier than the left one's: the match is drawn at any 600th of a second. By pictures with the true rig; with a rig that
is off by a third of a pixel at the middle of the overlap, as one from footage is; and with a camera that is darker and
has another frame rate. Sound is noise of a crowd, each microphone with noise of its own as loud as that.
"""

from __future__ import annotations

import time
from fractions import Fraction

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.fft import irfft, rfft, rfftfreq

from touchline.geometry import Rig, rotation_from_angles
from touchline.gst.nv12 import Nv12
from touchline.panorama.offset_overlap import Overlap, Signals
from touchline.panorama.offset_pictures import offset_from_pictures
from touchline.panorama.offset_sound import Sound, offset_from_sound
from touchline.synth import SyntheticMatch

SIZE = (640, 360)
TICKS = 600
FPS, OTHER_FPS = 30, 25
SECONDS = 12
START_S = 20
OFFSETS = (7, -13, 333, -871, 3, 1501, -1777, 611, -29, 10)  # 600ths of a second, for seeds 1 .. 10
RATE = 48000


def film(
    match: SyntheticMatch, overlaps: list[Overlap], start: int, fps: int, gain: float, side: int
) -> list[Signals]:
    """What a camera shows of each overlap."""
    times: list[float] = []
    cells: list[list[np.ndarray]] = [[] for _ in overlaps]
    pictures = Nv12.empty(*SIZE), Nv12.empty(*SIZE)
    for frame in range(SECONDS * fps):
        match.draw(start + frame * TICKS // fps, *pictures)
        luma = np.clip(gain * pictures[side].y, 0, 255).astype(np.uint8)
        times.append(frame / fps)
        for kept, overlap in zip(cells, overlaps, strict=True):
            kept.append(overlap.sample(side, luma))
    return [Signals(np.array(times), np.stack(kept)) for kept in cells]


def near(rig: Rig) -> Rig:
    """The rig with its right camera turned by about a third of a pixel."""
    angle = 0.33 / rig.right.fx
    turn = rotation_from_angles(angle, -angle / 2, angle / 2)
    return Rig((rig.left, rig.right.rotated(turn @ rig.right.rotation)))


def crowd(seed: int, later_s: float) -> tuple[Sound, Sound]:
    """Twelve seconds of two microphones."""
    rng = np.random.default_rng(seed)
    count = (SECONDS + 8) * RATE
    spectrum = rfft(rng.normal(size=count)) / (1 + rfftfreq(count, 1 / RATE) / 800)
    heard = []
    for shift in (0.0, later_s * RATE):
        own = irfft(spectrum * np.exp(2j * np.pi * rfftfreq(count) * shift), count)[
            4 * RATE : (4 + SECONDS) * RATE
        ]
        heard.append(Sound(0.0, own + rng.normal(0, np.std(own), len(own)), RATE))
    return heard[0], heard[1]


def main() -> None:
    """Measures and prints a table."""
    table = Table(
        title=f"Error of the time between two recordings, in frames of 1/{FPS} s ({SECONDS} s of {SIZE[0]}x{SIZE[1]})"
    )
    names = (
        "seed",
        "offset",
        "true rig",
        "says",
        "rig off",
        "darker, 25 fps",
        "sound",
        "pictures take",
        "sound takes",
    )
    for name in names:
        table.add_column(name, justify="right")
    worst = np.zeros(4)
    for seed, ticks in enumerate(OFFSETS, start=1):
        match = SyntheticMatch(seed, SIZE, Fraction(TICKS))
        overlaps = [Overlap(match.rig), Overlap(near(match.rig))]
        left = film(match, overlaps, START_S * TICKS, FPS, 1.0, 0)
        right = film(match, overlaps, START_S * TICKS + ticks, FPS, 1.0, 1)
        dark = film(match, overlaps[:1], START_S * TICKS + ticks, OTHER_FPS, 0.6, 1)
        true = ticks / TICKS
        begun = time.perf_counter()
        found = offset_from_pictures(left[0], right[0], overlaps[0].seen)
        took = time.perf_counter() - begun
        others = [
            offset_from_pictures(left[1], right[1], overlaps[1].seen),
            offset_from_pictures(left[0], dark[0], overlaps[0].seen),
        ]
        sounds = crowd(seed, true)
        begun = time.perf_counter()
        heard = offset_from_sound(*sounds)
        heard_took = time.perf_counter() - begun
        errors = [(one.offset_s - true) * FPS for one in (found, *others, heard)]
        worst = np.maximum(worst, np.abs(errors))
        table.add_row(
            str(seed),
            f"{true:+.4f} s",
            f"{errors[0]:+.4f}",
            f"±{found.sigma_s * FPS:.4f}",
            *(f"{error:+.4f}" for error in errors[1:]),
            f"{took:.2f} s",
            f"{heard_took:.2f} s",
        )
    table.add_row("worst", "", f"{worst[0]:.4f}", "", *(f"{one:.4f}" for one in worst[1:]), "", "")
    Console(width=130).print(table)


if __name__ == "__main__":
    main()
