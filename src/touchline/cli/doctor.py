"""``touchline doctor``: what this machine has, and what is missing."""

from __future__ import annotations

from typing import Annotated

import typer


def doctor(json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False) -> None:
    """Check everything that a run needs: GStreamer, its elements, encoders, cores, memory.

    Exits with 2 if something is missing that every run needs.
    """
    from touchline.cli.checkup import check_up

    check_up(as_json=json)
