"""A rig that knows the field bounds what a run looks at."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np

from runs import run
from touchline.geometry import FieldOutline, Rig, angles_to_rays

# A training corner at the right: nothing else is played on.
CORNER = ((25.0, -8.0), (45.0, -8.0), (50.0, -18.0), (25.0, -18.0))


def test_the_camera_stays_on_the_field_of_the_rig(coded, tmp_path) -> None:
    footage = coded(Fraction(30))
    rig, kept = Rig.load(footage.folder / "rig.json"), tmp_path / "rig.json"
    replace(rig, field=CORNER).save(kept)
    shown = {}
    for name, file in (("free", footage.folder / "rig.json"), ("bound", kept)):
        production = run(
            **(footage.inputs | {"rig": file}), view="follow", pace="fast", record=[tmp_path / f"{name}.mkv"]
        )
        views = [view for _, view in production.showing.path if view is not None]
        assert len(views) == footage.frames
        shown[name] = np.radians([(view.yaw_deg, view.pitch_deg) for view in views])
    field = FieldOutline(CORNER)
    away = np.degrees(field.distance(angles_to_rays(*shown["bound"].T)))
    assert away.max() < 1.01
    assert np.degrees(field.distance(angles_to_rays(*shown["free"].T))).max() > 10
