"""One schema for the configuration: flags before environment (``TOUCHLINE_…``) before file before defaults."""

from __future__ import annotations

import json
import os
import re
import sys
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from touchline.deepstream.settings import DeepStreamSettings
from touchline.director.style import Pace, Sport
from touchline.errors import ConfigurationError
from touchline.panorama.joint import Joint

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_REFERENCE = re.compile(r"\{(env|file):([^}]+)\}")
_BYTES = re.compile(r"(\d+(?:\.\d+)?)\s*([kMGT]i?)?B?", re.IGNORECASE | re.ASCII)
_UNITS = {
    "": 1,
    "k": 10**3,
    "m": 10**6,
    "g": 10**9,
    "t": 10**12,
    "ki": 2**10,
    "mi": 2**20,
    "gi": 2**30,
    "ti": 2**40,
}


class ProgrammeSettings(BaseModel):
    """What one programme can be told: how late it is, what it shows and where it goes. Times in seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    delay: float = Field(7.0, ge=0, le=600, allow_inf_nan=False)
    max_delay: float | None = Field(None, ge=0, le=600, allow_inf_nan=False)
    lead: float = Field(0.5, ge=0, le=2, allow_inf_nan=False)
    view: str = "follow"
    style: Pace = "standard"
    size: str | None = None

    slate: Literal["off", "gap", "start"] = "gap"
    slate_after: float = Field(2.0, ge=0.1, le=600, allow_inf_nan=False)
    slate_image: Path | None = None

    record: Annotated[list[Path], NoDecode] = []
    stream: Annotated[list[str], NoDecode] = []
    display: bool = False
    webcam: Annotated[list[str], NoDecode] = []
    bitrate: int | None = Field(None, ge=100, le=200_000, description="kbit/s")
    preset: str | None = None

    @property
    def lead_s(self) -> float:
        """How far ahead of its due time a frame is worked on: at most half the delay, the rest is for the capture."""
        return min(self.lead, self.delay / 2)

    @property
    def shows_replays(self) -> bool:
        """True for a programme that shows pieces of the history, when it is asked to."""
        return False

    @property
    def longest_s(self) -> float:
        """The longest delay that this programme may be given while it runs."""
        return max(self.delay, self.max_delay or 0.0)

    @field_validator("record", "stream", "webcam", mode="before")
    @classmethod
    def _read_list(cls, value: Any) -> Any:
        """In the environment a list is one value, or several as JSON."""
        if isinstance(value, str):
            return json.loads(value) if value.lstrip().startswith("[") else [value]
        return value


class FurtherProgramme(ProgrammeSettings):
    """A programme beside the main one, a ``[[programme]]`` of the configuration file."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,30}$")
    replay: bool = False

    @property
    def shows_replays(self) -> bool:
        return self.replay


class RunConfig(ProgrammeSettings, BaseSettings):
    """Everything that ``touchline run`` can be told. Sizes are written as 1280x720, times in seconds."""

    model_config = SettingsConfigDict(
        env_prefix="TOUCHLINE_", extra="forbid", frozen=True, hide_input_in_errors=True
    )

    left: str | None = None
    right: str | None = None
    panorama: str | None = None
    panorama_fov: float = Field(180.0, ge=10, le=360)
    synthetic: int | None = Field(None, ge=0)
    synthetic_size: str = "1280x720"
    synthetic_fps: str = "30"
    codes: bool = False
    audio: str = "auto"
    give_up_after: float = Field(60.0, gt=0, le=86_400, allow_inf_nan=False)

    rig: Path | None = None
    projection: Literal["equirectangular", "cylindrical", "pitch"] = "equirectangular"
    projection_yaw: float | None = Field(None, ge=-90, le=90, allow_inf_nan=False)
    panorama_size: str | None = None
    render: Literal["auto", "panorama", "direct"] = "auto"
    drift: Literal["auto", "off", "report", "correct"] = "auto"
    blend: str = "feather"
    seam: Literal["fixed", "adaptive"] = "fixed"
    exposure: Literal["auto", "light", "signal"] = "auto"

    programme: list[FurtherProgramme] = []
    overwrite: bool = False

    detector: str = "auto"
    tracks: bool = False
    sport: Sport = "football"
    hand_port: int | None = Field(None, ge=0, le=65_535)

    memory: Literal["auto", "system", "gl", "cuda", "nvmm"] = "auto"
    hold: Literal["reference", "copy", "encoded", "auto"] = "reference"
    on_low_memory: Literal["refuse", "shorten", "encode"] = "refuse"
    memory_limit: int | None = Field(None, gt=0)
    history: float = Field(0.0, ge=0, le=600, allow_inf_nan=False)
    pace: Literal["live", "fast"] = "live"
    duration: float | None = Field(None, gt=0, allow_inf_nan=False)

    deepstream: DeepStreamSettings = DeepStreamSettings()

    report: Path | None = None
    memory_log: Path | None = None
    metrics_port: int | None = Field(None, ge=0, le=65535)
    metrics_address: str = "127.0.0.1"

    @property
    def joint(self) -> Joint:
        """How the cameras' pictures are joined."""
        return Joint.parsed(self.blend, self.seam)

    @property
    def programmes(self) -> dict[str, ProgrammeSettings]:
        """Every programme by its name; the first is the one that the flags speak of."""
        return {"main": self, **{further.name: further for further in self.programme}}

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings

    @field_validator("memory_limit", mode="before")
    @classmethod
    def _read_bytes(cls, value: Any) -> Any:
        return parse_bytes(value) if isinstance(value, str) else value

    @field_validator("blend")
    @classmethod
    def _check_blend(cls, value: str) -> str:
        Joint.parsed(value, "fixed")
        return value

    @model_validator(mode="after")
    def _check_together(self) -> RunConfig:
        pair = self.left is not None or self.right is not None
        if pair and (self.left is None or self.right is None):
            raise ValueError("two cameras are needed: give both --left and --right")
        given = [pair, self.panorama is not None, self.synthetic is not None]
        if sum(given) != 1:
            raise ValueError("give one kind of input: --left and --right, or --panorama, or --synthetic")
        if self.drift == "correct" and self.panorama is not None:
            raise ValueError("--drift correct turns the rig of two cameras; a panorama has none")
        if self.memory == "gl":
            raise ValueError(
                "--memory gl is for the delay by itself (touchlinedelay, NVMMBufferManager); "
                "panoramas are stitched in system, cuda or nvmm memory"
            )
        if not self.joint.plain:
            self._check_joint()
        if self.exposure == "light" and self.memory in ("cuda", "nvmm"):
            raise ValueError(
                "--exposure light is made on the processor: use --memory system, or leave it away"
            )
        if self.memory == "nvmm":
            self._check_nvmm()
        if self.projection_yaw is not None and self.projection != "pitch":
            raise ValueError(
                "--projection-yaw says where the touchlines are crossed: it needs --projection pitch"
            )
        if self.projection_yaw is not None and self.panorama is not None:
            raise ValueError("--projection-yaw is for panoramas that are stitched here; leave it away")
        names = ["main", *(further.name for further in self.programme)]
        if len(set(names)) < len(names):
            raise ValueError(f"two programmes have the same name: {', '.join(names)}")
        if not self.history and any(further.replay for further in self.programme):
            raise ValueError("replays need a history to be taken from: give --history")
        if self.pace == "fast" and any(further.replay for further in self.programme):
            raise ValueError("replays are asked for while a match goes on: leave --pace fast away")
        if self.hold == "encoded" and any(further.replay for further in self.programme):
            raise ValueError("replays need frames that are held as they are: use --hold reference")
        return self

    def _check_joint(self) -> None:
        """Where another joint than a feather in the middle can be had."""
        what = "--seam adaptive" if self.joint.adaptive else f"--blend {self.blend}"
        if self.panorama is not None:
            raise ValueError(f"{what} is for two cameras: --panorama is stitched already")
        if self.memory in ("cuda", "nvmm"):
            raise ValueError(f"{what} is made on the processor: use --memory system, or leave it away")

    def _check_nvmm(self) -> None:
        """What NVIDIA's elements can't be asked for."""
        if self.synthetic is not None:
            raise ValueError(
                "--memory nvmm films cameras and files: the synthetic match is drawn in plain memory"
            )
        if self.drift == "correct":
            raise ValueError("--drift correct needs a stitch of ours, which there is none of in NVMM memory")
        if self.hold != "reference":
            raise ValueError(
                f"--hold {self.hold} can't be had in NVMM memory: its frames wait in the converter's own pool already"
            )
        if any(further.replay for further in self.programme):
            raise ValueError("replays need cards to be painted, which can't be done in NVMM memory")


def load_config(flags: dict[str, Any], file: Path | None = None) -> RunConfig:
    """The configuration from flags, the environment and a TOML file.

    Args:
        flags: what the command line gave; None and empty lists mean not given.
        file: keys are the names of the fields; ``-`` may stand for ``_``.

    Raises:
        ConfigurationError: naming the field that is wrong and what it should be.
    """
    given = {key: value for key, value in flags.items() if value is not None and value != []}
    merged: dict[str, Any] = {}
    if file is not None:
        # pydantic-settings puts the environment below what is passed in, so the file's keys yield to it here.
        prefix = str(RunConfig.model_config["env_prefix"])
        # What `touchline soak` promises may stand in the same file.
        merged = {
            k: v
            for k, v in read_toml(file).items()
            if k != "soak" and f"{prefix}{k}".upper() not in os.environ
        }
    try:
        config = RunConfig(**{**merged, **given})
    except ValidationError as error:
        raise ConfigurationError(_first_fault(error)) from error
    return config.model_copy(
        update={
            "left": expand_secrets(config.left),
            "right": expand_secrets(config.right),
            "panorama": expand_secrets(config.panorama),
            "audio": expand_secrets(config.audio),
            "stream": [expand_secrets(uri) for uri in config.stream],
            "programme": [
                further.model_copy(update={"stream": [expand_secrets(uri) for uri in further.stream]})
                for further in config.programme
            ],
        }
    )


def expand_secrets(text: Any) -> Any:
    """Replaces ``{env:NAME}`` and ``{file:PATH}`` in a URI, so that keys need not stand on a command line.

    Raises:
        ConfigurationError: if there is no such variable or file.
    """
    if text is None:
        return None

    def value(match: re.Match[str]) -> str:
        kind, name = match.groups()
        if kind == "env":
            if name not in os.environ:
                raise ConfigurationError(
                    f"the environment has no variable {name}, which {{env:{name}}} asks for"
                )
            return os.environ[name]
        try:
            return Path(name).expanduser().read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError, RuntimeError) as error:
            raise ConfigurationError(f"{{file:{name}}} can't be read: {error}") from error

    return _REFERENCE.sub(value, str(text))


def parse_bytes(text: str) -> int:
    """Reads ``2GB``, ``500 MB``, ``1.5GiB`` or a plain number of bytes. Raises ValueError for anything else."""
    match = _BYTES.fullmatch(text.strip())
    if not match:
        raise ValueError(f"an amount of memory is written as 2GB or 500MB, not {text!r}")
    return int(Fraction(match[1]) * _UNITS[(match[2] or "").lower()])


def read_toml(path: Path) -> dict[str, Any]:
    """A TOML file, ``-`` in its keys read as ``_``. Raises ConfigurationError if it can't be read or is none."""
    try:
        with path.open("rb") as file:
            data = tomllib.load(file)
    except OSError as error:
        raise ConfigurationError(f"the configuration {path} can't be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"the configuration {path} is not TOML: {error}") from error
    return {key.replace("-", "_"): _with_underscores(value) for key, value in data.items()}


def _with_underscores(value: Any) -> Any:
    if isinstance(value, dict):
        return {key.replace("-", "_"): _with_underscores(item) for key, item in value.items()}
    return [_with_underscores(item) for item in value] if isinstance(value, list) else value


def _first_fault(error: ValidationError) -> str:
    fault = error.errors()[0]
    path = [str(part).replace("_", "-") for part in fault["loc"]]
    where = f"--{path[0]}: " if path else ""
    if len(path) > 1 and path[0] == "deepstream":
        where = f"[{'.'.join(path[:-1])}] {path[-1]}: "
    if len(path) > 2 and path[0] == "programme":
        where = f"[[programme]] number {int(path[1]) + 1}, {path[2]}: "
    text = str(fault["msg"]).removeprefix("Value error, ")
    if fault["type"] == "extra_forbidden":
        inside = f" in [[programme]] number {int(path[1]) + 1}" if len(path) > 2 else ""
        return f"unknown setting {path[-1]!r}{inside}; `touchline run --help` lists them all"
    return f"{where}{text}"
