"""The chain below GStreamer: what is missing is named, and nothing of CUDA is imported to find out."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from touchline.cuda.probe import Link, broken, links

ASK = """
import json, sys
from touchline.cuda.probe import broken, links
chain = links()
print(json.dumps([
    [[one.name, one.ok, one.detail, one.remedy] for one in chain],
    broken(chain).name if broken(chain) else None,
    sorted(name for name in sys.modules if name.startswith(("cuda.", "gi."))),
]))
"""
# A driver that answers what it is told to: a library of that name, found before any other.
DRIVER = """
int cuDriverGetVersion(int* number) { *number = %(cuda)d; return %(status)d; }
int cuInit(unsigned flags) { return %(init)d; }
int cuDeviceGetCount(int* count) { *count = %(gpus)d; return 0; }
int cuDeviceGet(int* device, int index) { *device = index; return 0; }
int cuDeviceGetName(char* name, int size, int device) { name[0] = 'X'; name[1] = 0; return 0; }
"""


def ask(**environment: str) -> tuple[dict[str, tuple[bool, str, str]], str | None, list[str]]:
    done = subprocess.run(
        [sys.executable, "-c", ASK],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    found, missing, modules = json.loads(done.stdout)
    return {name: (ok, detail, remedy) for name, ok, detail, remedy in found}, missing, modules


def driver(folder: Path, **answers: int) -> str:
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler here to make a driver with")
    text = folder / "driver.c"
    text.write_text(DRIVER % {"cuda": 13000, "status": 0, "init": 0, "gpus": 1, **answers})
    subprocess.run([compiler, "-shared", "-fPIC", "-o", str(folder / "libcuda.so.1"), str(text)], check=True)
    return str(folder)


def test_every_broken_link_says_what_to_do() -> None:
    for link in links():
        assert link.detail
        assert link.ok or link.remedy, link


def test_without_the_package_nothing_of_cuda_is_imported() -> None:
    found, _missing, modules = ask()
    assert modules == [] or found["touchline[cuda]"][0]


@pytest.mark.parametrize(
    ("answers", "link", "says"),
    [
        ({"status": 3}, "NVIDIA driver", "status 3"),
        ({"init": 100}, "GPU", "status 100"),
        ({"gpus": 0}, "GPU", "sees none"),
    ],
)
def test_what_a_driver_answers_is_told(tmp_path: Path, answers: dict, link: str, says: str) -> None:
    found, missing, _modules = ask(LD_LIBRARY_PATH=driver(tmp_path, **answers))
    assert missing == link
    assert not found[link][0]
    assert says in found[link][1]


def test_a_driver_and_its_gpus_are_named(tmp_path: Path) -> None:
    found, missing, _modules = ask(LD_LIBRARY_PATH=driver(tmp_path, gpus=3))
    assert found["NVIDIA driver"][:2] == (True, "for CUDA 13.0")
    assert found["GPU"][:2] == (True, "X and 2 more")
    assert missing not in ("NVIDIA driver", "GPU")


def test_an_old_driver_is_found_out_before_it_refuses_the_code(tmp_path: Path) -> None:
    pytest.importorskip("cuda.bindings.nvrtc", reason="touchline[cuda] is not installed")
    found, missing, _modules = ask(LD_LIBRARY_PATH=driver(tmp_path, cuda=11040))
    assert missing == "NVRTC"
    assert "CUDA 11" in found["NVRTC"][1]


def test_what_is_only_useful_breaks_no_chain() -> None:
    chain = [Link("a", True, ""), Link("b", False, "", needed=False), Link("c", False, "")]
    assert broken(chain) == chain[2]
    assert broken(chain[:2]) is None
