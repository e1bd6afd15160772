"""The systemd unit: sound, tight, and in step with the command line."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from touchline.errors import ConfigurationError, InputError, OutputError, PlanError, TouchlineError

UNIT = Path(__file__).resolve().parents[2] / "deploy" / "touchline.service"
PROGRAM = "/opt/touchline/.venv/bin/touchline"


def _setting(name: str) -> str:
    (value,) = re.findall(rf"^{name}=(.*)$", UNIT.read_text(), re.MULTILINE)
    return str(value)


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit, with the program that is here."""
    here = tmp_path / "touchline.service"
    assert PROGRAM in UNIT.read_text()
    here.write_text(UNIT.read_text().replace(PROGRAM, str(Path(sys.executable).with_name("touchline"))))
    return here


def _systemd(*arguments: str | Path) -> str:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("there is no systemd-analyze here")
    done = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_systemd_takes_it_without_a_word(unit: Path) -> None:
    assert _systemd("verify", "--man=no", unit) == ""


def test_its_exposure_is_low(unit: Path) -> None:
    """systemd's own measure, 0 (safe) to 10; it fails above the threshold, here 2.5."""
    assert "OK" in _systemd("security", "--offline=yes", "--threshold=25", unit)


def test_it_calls_the_program_as_it_is() -> None:
    words = _setting("ExecStart").split()
    assert words[:2] == [PROGRAM, "run"]
    help_text = subprocess.run(
        [Path(sys.executable).with_name("touchline"), "run", "--help"],
        capture_output=True,
        text=True,
        env={"COLUMNS": "200"},
        timeout=60,
        check=True,
    ).stdout
    flags = [word for word in words if word.startswith("--")]
    assert flags == ["--config", "--metrics-port"]
    assert all(flag in help_text for flag in flags)


def test_it_tries_again_what_may_work_again() -> None:
    hopeless = {int(code) for code in _setting("RestartPreventExitStatus").split()}
    assert hopeless == {ConfigurationError.exit_code, PlanError.exit_code}
    assert not hopeless & {error.exit_code for error in (TouchlineError, InputError, OutputError)}
