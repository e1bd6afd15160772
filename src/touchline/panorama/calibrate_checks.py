"""What is not good enough to be a rig: each refusal says what was found and what to do."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from touchline.errors import CalibrationError, RigError
from touchline.geometry import Rig, fit_panorama
from touchline.panorama.calibrate_adjust import Stand
from touchline.panorama.calibrate_certainty import Certainty, apart_deg, overlap_places
from touchline.panorama.calibrate_lens import Floats, Size
from touchline.panorama.calibrate_still import Image, sharpness, steadiness

_LEAST_APART_DEG = 3.0
_LEAST_OVERLAP = 0.04  # of a picture
_LEAST_STEADY = 0.35
_LEAST_SHARP = 0.2
_BANDS, _LEAST_BANDS = 8, 3  # of the seam, and those that must hold something that both cameras see
_LEAST_LIKENESS = 0.25
_MOST_UNCERTAIN_PX = 3.0  # in a picture of 1280, one deviation, over 95 % of the overlap
_MOST_UNCERTAIN_FOV = 0.08


def check_steady(pictures: tuple[Sequence[Image], Sequence[Image]]) -> None:
    """Raises CalibrationError if a camera moves, or its footage is cut together."""
    for side, mine in zip(("left", "right"), pictures, strict=True):
        share = steadiness(mine)
        if share < _LEAST_STEADY:
            raise CalibrationError(
                f"the {side} camera does not stand still: only {100 * share:.0f} % of what it sees is the same from "
                "one moment to the next; fix both cameras, and calibrate from footage in which they are not touched, "
                "zoomed or cut"
            )


def too_few(count: int, least: int, stills: tuple[Image, Image]) -> CalibrationError:
    """The refusal for too few matches; blurred pictures are named as the reason if they are."""
    blurred = [
        side
        for side, still in zip(("left", "right"), stills, strict=True)
        if np.ptp(still) > 0 and sharpness(still) < _LEAST_SHARP
    ]
    found = f"only {count} matching points were found between the pictures, and {least} are needed"
    if blurred:
        which = "both cameras'" if len(blurred) == 2 else f"the {blurred[0]} camera's"
        return CalibrationError(
            f"{found}: {which} pictures are blurred; focus them, clean the glass, or give more light",
            matches=count,
        )
    return CalibrationError(
        f"{found}: do they overlap (15 % of the width or more), are left and right from the same moment, and is there "
        "light and something to see? Turn the cameras so that they overlap more, or film something with texture",
        matches=count,
    )


def check_sides(stand: Stand, count: int) -> None:
    """Raises CalibrationError if both cameras look the same way, or left and right are swapped."""
    if apart_deg(stand) < _LEAST_APART_DEG:
        raise CalibrationError(
            f"both cameras look the same way ({count} points match): the same footage was given twice, or the cameras "
            "need turning apart",
            matches=count,
        )
    if stand.turns[1][2][0] < stand.turns[0][2][0]:
        raise CalibrationError(
            f"left and right are swapped ({count} points match, at the outer edges): give them the other way round",
            matches=count,
        )


def check_possible(rig: Rig, count: int) -> None:
    """Raises CalibrationError if two real cameras can't be like this."""
    fields = [camera.horizontal_fov_deg for camera in rig.cameras]
    try:
        fit_panorama(rig)
        possible = all(10 < field < 175 for field in fields) and abs(rig.right.pitch_deg) < 80
    except RigError:
        possible = False
    if not possible:
        raise CalibrationError(
            f"{count} points match, but no pair of cameras fits them (it would see {fields[0]:.0f} and {fields[1]:.0f} "
            "degrees): the cameras must stand together, not apart, and must not zoom; use other moments of the footage",
            matches=count,
        )


def check_overlap(share: float, degrees: float, count: int) -> None:
    """Raises CalibrationError if too little is seen by both; ``share`` is that of a picture, 0 .. 1."""
    if share < _LEAST_OVERLAP:
        raise CalibrationError(
            f"the cameras see only {degrees:.1f} degrees in common, {100 * share:.0f} % of a picture, and "
            f"{100 * _LEAST_OVERLAP:.0f} % are the least: turn them towards each other until it is 10 to 25 %",
            matches=count,
        )


def covered_bands(stand: Stand, sizes: tuple[Size, Size], evidence: Floats) -> tuple[int, int]:
    """Of the bands into which the overlap is cut from top to bottom: how many hold at least two places of
    ``evidence`` (pixels of the left picture, shape (n, 2)), and how many there are."""
    rows = overlap_places(stand, sizes)[:, 1]
    if not len(rows):
        return 0, _BANDS
    edges = np.linspace(rows.min(), rows.max() + 1e-6, _BANDS + 1)
    counts = np.histogram(evidence[:, 1], edges)[0] if len(evidence) else np.zeros(_BANDS)
    return int(np.count_nonzero(counts >= 2)), _BANDS


def check_spread(covered: int, bands: int, count: int) -> None:
    """Raises CalibrationError if the matches say nothing of most of the seam."""
    if covered < _LEAST_BANDS:
        raise CalibrationError(
            f"the {count} matching points lie in one place, along {100 * covered / bands:.0f} % of the seam; the rest "
            "of it would be a guess: turn the cameras so that they overlap more, or film something with texture along "
            "the whole overlap (lines, boards, cones, people walking through it)",
            matches=count,
        )


def check_likeness(alike: float, count: int) -> None:
    """Raises CalibrationError if the two pictures do not look alike where they would overlap."""
    if alike < _LEAST_LIKENESS:
        raise CalibrationError(
            f"{count} points match, but the pictures do not look alike where they would overlap (correlation "
            f"{alike:.2f}): repeated patterns have been mistaken for one another; turn the cameras so that they "
            "overlap by 15 % or more",
            matches=count,
        )


def check_certain(known: Certainty, fields: tuple[float, float], unit: float, count: int) -> None:
    """Raises CalibrationError if the rig is too uncertain; ``unit``: see ``Evidence.unit``."""
    remedy = "turn the cameras so that they overlap more, film something with texture, or say what lens it is (--lens)"
    if known.overlap_p95_px > _MOST_UNCERTAIN_PX * unit:
        raise CalibrationError(
            f"the rig is too uncertain: the pictures may miss each other by {known.overlap_p95_px:.1f} pixels at the "
            f"seam ({count} points match): {remedy}",
            matches=count,
        )
    for side, sigma, field in zip(("left", "right"), known.fov_deg, fields, strict=True):
        if sigma > _MOST_UNCERTAIN_FOV * field:
            raise CalibrationError(
                f"the rig is too uncertain: the {side} camera's field of view is {field:.0f} ± {sigma:.0f} degrees "
                f"({count} points match): {remedy}",
                matches=count,
            )
