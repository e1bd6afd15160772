"""What decides between go and no-go, and where that is written: the table ``[soak]`` of a configuration file."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from touchline.config import read_toml
from touchline.errors import ConfigurationError


class SoakLimits(BaseModel):
    """The limits of a soak; each figure must not exceed its own. Times in milliseconds unless they say seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    held_ratio: float = Field(
        default=1.02, gt=0, description="bytes held, outside faults, against those of the window"
    )
    rss_growth_mb: float = Field(
        default=5.0, ge=0, description="growth of resident memory after the first tenth"
    )
    gpu_load: float = Field(default=0.9, gt=0, le=1, description="mean load of the GPU, where there is one")
    freezes: int = Field(default=0, ge=0, description="intervals over 1.5 frames outside faults")
    delay_error_p50_ms: float = Field(default=1.0, ge=0)
    delay_error_p99_ms: float = Field(default=10.0, ge=0)
    delay_error_max_ms: float = Field(default=50.0, ge=0, description="also: from where on a frame is late")
    lost: int = Field(default=0, ge=0, description="frames that no fault explains")
    repeated: int = Field(default=0, ge=0)
    out_of_order: int = Field(default=0, ge=0)
    recovery_s: float = Field(default=1.0, gt=0, description="the longest from the end of a fault")
    buffers_left: int = Field(default=0, ge=0, description="GstBuffers alive at the end, by the leaks tracer")
    pool_missing: int = Field(default=0, ge=0, description="frames that have not come back to the pool")
    other: int = Field(default=0, ge=0, description="violations of any other invariant")


def load_limits(file: Path | None) -> SoakLimits:
    """The limits of a TOML file's table ``[soak]``; the defaults without one. ``-`` may stand for ``_``.

    Raises:
        ConfigurationError: if the file can't be read, or a limit is not known or makes no sense.
    """
    if file is None:
        return SoakLimits()
    table = read_toml(file).get("soak", {})
    if not isinstance(table, dict):
        raise ConfigurationError(f"the configuration {file}: soak must be a table, as in [soak]")
    try:
        return SoakLimits(**table)
    except ValidationError as error:
        fault = error.errors()[0]
        name = ".".join(str(part) for part in fault["loc"])
        known = (
            f"; known are {', '.join(SoakLimits.model_fields)}" if fault["type"] == "extra_forbidden" else ""
        )
        raise ConfigurationError(f"the configuration {file}, [soak] {name}: {fault['msg']}{known}") from error
