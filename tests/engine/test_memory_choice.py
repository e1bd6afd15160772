"""Which memory a run works in, what is said about it, and that nothing of CUDA is touched where it is not wanted."""

from __future__ import annotations

import subprocess
import sys

import pytest

from touchline.config import RunConfig, load_config
from touchline.cuda.probe import Link
from touchline.engine import memory
from touchline.engine.backend import CpuBackend, choose_backend
from touchline.engine.memory import choose_memory
from touchline.errors import ConfigurationError, MissingCudaError

WHOLE = [
    Link("NVIDIA driver", True, "for CUDA 13.0"),
    Link("GPU", True, "NVIDIA H100"),
    Link("touchline[cuda]", True, "cuda-bindings 13.3.1"),
    Link("encoders on the GPU", False, "none", "the programme is encoded on the CPU", needed=False),
]
BROKEN = [
    *WHOLE[:2],
    Link("touchline[cuda]", False, "cuda-bindings is not installed", "pip install 'touchline[cuda]'"),
    Link("plugin nvcodec", False, "is not installed", "install gstreamer1.0-plugins-bad"),
]


def config(**settings: object) -> RunConfig:
    return load_config({"synthetic": 1, **settings})


def test_auto_takes_cuda_where_every_link_holds_and_says_which() -> None:
    choice = choose_memory(config(memory="auto"), WHOLE)
    assert choice.name == "cuda"
    assert str(choice) == "cuda (NVIDIA driver for CUDA 13.0, GPU NVIDIA H100)"


def test_auto_takes_plain_memory_where_a_link_is_missing_and_says_which() -> None:
    choice = choose_memory(config(memory="auto"), BROKEN)
    assert choice.name == "system"
    why = "not cuda: touchline[cuda]: cuda-bindings is not installed; pip install 'touchline[cuda]'"
    assert str(choice) == f"system ({why})"


def test_cuda_is_refused_with_the_first_missing_link_and_the_remedy() -> None:
    with pytest.raises(MissingCudaError) as refusal:
        choose_memory(config(memory="cuda"), BROKEN)
    assert "cuda-bindings is not installed; pip install 'touchline[cuda]'" in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert refusal.value.exit_code == 2


def test_auto_stays_on_the_processor_for_a_joint_that_only_it_makes() -> None:
    choice = choose_memory(config(memory="auto", seam="adaptive"), WHOLE)
    assert choice.name == "system"
    assert "another joint is asked for" in choice.reason


def test_frames_that_wait_encoded_need_an_encoder_on_the_gpu(monkeypatch) -> None:
    """Nobody would want them downloaded for it: a panorama is ten times a programme frame."""
    monkeypatch.setattr(memory, "available", lambda name: name == "nvh264dec")
    with pytest.raises(MissingCudaError, match="no encoder on it; use --hold reference"):
        choose_memory(config(memory="cuda", hold="encoded"), WHOLE)
    assert choose_memory(config(memory="auto", hold="encoded"), WHOLE).name == "system"
    monkeypatch.setattr(memory, "available", lambda name: name in ("nvh264enc", "nvh264dec"))
    assert choose_memory(config(memory="cuda", hold="encoded"), WHOLE).name == "cuda"


def test_plain_memory_is_taken_without_a_look_at_anything_else(monkeypatch) -> None:
    monkeypatch.setattr(memory.cuda_links, "chain", lambda: pytest.fail("nobody asked for it"))
    said: list[str] = []
    backend = choose_backend(config(memory="system"), said.append)
    try:
        assert isinstance(backend, CpuBackend)
        assert said == [], "what was asked for need not be explained"
    finally:
        backend.close()


def test_auto_says_in_one_line_what_it_took(monkeypatch) -> None:
    monkeypatch.setattr(memory.cuda_links, "chain", lambda: BROKEN)
    said: list[str] = []
    choose_backend(config(memory="auto"), said.append).close()
    assert len(said) == 1
    assert said[0].startswith("Memory: system (not cuda: touchline[cuda]")


_RUN = """
import sys
from touchline.config import load_config
from touchline.engine.production import Production
for memory in sys.argv[1:]:
    production = Production(load_config({"synthetic": 1, "synthetic_size": "320x180", "memory": memory}))
    assert production.backend.name == "system"
    production.close()
    production.release()
for name in sys.modules:
    first = name.split(".")[0]
    ours = first == "touchline" and "cuda" in name and name not in ("touchline.cuda", "touchline.cuda.probe")
    if ours or first in ("cuda", "cupy", "torch"):
        print(name)
"""


def test_nothing_of_cuda_is_imported_where_it_is_not_used() -> None:
    """``auto`` on a machine where the chain is broken: the driver sees no GPU here."""
    import os

    done = subprocess.run(
        [sys.executable, "-c", _RUN, "system", "auto"],
        env={**os.environ, "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert set(done.stdout.split()) <= {"touchline.gst.cuda_links"}


def test_exposures_matched_in_light_are_the_processors() -> None:
    choice = choose_memory(config(memory="auto", exposure="light"), WHOLE)
    assert choice.name == "system"
    assert "light is asked for" in str(choice)
    with pytest.raises(ConfigurationError, match="--exposure light is made on the processor"):
        config(memory="cuda", exposure="light")
    assert choose_memory(config(memory="auto", exposure="signal"), WHOLE).name == "cuda"
