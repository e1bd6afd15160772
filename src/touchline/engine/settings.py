"""What of a configuration can be judged before any camera is opened."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote

from touchline.config import RunConfig
from touchline.director.views import ViewChoice, parse_view
from touchline.engine.channel import outputs_of
from touchline.engine.pairs import check_render
from touchline.engine.viewing import programme_size
from touchline.errors import ConfigurationError
from touchline.programme.specs import check_all


def check_settings(config: RunConfig) -> dict[str, ViewChoice]:
    """What each programme shows, by its name. Raises ConfigurationError for what can't be used."""
    choices = {name: parse_view(settings.view) for name, settings in config.programmes.items()}
    for name, settings in config.programmes.items():
        programme_size(settings, choices[name], None)
    check_render(config)
    check_all([output for settings in config.programmes.values() for output in outputs_of(settings)])
    _check_files(config)
    return choices


def _check_files(config: RunConfig) -> None:
    """Nothing is written over what is read, and everything has a folder to go to."""
    inputs = [text for text in (config.left, config.right, config.panorama) if text]
    read = {
        Path(unquote(text.removeprefix("file://"))).resolve()
        for text in inputs
        if "://" not in text or text.startswith("file://")
    }
    read |= {config.rig.resolve()} if config.rig else set()
    written = [path for settings in config.programmes.values() for path in settings.record]
    written += [config.report] if config.report else []
    for path in written:
        if path.resolve() in read:
            raise ConfigurationError(
                f"{path} is an input and can't be written at the same time; choose another name"
            )
    if config.report and not config.report.absolute().parent.is_dir():
        raise ConfigurationError(
            f"--report {config.report}: there is no folder {config.report.absolute().parent}"
        )
