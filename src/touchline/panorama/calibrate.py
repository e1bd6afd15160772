"""The rig from footage: what the two cameras see in common says how they stand and what lenses they have."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from touchline.errors import CalibrationError
from touchline.geometry import Camera, Rig, angles_to_rays
from touchline.geometry.camera import DistortionModel
from touchline.geometry.lens import scaled_lens
from touchline.panorama import calibrate_checks as checks
from touchline.panorama.calibrate_certainty import Certainty, apart_deg, certainty, overlap_places
from touchline.panorama.calibrate_joint import FITS, Joint, finer_joint, first_joint
from touchline.panorama.calibrate_lens import Floats, MeasuredLens, Size
from touchline.panorama.calibrate_level import level
from touchline.panorama.calibrate_lines import find_segments
from touchline.panorama.calibrate_matches import (
    Features,
    Matches,
    features,
    find_matches,
    held_out,
    match_near,
)
from touchline.panorama.calibrate_solve import KnownLenses, Solution, solve
from touchline.panorama.calibrate_still import Image, still_picture
from touchline.panorama.calibrate_strokes import Evidence
from touchline.panorama.compare import likeness
from touchline.panorama.lenses import AUTO, LensPreset

__all__ = ["LEAST_MATCHES", "CalibrationResult", "calibrate", "level", "overlap_deg"]

LEAST_MATCHES = 25
_LEAST_SHARE = 0.08  # of all matches that must fit
_SMALL_OVERLAP = 0.08  # of a picture
_CLEARLY = 0.95  # a later lens model must be better by this
_REACH = 3 * FITS  # of the longer side: how far from where they should be matches are looked for


@dataclass(frozen=True)
class CalibrationResult:
    """A rig and how well it fits.

    Attributes:
        rig: the two cameras, level as far as can be told, their yaw counted from the middle between them.
        matches: how many points were matched between the pictures.
        points: those of them that fit the rig, in pixels.
        median_px, p95_px: median and 95th percentile of the reprojection error of those, in pixels.
        aside: how many matches were kept aside to check the rig with, wrong ones among them; 0: there were too few.
        checked: how many of those fit the rig.
        checked_px: median error of those that do, pixels.
        overlap_deg: width of what both cameras see, half-way up their pictures.
        overlap_share: the share of the left picture that the right camera sees too, 0 .. 1.
        apart_deg: angle between the two directions of view.
        likeness: correlation of the two pictures where they overlap, -1 .. 1.
        lines: how many straight lines were used; 0: none agreed on where the field lies.
        certain: standard deviations.
        moving: matches of things that move had to be used.
        measured: whether the left and the right lens were known before.
        traced: places along the lines in the left and the right picture, pixels, shape (n, 2) each.
    """

    rig: Rig
    matches: int
    points: Matches
    median_px: float
    p95_px: float
    aside: int
    checked: int
    checked_px: float
    overlap_deg: float
    overlap_share: float
    apart_deg: float
    likeness: float
    lines: int
    certain: Certainty
    moving: bool
    measured: tuple[bool, bool]
    traced: tuple[Floats, Floats]

    @property
    def inliers(self) -> int:
        """How many matches fit the rig."""
        return len(self.points)

    def facts(self) -> list[tuple[str, str]]:
        """Names and values for a person to read; what stands behind ± is one standard deviation."""
        known = self.certain
        found = [
            (
                "matching points",
                f"{self.inliers} of {self.matches} fit" + (", some of what moves" * self.moving),
            ),
            ("straight lines", f"{self.lines} fit" if self.lines else "none that say where the field lies"),
            ("reprojection error", f"median {self.median_px:.2f} px, 95 % below {self.p95_px:.2f} px"),
        ]
        if self.checked:
            found.append(
                (
                    "checked with others",
                    f"{self.checked} of {self.aside} fit, median {self.checked_px:.2f} px",
                )
            )
        found += [
            ("angle between cameras", f"{self.apart_deg:.2f} ± {known.apart_deg:.2f} degrees"),
            (
                "seen by both",
                f"{self.overlap_deg:.1f} degrees, {100 * self.overlap_share:.0f} % of the left picture",
            ),
            ("uncertain in the overlap", f"± {known.overlap_px:.2f} px"),
        ]
        for k, (name, camera) in enumerate(zip(("left", "right"), self.rig.cameras, strict=True)):
            field = f"{camera.horizontal_fov_deg:.2f} ± {known.fov_deg[k]:.2f} degrees across"
            if self.measured[k]:
                field = f"{camera.horizontal_fov_deg:.2f} degrees across, as its lens was measured"
            tilt = f"tilt {camera.pitch_deg:.2f} ± {known.pitch_deg[k]:.2f}"
            roll = f"roll {camera.roll_deg:.2f} ± {known.roll_deg[k]:.2f}"
            found.append((f"{name} camera sees", f"{field}; {tilt}, {roll}"))
        return found

    def advice(self) -> list[str]:
        """What a person may want to know or to do, one line each; none if all is well."""
        said = []
        if not self.lines:
            said.append(
                "No lines say where the field lies: tilt, roll and fields of view rest on what is likely. Film the "
                "lines of the field, boards or a stand, or say what lens it is (--lens)."
            )
        if self.moving:
            said.append(
                "Too little stands still in the overlap, so players counted too: both films must be in step."
            )
        if self.overlap_share < _SMALL_OVERLAP:
            said.append("The overlap is narrow; 10 to 25 % of a picture make a better seam.")
        return said


def calibrate(
    pairs: Sequence[tuple[Image, Image]],
    *,
    lens: LensPreset = AUTO,
    lenses: tuple[Camera | None, Camera | None] = (None, None),
    models: tuple[DistortionModel, ...] | None = None,
    least: int = LEAST_MATCHES,
) -> CalibrationResult:
    """Finds the rig of two cameras that share a viewpoint, from what they filmed.

    SIFT features (Lowe 2004) of what stands still are matched; RANSAC over a grid of lenses and bundle adjustment find
    the lenses and the rotation between them (Brown and Lowe 2007, with distortion). The overlap leaves field of view,
    distortion and the direction of down partly open; straight lines over both pictures say what they are (see
    :mod:`touchline.panorama.calibrate_adjust`). Where there are none, what is likely of lenses and masts counts, and
    the uncertainties are larger. The same pairs give the same rig.

    Args:
        pairs: pictures of the left and of the right camera at the same moments; grey (h, w) or BGR (h, w, 3), uint8.
            Five or more, spread over seconds, let what moves be told from what stands still.
        lens: what is likely of the lenses.
        lenses: the left and the right lens where it was measured by itself (``touchline board``), for pictures of this
            shape; where these cameras look is not asked. Such a lens is taken as it is, and only the other is sought.
        models: lens models to try, instead of the preset's; a later one must fit clearly better.
        least: how many points must fit.

    Raises:
        CalibrationError: if what was found is not good enough; it says why, and what to do. ``matches`` says how many
            points were found.
        RigError: if a lens was measured in pictures of another shape.
    """
    sizes = _sizes(pairs)
    measured = _measured(lenses, sizes)
    pictures = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    checks.check_steady(pictures)
    stills = still_picture(pictures[0]), still_picture(pictures[1])
    seen = features(stills[0]), features(stills[1])
    matches, moving = find_matches(stills, pairs, seen)
    used, aside = _kept_aside(matches, least)
    if len(used) < least:
        raise checks.too_few(len(matches), least, stills)
    segments = find_segments(stills[0]), find_segments(stills[1])
    evidence = Evidence(used, stills, segments, sizes, lens)
    joint = None
    tried = models or lens.models
    for model in tried[:1] if all(measured) else tried:
        solution = solve(used, sizes, model, lens, measured)
        if not _enough(solution, least):
            continue
        found = first_joint(solution, evidence)
        if joint is None or found.cost < _CLEARLY * joint.cost:
            joint = found
    if joint is None:
        raise checks.too_few(int(np.count_nonzero(solution.inliers)), least, stills)
    count = int(np.count_nonzero(joint.inliers))
    checks.check_sides(joint.stand, count)
    if not moving:
        near = _near(joint, seen, evidence)
        if len(aside):  # what was kept aside stays there: the choice is by place
            apart = held_out(near)
            near, aside = near.where(~apart), near.where(apart)
        if len(near) > count:
            evidence = replace(evidence, matches=near)
    joint = finer_joint(joint, evidence)
    return _judged(joint, evidence, aside, stills, len(matches), moving)


def _judged(
    joint: Joint, evidence: Evidence, aside: Matches, stills: tuple[Image, Image], found: int, moving: bool
) -> CalibrationResult:
    """The result, if it is good enough. Raises CalibrationError if not."""
    stand, sizes = joint.stand, evidence.sizes
    points = evidence.matches.where(joint.inliers)
    count = len(points)
    rig = stand.rig(sizes)
    checks.check_sides(stand, count)
    checks.check_possible(rig, count)
    share = len(overlap_places(stand, sizes)) * (max(sizes[0]) / 40) ** 2 / (sizes[0][0] * sizes[0][1])
    degrees = overlap_deg(rig)
    checks.check_overlap(share, degrees, count)
    alike = likeness(rig, *stills)
    checks.check_likeness(alike, count)
    checks.check_spread(*checks.covered_bands(stand, sizes, points.left), count)
    known = certainty(joint.adjusted, sizes)
    fields = rig.left.horizontal_fov_deg, rig.right.horizontal_fov_deg
    checks.check_certain(known, fields, evidence.unit, count)
    errors = stand.errors(points)
    checked = stand.errors(aside)
    checked = checked[checked < FITS * evidence.longer]
    median = float(np.median(errors))
    notes = {
        "matches": count,
        "lines": len(joint.strokes),
        "source": "touchline calibrate",
        "lens": evidence.preset.name,
        "uncertainty": known.to_dict(),
    }
    if any(lens.fixed for lens in stand.lenses):
        notes["measured"] = [lens.fixed for lens in stand.lenses]
    return CalibrationResult(
        rig=Rig(rig.cameras, round(median, 4), notes),
        matches=max(found, count),
        points=points,
        median_px=median,
        p95_px=float(np.percentile(errors, 95)),
        aside=len(aside),
        checked=len(checked),
        checked_px=float(np.median(checked)) if len(checked) else math.nan,
        overlap_deg=degrees,
        overlap_share=share,
        apart_deg=apart_deg(stand),
        likeness=alike,
        lines=len(joint.strokes),
        certain=known,
        moving=moving,
        measured=(stand.lenses[0].fixed, stand.lenses[1].fixed),
        traced=joint.strokes.points,
    )


def _sizes(pairs: Sequence[tuple[Image, Image]]) -> tuple[Size, Size]:
    """Width and height of the left and of the right pictures. Raises CalibrationError if they vary."""
    if not pairs:
        raise CalibrationError("no pictures to calibrate from: the footage is empty or could not be read")
    found = {(left.shape[1::-1], right.shape[1::-1]) for left, right in pairs}
    if len(found) > 1:
        raise CalibrationError(
            "the pictures of one camera must all have one size; calibrate from one recording"
        )
    (left, right) = found.pop()
    return (int(left[0]), int(left[1])), (int(right[0]), int(right[1]))


def _measured(lenses: tuple[Camera | None, Camera | None], sizes: tuple[Size, Size]) -> KnownLenses:
    """The lenses that are known, for pictures of these sizes. Raises RigError for another shape."""
    left, right = (
        MeasuredLens.of_camera(scaled_lens(camera, size, f"the {side} camera's lens")) if camera else None
        for side, camera, size in zip(("left", "right"), lenses, sizes, strict=True)
    )
    return left, right


def _kept_aside(matches: Matches, least: int) -> tuple[Matches, Matches]:
    """Matches to calibrate with, and some to check with where there are enough."""
    aside = held_out(matches)
    if np.count_nonzero(~aside) < 4 * least:
        return matches, Matches.none()
    return matches.where(~aside), matches.where(aside)


def _enough(solution: Solution, least: int) -> bool:
    count = int(np.count_nonzero(solution.inliers))
    return count >= least and count >= _LEAST_SHARE * len(solution.inliers)


def _near(joint: Joint, seen: tuple[Features, Features], evidence: Evidence) -> Matches:
    """Matches looked for where the cameras found so far say that they are."""
    left, right = joint.stand.rig(evidence.sizes).cameras
    expected, visible = right.project(left.unproject(seen[0].places))
    expected[~visible] = np.nan
    return match_near(*seen, expected, _REACH * evidence.longer)


def overlap_deg(rig: Rig) -> float:
    """Degrees of yaw that both cameras see, at the mean of their pitches."""
    step = 0.05
    pitch = math.radians((rig.left.pitch_deg + rig.right.pitch_deg) / 2)
    rays = angles_to_rays(np.radians(np.arange(-180, 180, step)), pitch)
    both = rig.left.project(rays)[1] & rig.right.project(rays)[1]
    return float(np.count_nonzero(both)) * step
