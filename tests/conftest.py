"""Coded footage for the tests of the whole way of a frame, and the memory that their runs work in.

That is plain memory, wherever the tests run; ``TOUCHLINE_TEST_MEMORY=cuda`` in the environment sends the same tests
through an NVIDIA GPU.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from runs import Coded

# Read by every configuration, in this process and in those of the command line; a flag or a keyword goes before it.
os.environ["TOUCHLINE_MEMORY"] = os.environ.get("TOUCHLINE_TEST_MEMORY", "system")


@pytest.fixture(scope="session")
def coded(tmp_path_factory) -> Callable[[Fraction], Coded]:
    """One second of coded footage at a frame rate; made once."""
    # Here, so that tests which need none of it do not wait for numba.
    from runs import SIZE, Coded
    from touchline.synth import SyntheticMatch
    from touchline.synth.files import write_match

    made: dict[Fraction, Coded] = {}

    def make(fps: Fraction) -> Coded:
        if fps not in made:
            folder = tmp_path_factory.mktemp(f"coded{float(fps):.0f}")
            match = SyntheticMatch(3, SIZE, fps, codes=True)
            write_match(folder, match, 1.0)
            made[fps] = Coded(folder, match, round(fps))
        return made[fps]

    return make
