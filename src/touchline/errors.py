"""The tree of errors. Each says what is wrong, where, and what to do; the command line prints just that line.

The class of an error decides the exit code of the command line, so that a script can tell a typing mistake
from a camera that failed.
"""

from __future__ import annotations


class TouchlineError(Exception):
    """Anything that Touchline itself reports.

    Args:
        message: one line for a person: what is wrong, where, and what to do about it.
    """

    exit_code = 1


class ConfigurationError(TouchlineError):
    """A flag, a configuration file, a rig or a missing component: nothing has been started."""

    exit_code = 2


class MissingElementError(ConfigurationError):
    """GStreamer lacks an element that is needed; the message names the package that has it."""


class RigError(ConfigurationError):
    """A rig file that can't be used, or that belongs to other cameras."""


class CalibrationError(RigError):
    """The rig can't be found from this footage. ``matches`` is the number of matches that were found."""

    def __init__(self, message: str, matches: int = 0) -> None:
        super().__init__(message)
        self.matches = matches


class FieldError(RigError):
    """The field can't be found in this footage."""


class OffsetError(RigError):
    """The time between two recordings can't be told from this footage, or not for sure."""


class PlanError(TouchlineError):
    """The memory plan does not fit; the message holds its arithmetic and what would fit."""

    exit_code = 3


class InputError(TouchlineError):
    """A camera or a file can't be opened, or failed while running."""

    exit_code = 4


class OutputError(TouchlineError):
    """A recording, a stream or a display can't be opened, or failed while running."""

    exit_code = 5


class MissingCudaError(ConfigurationError):
    """CUDA was asked for, and a link of its chain is missing; ``touchline doctor`` shows them all."""


class CudaError(TouchlineError):
    """The GPU or its driver refused something. ``code`` is the driver's status, 0 if it was not the driver."""

    def __init__(self, message: str, code: int = 0) -> None:
        super().__init__(message)
        self.code = code
