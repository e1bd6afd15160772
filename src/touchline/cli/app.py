"""Puts the commands together and turns errors into one line and an exit code."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from typing import Annotated

import typer
from rich.text import Text

from touchline import __version__
from touchline.cli.board import board
from touchline.cli.calibrate import calibrate
from touchline.cli.console import problems
from touchline.cli.demo import demo
from touchline.cli.doctor import doctor
from touchline.cli.field import field
from touchline.cli.offset import offset
from touchline.cli.plan import plan
from touchline.cli.render import render
from touchline.cli.rig import rig
from touchline.cli.run import run
from touchline.cli.score import score
from touchline.cli.soak import soak
from touchline.cli.synth import synth
from touchline.errors import TouchlineError

EPILOG = (
    "Exit codes: 0 done, 1 internal error, 2 usage or configuration, 3 refused by the plan, 4 an input failed, \
5 an output failed."
)

app = typer.Typer(
    name="touchline",
    help="Two fixed cameras in, a live broadcast out: seven seconds late, and knowing what comes next.",
    epilog=EPILOG,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"touchline {__version__}")
        raise typer.Exit


@app.callback()
def options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Options that stand before the command."""
    if debug:
        os.environ["TOUCHLINE_DEBUG"] = "1"


_COMMANDS: tuple[Callable[..., None], ...] = (
    run,
    demo,
    synth,
    calibrate,
    field,
    offset,
    board,
    plan,
    doctor,
    soak,
    score,
    render,
)
for command in _COMMANDS:
    app.command(name=command.__name__, epilog=EPILOG)(command)
for registered in rig.registered_commands:
    registered.epilog = EPILOG
app.add_typer(rig, name="rig", epilog=EPILOG)


def main() -> None:
    """Runs the command line and exits with the code of the contract."""
    sys.exit(_run())


def _run() -> int:
    try:
        app()
    except SystemExit as leaving:  # help, the version, wrong usage
        return leaving.code if isinstance(leaving.code, int) else 1
    except TouchlineError as error:
        return _complain(error, error.exit_code)
    except Exception as error:  # noqa: BLE001 - the last resort: one line, and the traceback for those who ask
        return _complain(error, 1)
    return 0


def _complain(error: Exception, code: int) -> int:
    """One line about what is wrong; the whole story with --debug."""
    if os.environ.get("TOUCHLINE_DEBUG"):
        traceback.print_exception(error)
    text = (
        str(error)
        if isinstance(error, TouchlineError)
        else f"internal error: {type(error).__name__}: {error}"
    )
    hint = (
        "" if isinstance(error, TouchlineError) else " (run `touchline --debug ...` and report what it shows)"
    )
    # As a Text, since nothing of what it quotes is markup.
    line = Text.assemble(("error:", "bold red"), f" {' '.join(text.split())}{hint}")
    problems().print(line, soft_wrap=True)
    return code
