"""Beside a recording: who played where, and where the camera looked; for another programme of it, and for scores."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from touchline.analysis.play import Play
from touchline.analysis.track_file import TrackedScene, TrackScribe, TrackWriter
from touchline.director.manual import ManualHand
from touchline.director.path_file import PathInfo, PathWriter
from touchline.errors import OutputError
from touchline.geometry import FieldOutline, Ground, Panorama, View
from touchline.gst.library import SECOND
from touchline.programme.specs import keep_earlier

# Behind the time shown that a play must still be known: it is written twice a second.
BACK_NS = 3 * SECOND // 2


@dataclass(frozen=True)
class Recorded:
    """What is recorded.

    Attributes:
        path: of the first recording.
        size, fps: of its pictures.
        panorama: in which people play.
        field, ground: None if nobody knows.
        kind: of the view: who leads the camera, unless a hand does.
    """

    path: Path
    size: tuple[int, int]
    fps: Fraction
    panorama: Panorama
    field: FieldOutline | None
    ground: Ground | None
    kind: str


class Notebook:
    """Writes ``NAME.tracks.jsonl`` and, where a camera moves, ``NAME.path.jsonl``, from the first frame that is shown.

    A file that can't be written is given up with a word; the programme goes on.

    Args:
        recorded: what it is about.
        play: who plays where.
        horizon_ns: how far ahead of the time shown it is known.
        known: called with the PTS of each frame before anything of it is written; may wait until the play is known.
        hand: who may hold the camera; None where none moves.
        overwrite: earlier files of these names are replaced; otherwise renamed.
        note: told of what was renamed, and of what can't be written.
    """

    def __init__(
        self,
        recorded: Recorded,
        play: Play,
        horizon_ns: int,
        known: Callable[[int], None],
        hand: ManualHand | None,
        *,
        overwrite: bool,
        note: Callable[[str], None],
    ) -> None:
        self._recorded = recorded
        self._play, self._horizon_ns = play, horizon_ns
        self._known = known
        self._hand = hand
        self._overwrite, self._note = overwrite, note
        self._scribe: TrackScribe | None = None
        self._path: PathWriter | None = None
        self._last: int | None = None
        self._given_up = False

    def shown(self, pts: int, view: View | None) -> None:
        """To be told of each held frame that is shown, in order, and of its view, if it has one."""
        if self._given_up or (self._last is not None and pts <= self._last):  # a picture that is shown again
            return
        self._known(pts)
        try:
            if self._scribe is None:
                self._open(pts)
            assert self._scribe is not None
            self._scribe.shown(pts)
            if self._path is not None and view is not None:
                self._path.append(pts, view, self._mode())
        except OutputError as error:
            self._give_up(error)
        self._last = pts

    def close(self) -> None:
        """Finishes the files. May be called again."""
        scribe, self._scribe = self._scribe, None
        path, self._path = self._path, None
        try:
            if scribe is not None and self._last is not None:
                scribe.finish(self._last)
            if path is not None:
                path.close()
        except OutputError as error:
            self._give_up(error)

    def _open(self, pts: int) -> None:
        about = self._recorded
        scene = TrackedScene(about.panorama, about.fps, pts, about.field, about.ground)
        self._scribe = TrackScribe(self._play, TrackWriter(self._beside("tracks"), scene), self._horizon_ns)
        if self._hand is not None:
            self._path = PathWriter(self._beside("path"), PathInfo(*about.size, about.fps, about.panorama))

    def _beside(self, what: str) -> Path:
        beside = self._recorded.path.with_suffix(f".{what}.jsonl")
        renamed = None if self._overwrite else keep_earlier(beside)
        if renamed:
            self._note(f"Notes: {renamed}")
        return beside

    def _mode(self) -> str:
        held = self._hand is not None and self._hand.state.mode != "director"
        return "manual" if held else self._recorded.kind

    def _give_up(self, error: OutputError) -> None:
        self._given_up = True
        self._note(f"No more is written beside the recording: {error}")
