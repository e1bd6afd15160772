"""The command line: one module per command."""

from touchline.cli.app import main

__all__ = ["main"]
