"""What a network's classes mean here: which are balls and which are players."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping

from touchline.analysis.detections import Kind

_BALLS = frozenset(
    (
        "ball",
        "balls",
        "sports ball",
        "sportsball",
        "football",
        "soccer ball",
        "soccerball",
        "basketball",
        "handball",
        "volleyball",
        "rugby ball",
        "hockey ball",
        "futsal ball",
        "puck",
    )
)
_PLAYERS = frozenset(
    (
        "person",
        "people",
        "human",
        "pedestrian",
        "athlete",
        "player",
        "players",
        "goalkeeper",
        "goalie",
        "keeper",
        "referee",
        "ref",
        "main referee",
        "side referee",
        "player team left",
        "player team right",
        "goalkeeper team left",
        "goalkeeper team right",
        "team a",
        "team b",
        "home",
        "away",
    )
)
_COCO = {
    80: {0: "person", 32: "sports ball"},
    91: {1: "person", 37: "sports ball"},
    90: {0: "person", 36: "sports ball"},
}


def kinds_of(names: Mapping[int, str]) -> dict[int, Kind]:
    """Class numbers that are known here, by what they are called."""
    found: dict[int, Kind] = {}
    for number, name in names.items():
        plain = " ".join(name.lower().replace("_", " ").replace("-", " ").split())
        if plain in _BALLS:
            found[number] = "ball"
        elif plain in _PLAYERS:
            found[number] = "player"
    return found


def names_in(metadata: Mapping[str, str]) -> dict[int, str] | None:
    """The classes' names in a model's metadata: under ``names`` a mapping or a list, as Python or JSON writes it.

    None if there are none; an empty mapping if what is there can't be read.
    """
    text = metadata.get("names")
    if text is None:
        return None
    for read in (json.loads, ast.literal_eval):
        try:
            told = read(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        if isinstance(told, list):
            told = dict(enumerate(told))
        if isinstance(told, dict):
            try:
                return {int(number): str(name) for number, name in told.items()}
            except (TypeError, ValueError):
                return {}
    return {}


def coco_names(classes: int) -> dict[int, str] | None:
    """The names that matter of a network that says none and has as many classes as COCO; None for another number."""
    return _COCO.get(classes)
