"""Where the command line writes: what was asked for to the standard output, everything else to the error output."""

from __future__ import annotations

from rich.console import Console


def answers() -> Console:
    """For what the user asked for."""
    return Console(highlight=False, emoji=False)


def problems() -> Console:
    """For progress and errors."""
    return Console(stderr=True, highlight=False, emoji=False)
