"""Touchline: two fixed cameras in, the delayed programme of a virtual camera out."""

from importlib.metadata import version

__version__ = version("touchline")
__all__ = ["__version__"]
