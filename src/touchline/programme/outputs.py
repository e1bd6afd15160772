"""Outputs: each lives and fails alone. A recording that fails is over; a stream that fails is tried again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from touchline.errors import OutputError, TouchlineError
from touchline.programme.outlets import Outlet, QueueLimits
from touchline.programme.specs import Kind, OutputSpec
from touchline.programme.tails import linger_s

_STUCK_S = 10.0  # a stream that has taken nothing for so long is dead, whatever its connection says
_SETTLED_S = 5.0  # a restarted stream has recovered when it has lasted so long
_LONGEST_S = 30.0
_LAST_CALL_S = 2.0


@dataclass(frozen=True)
class OutputStatus:
    """An output's books, now.

    Args:
        kind: ``record``, ``stream``, ``display`` or ``webcam``.
        uri: without its secrets.
        frames: that it has taken out of its queue.
        restarts: attempts to bring it back.
        dropped: frames that it has not got: its queue was full, it was down, or it had to wait for a key frame.
        error: one line about why it does not work now; None if it does.
    """

    kind: Kind
    uri: str
    frames: int
    restarts: int
    dropped: int
    error: str | None


Failed = Callable[[OutputStatus], None]
Note = Callable[[str], None]


class Output:
    """A recording, a display or a webcam: when it fails it is closed and stays so.

    Args:
        spec: where to.
        paced: frames come at their time; otherwise as fast as this output can take them.
        on_failed: called once, from a thread of the output's, when it is over.
        on_note: called with one line about what a person may want to know.
        sound: there is sound for it, if it can have any.
    """

    def __init__(
        self, spec: OutputSpec, *, paced: bool, on_failed: Failed, on_note: Note, sound: bool = False
    ) -> None:
        self.spec = spec
        self._sound = sound and spec.encoded
        self._limits = QueueLimits.of(spec, paced)
        self._on_failed = on_failed
        self._on_note = on_note
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._outlet: Outlet | None = None
        self._base_time = 0
        self._frames_before = 0
        self._fed = 0
        self._restarts = 0
        self._error: str | None = None
        self._over = False
        self._told = threading.Event()

    @property
    def status(self) -> OutputStatus:
        """A snapshot."""
        with self._lock:
            frames = self._frames_before + (self._outlet.frames if self._outlet else 0)
            # Whatever was handed over and neither came through nor is still on its way, however it was lost.
            dropped = max(0, self._fed - self._frames_before - (self._outlet.taken if self._outlet else 0))
            return OutputStatus(
                self.spec.kind,
                self.spec.masked,
                frames,
                self._restarts,
                dropped,
                self._shown_error(),
            )

    @property
    def over(self) -> bool:
        """True when it has failed for good."""
        return self._over

    def start(self, base_time: int) -> None:
        """Opens it. Raises OutputError, in one line, if that fails."""
        self._base_time = base_time
        self._open()

    def feed(self, sample: Any, key: bool) -> None:
        """Hands a sample over; never waits, except for a recording that is not paced."""
        outlet = self._outlet
        if outlet is not None:
            outlet.push(sample, key)
        self._fed += 1

    def feed_sound(self, sample: Any, time_ns: int) -> None:
        """Hands a sample of sound over, with its running time, behind its picture; never waits."""
        outlet = self._outlet
        if outlet is not None:
            outlet.push_sound(sample, time_ns)

    def end(self) -> None:
        """No more comes."""
        outlet = self._outlet
        if outlet is not None:
            outlet.end()

    def wait_end(self, timeout_s: float) -> None:
        """Waits after :meth:`end` until all is written, then closes."""
        outlet = self._outlet
        if outlet is not None and not outlet.wait_end(timeout_s):
            late = f"{self.spec.label}: could not be finished within {timeout_s:.0f} s"
            self._fail(outlet, outlet.failure or late)
        if self._error is not None:
            # Another thread may be telling it just now.
            self._told.wait(_LAST_CALL_S)
        self._close()

    def stop(self) -> None:
        """Closes at once; a recording is given a moment to be finished. May be called again."""
        outlet = self._outlet
        if outlet is not None and self.spec.kind == "record" and not self._closing.is_set():
            outlet.end()
            outlet.wait_end(_LAST_CALL_S)
        self._close()

    def _open(self) -> None:
        # It tells its errors with itself, since a late one must not hit its successor.
        outlet = Outlet(
            self.spec, self._limits, lambda message: self._fail(outlet, message), sound=self._sound
        )
        with self._lock:
            if self._closing.is_set():
                return
            self._outlet = outlet
        try:
            outlet.play(self._base_time)
        except OutputError:
            with self._lock:
                self._outlet = None
            raise

    def _fail(self, outlet: Outlet, message: str) -> None:
        if not self._let_go(outlet, message):
            return
        if self.spec.kind == "record":
            self._error = message = f"{message}; what was recorded until then is kept"
        self._over = True
        self._on_failed(self.status)
        self._told.set()
        outlet.stop()

    def _shown_error(self) -> str | None:
        return self._error

    def _let_go(self, outlet: Outlet, message: str) -> bool:
        """Takes a failed outlet out of use, once. False if it is not in use."""
        with self._lock:
            if self._closing.is_set() or self._outlet is not outlet:
                return False
            self._outlet = None
            self._book(outlet)
            self._error = message
            return True

    def _book(self, outlet: Outlet) -> None:
        """Closes an outlet's books: what has come through, has; what is still queued is lost."""
        self._frames_before += outlet.frames

    def _close(self) -> None:
        self._closing.set()
        with self._lock:
            outlet, self._outlet = self._outlet, None
            if outlet is not None:
                self._book(outlet)
        if outlet is not None:
            outlet.stop()


class StreamOutput(Output):
    """A stream: when it fails it is opened again after 1, 2, 4 .. 30 s, and begins at a key frame."""

    def __init__(
        self,
        spec: OutputSpec,
        *,
        paced: bool,
        on_failed: Failed,
        on_note: Note,
        sound: bool = False,
        first_wait_s: float = 1.0,
    ) -> None:
        super().__init__(spec, paced=paced, on_failed=on_failed, on_note=on_note, sound=sound)
        self._first_wait_s = self._wait_s = first_wait_s
        self._reviver: threading.Thread | None = None

    def start(self, base_time: int) -> None:
        """Opens it. Raises OutputError if a port of ours is taken; a receiver that is not there may still come."""
        try:
            super().start(base_time)
        except OutputError as error:
            if self.spec.listens:
                raise
            self._error = str(error)
            self._revive_later()

    def feed(self, sample: Any, key: bool) -> None:
        super().feed(sample, key)
        outlet = self._outlet
        if outlet is not None and outlet.stuck_s > _STUCK_S:
            self._fail(outlet, f"{self.spec.label}: has taken nothing for {_STUCK_S:.0f} s")

    def wait_end(self, timeout_s: float) -> None:
        outlet = self._outlet
        if outlet is not None and outlet.wait_end(min(timeout_s, _LAST_CALL_S)):
            self._error = None
            time.sleep(linger_s(self.spec))
        self._close()

    def _shown_error(self) -> str | None:
        settled = self._outlet is not None and self._outlet.age_s > _SETTLED_S
        return None if settled else self._error

    def _fail(self, outlet: Outlet, message: str) -> None:
        if self._let_go(outlet, message):
            if outlet.age_s > _LONGEST_S:
                self._wait_s = self._first_wait_s
            self._revive_later(outlet)

    def _revive_later(self, failed: Outlet | None = None) -> None:
        self._reviver = threading.Thread(
            target=self._revive, args=(failed,), name=f"{self.spec.label}-restart", daemon=True
        )
        self._reviver.start()

    def _revive(self, failed: Outlet | None) -> None:
        if failed is not None:
            failed.stop()
        while True:
            wait_s, self._wait_s = self._wait_s, min(_LONGEST_S, self._wait_s * 2)
            self._on_note(f"{self._error}; next try in {wait_s:g} s")
            if self._closing.wait(wait_s):
                return
            self._restarts += 1
            try:
                self._open()
                return
            except TouchlineError as error:
                self._error = str(error)

    def _close(self) -> None:
        self._error = self._shown_error()
        super()._close()
        reviver = self._reviver
        if reviver is not None and reviver is not threading.current_thread():
            reviver.join(_LAST_CALL_S)


def make_output(
    spec: OutputSpec, *, paced: bool, on_failed: Failed, on_note: Note, sound: bool = False
) -> Output:
    """The output for a specification."""
    kind = StreamOutput if spec.kind == "stream" else Output
    return kind(spec, paced=paced, on_failed=on_failed, on_note=on_note, sound=sound)


def finish_all(outputs: list[Output], timeout_s: float) -> None:
    """Ends all at once, then waits for each, for so many seconds altogether (a little at least): files first."""
    until = time.monotonic() + max(timeout_s, 1.0)
    for output in outputs:
        output.end()
    for output in sorted(outputs, key=lambda output: output.spec.kind != "record"):
        output.wait_end(max(0.1, until - time.monotonic()))
