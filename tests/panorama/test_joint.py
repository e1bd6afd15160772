"""How a joint is written."""

from __future__ import annotations

import pytest

from touchline.panorama.joint import Joint


def test_what_can_be_written():
    assert Joint.parsed("feather", "fixed") == Joint()
    assert Joint.parsed("feather", "adaptive") == Joint(adaptive=True)
    assert Joint.parsed("multiband", "fixed").levels == 5
    assert Joint.parsed("multiband:2", "adaptive") == Joint(levels=2, adaptive=True)
    assert Joint().plain
    assert not Joint.parsed("multiband:6", "fixed").plain
    assert not Joint.parsed("feather", "adaptive").plain


@pytest.mark.parametrize(
    ("blend", "seam", "said"),
    [
        ("smooth", "fixed", "multiband:LEVELS, not 'smooth'"),
        ("feather:3", "fixed", "not 'feather:3'"),
        ("multiband:", "fixed", "not 'multiband:'"),
        ("multiband:-2", "fixed", "not 'multiband:-2'"),
        ("multiband:0", "fixed", "2 to 6 bands"),
        ("multiband:1", "fixed", "2 to 6 bands, not in 1"),
        ("multiband:7", "fixed", "2 to 6 bands, not in 7"),
        ("feather", "moving", "fixed or adaptive, not 'moving'"),
    ],
)
def test_what_can_not(blend, seam, said):
    with pytest.raises(ValueError, match=said):
        Joint.parsed(blend, seam)


def test_a_feather_has_a_width():
    with pytest.raises(ValueError, match="can't be -1"):
        Joint(feather_deg=-1.0)
    with pytest.raises(ValueError, match="can't be nan"):
        Joint(feather_deg=float("nan"))
