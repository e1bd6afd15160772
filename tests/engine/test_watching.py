"""Which detector a run gets if nobody names one."""

from __future__ import annotations

import pytest

from touchline.engine import watching
from touchline.engine.watching import choose_detector


@pytest.mark.parametrize("wanted", ["motion", "own", "none", "movement", "net.onnx"])
@pytest.mark.parametrize("backend", ["system", "cuda"])
def test_what_is_asked_for_is_taken(wanted: str, backend: str) -> None:
    assert choose_detector(wanted, backend) == (wanted, "as asked for")


def test_on_the_processor_it_needs_no_weights() -> None:
    assert choose_detector("auto", "system")[0] == "motion"


@pytest.mark.parametrize(
    ("missing", "name"),
    [(None, "own"), ("it is not installed", "movement"), ("this one has no CUDA", "movement")],
)
def test_on_a_gpu_it_is_our_network_where_that_can_run(monkeypatch, missing: str | None, name: str) -> None:
    """A GPU's programme followed the movement alone, where a network that finds the ball was there to be had."""
    monkeypatch.setattr(watching, "why_no_torch_cuda", lambda: missing)
    chosen, why = choose_detector("auto", "cuda")
    assert chosen == name
    assert (missing or "network") in why
