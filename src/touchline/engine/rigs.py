"""The rig of a run: given, found earlier beside the footage, or found from it now and kept there."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

from touchline.capture import SourceUri
from touchline.capture.stills import take_stills
from touchline.engine.offsets import with_offset
from touchline.errors import RigError
from touchline.geometry import Rig
from touchline.panorama.calibrate import CalibrationResult, calibrate
from touchline.panorama.offset import TimeOffset

Say = Callable[[str], None]


def rig_path_for(left: SourceUri) -> Path:
    """Where a rig that was found is kept: beside the left camera's file; for a stream, in the current folder."""
    if left.scheme == "file":
        place = Path(left.target)
        return place.with_name(f"{place.stem}.rig.json")
    return Path.cwd() / "touchline.rig.json"


def rig_for(left: SourceUri, right: SourceUri, given: Path | None, say: Say) -> Rig:
    """The rig for these two cameras.

    Args:
        left, right: the cameras; nobody else has them open, unless they are files.
        given: a rig file; without one the rig is found, and kept.
        say: tells a person what is going on, one line at a time.

    Raises:
        RigError: if the given rig can't be used.
        CalibrationError: if no rig can be found in the footage.
        InputError: if the footage can't be read.
    """
    if given is not None:
        return Rig.load(given)
    kept = rig_path_for(left)
    if kept.exists():
        rig = Rig.load(kept)
        # A rig that a person made says nothing of footage: it is theirs to answer for.
        if rig.notes.get("footage", footage := _footage(left, right)) == footage:
            say(f"Rig: {kept}, found earlier")
            return rig
        say(f"Rig: {kept} was found in other footage")
    return find_rig(left, right, kept, say)


def find_rig(left: SourceUri, right: SourceUri, kept: Path, say: Say) -> Rig:
    """Finds the rig in the footage and keeps it in a file. Raises CalibrationError or InputError."""
    say("Rig: none given; looking for it in the footage ...")
    # In a process of its own: what the search takes of memory goes back to the system before the frames are planned.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        result, rig, offset = process.submit(_search, left, right).result()
    rig = replace(rig, notes={**rig.notes, "footage": _footage(left, right)})
    say("Rig: " + ", ".join(f"{name} {value}" for name, value in (*result.facts(), *offset.facts())))
    try:
        rig.save(kept)
        say(f"Rig: kept in {kept}")
    except RigError as error:
        say(f"Rig: not kept: {error}")
    return rig


def _footage(left: SourceUri, right: SourceUri) -> list[list[str | int]]:
    """What a rig was found in: streams by name, files by size and time too, since names come back every week."""
    found: list[list[str | int]] = []
    for source in (left, right):
        name: list[str | int] = [source.shown]
        if source.scheme == "file":
            state = Path(source.target).stat()
            name = [Path(source.target).name, state.st_size, state.st_mtime_ns]
        found.append(name)
    return found


def _search(left: SourceUri, right: SourceUri) -> tuple[CalibrationResult, Rig, TimeOffset]:
    """The rig first, from what stands still: that is where it is in both recordings, whenever they were started."""
    result = calibrate(take_stills(left, right))
    rig, offset = with_offset(result.rig, left, right)
    return result, rig, offset
