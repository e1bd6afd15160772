"""Whatever a command raises: one line, the exit code of the contract, and the whole story only when asked for."""

from __future__ import annotations

import sys

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import touchline as package
from runs import refused, touchline
from touchline import errors
from touchline.cli import app, planning


@pytest.fixture
def command(monkeypatch, capsys):
    """Runs ``touchline plan`` with something else in its place; returns the exit code and the error output."""
    monkeypatch.setenv("TOUCHLINE_DEBUG", "")  # what --debug sets must not outlive the test
    monkeypatch.setenv("COLUMNS", "60")

    def run(raised: BaseException | None, *before: str) -> tuple[int, str]:
        def show_plan(*_: object, **__: object) -> None:
            if raised is not None:
                raise raised

        monkeypatch.setattr(planning, "show_plan", show_plan)
        monkeypatch.setattr(sys, "argv", ["touchline", *before, "plan"])
        with pytest.raises(SystemExit) as leaving:
            app.main()
        return leaving.value.code, capsys.readouterr().err

    return run


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (errors.TouchlineError, 1),
        (errors.ConfigurationError, 2),
        (errors.MissingElementError, 2),
        (errors.RigError, 2),
        (errors.CalibrationError, 2),
        (errors.PlanError, 3),
        (errors.InputError, 4),
        (errors.OutputError, 5),
    ],
)
def test_the_kind_of_an_error_is_its_exit_code(command, kind: type[errors.TouchlineError], code: int) -> None:
    text = (
        "the left camera at rtsp://10.0.0.11/main does not answer; look at its cable, its power and its lens"
    )
    assert command(kind(text)) == (code, f"error: {text}\n")


def test_done_is_zero(command) -> None:
    assert command(None) == (0, "")


def test_an_internal_error_is_one_line_that_says_what_to_do(command) -> None:
    code, shown = command(RuntimeError("a frame\n  of [bold]nowhere[/]"))
    assert code == 1
    assert shown == (
        "error: internal error: RuntimeError: a frame of [bold]nowhere[/] "
        "(run `touchline --debug ...` and report what it shows)\n"
    )


@pytest.mark.parametrize("raised", [RuntimeError("a fault"), errors.PlanError("no room")])
def test_debug_shows_the_traceback_too(command, raised: Exception) -> None:
    code, shown = command(raised, "--debug")
    assert code == getattr(raised, "exit_code", 1)
    assert shown.startswith("Traceback (most recent call last):")
    assert "in show_plan" in shown
    assert len([line for line in shown.splitlines() if line.startswith("error:")]) == 1
    assert shown.splitlines()[-1].startswith("error:")


# What rich would read as markup, as an escape or as a picture, in any order.
PIECES = st.lists(
    st.sampled_from(["\\", "[", "]", "/", "b", "red", ":", "soccer", "é", " ", "\t", "\n", "#", "="])
)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(PIECES.map("".join))
@example(r"x\[b]y")
@example("match:soccer:left.mp4")
def test_an_error_is_shown_as_it_was_written(command, text: str) -> None:
    """A message may quote a path or a pattern: nothing of it is taken for markup, and it is one line."""
    code, shown = command(errors.InputError(f"no such file: {text}"))
    assert code == 4
    assert shown.split() == ["error:", "no", "such", "file:", *text.split()]
    assert shown.count("\n") == 1


def test_the_version(monkeypatch, capsys) -> None:
    monkeypatch.setattr(sys, "argv", ["touchline", "--version"])
    with pytest.raises(SystemExit) as leaving:
        app.main()
    assert leaving.value.code == 0
    assert capsys.readouterr().out == f"touchline {package.__version__}\n"


@pytest.mark.parametrize(
    "wrong", [["--sideways"], ["nothing"], ["plan", "--delay", "soon"], ["calibrate", "left.mp4"]]
)
def test_wrong_usage_is_two(monkeypatch, capsys, wrong: list[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["touchline", *wrong])
    with pytest.raises(SystemExit) as leaving:
        app.main()
    assert leaving.value.code == 2
    assert "Traceback" not in capsys.readouterr().err


def test_a_process_of_its_own_debugs_too() -> None:
    plain = touchline("run", "--left", "nowhere.mp4", "--right", "nowhere.mp4")
    assert "no such file: nowhere.mp4" in refused(plain, 4)
    told = touchline("--debug", "run", "--left", "nowhere.mp4", "--right", "nowhere.mp4")
    assert told.returncode == 4
    assert "Traceback" in told.stderr
    assert "error: no such file: nowhere.mp4" in told.stderr.splitlines()


def test_a_home_that_nobody_has_is_an_input_that_is_not_there() -> None:
    done = touchline("run", "--left", "~nobody-of-that-name/a.mp4", "--right", "b.mp4")
    assert "~nobody-of-that-name" in refused(done, 4)
