"""A synthetic match, filmed by two cameras of a rig, with the truth about every frame."""

from touchline.synth.codes import CodePatch, burn_flat, flat_cells, read_code, read_flat
from touchline.synth.match import SyntheticMatch
from touchline.synth.rig import default_rig
from touchline.synth.truth import BallTruth, Box, FrameTruth, PersonTruth

__all__ = [
    "BallTruth",
    "Box",
    "CodePatch",
    "FrameTruth",
    "PersonTruth",
    "SyntheticMatch",
    "burn_flat",
    "default_rig",
    "flat_cells",
    "read_code",
    "read_flat",
]
