"""Pipelines on the shared timeline: built from elements, watched from a thread, stopped on purpose."""

from __future__ import annotations

import itertools
import textwrap
import threading
from collections.abc import Callable
from typing import Any

from touchline.errors import TouchlineError
from touchline.gst.elements import make
from touchline.gst.library import MILLISECOND, NONE, SECOND, Gst
from touchline.gst.secrets import Secrets

_DETAIL_LENGTH = 160  # some elements print whole caps with their headers

ErrorHandler = Callable[[str], None]
EosHandler = Callable[[], None]


def system_clock() -> Any:
    """The one clock of all pipelines: monotonic, in nanoseconds."""
    return Gst.SystemClock.obtain()


class Pipeline:
    """A Gst.Pipeline with a bus that somebody reads.

    Args:
        name: in messages and in pipeline drawings.
        error: raised by :meth:`play` and :meth:`pause` when the pipeline refuses.
        on_error: called once, from the watching thread, with one line about what went wrong while running.
        on_eos: called from the watching thread when every sink has seen the end.
        secrets: never shown in a message.
    """

    def __init__(
        self,
        name: str,
        *,
        error: type[TouchlineError] = TouchlineError,
        on_error: ErrorHandler | None = None,
        on_eos: EosHandler | None = None,
        secrets: Secrets | None = None,
    ) -> None:
        self.name = name
        self.gst: Any = Gst.Pipeline.new(name)
        self.gst.use_clock(system_clock())
        self.failed: str | None = None
        self.warnings: list[str] = []
        self._error = error
        self._on_error = on_error
        self._on_eos = on_eos
        self._secrets = secrets or Secrets()
        # What stop() posts must reach whoever waits: a thread that looks ten times a second costs as much as a frame.
        self.gst.set_auto_flush_bus(False)
        self._bus: Any = self.gst.get_bus()
        self._handlers: list[tuple[Any, int]] = []
        self._watcher: threading.Thread | None = None
        self._ended = threading.Event()
        self._eos = threading.Event()

    def add(self, *elements: Any) -> Any:
        """Puts elements into the pipeline and links them in this order. Returns the last one."""
        for element in elements:
            self.gst.add(element)
        for upstream, downstream in itertools.pairwise(elements):
            self.link(upstream, downstream)
        return elements[-1]

    def link(self, upstream: Any, downstream: Any) -> None:
        """Links two elements. Raises what the pipeline was made with if their pads do not fit."""
        if not upstream.link(downstream):
            raise self._error(
                f"{self.name}: {upstream.get_name()} can't be linked to {downstream.get_name()}"
            )

    def add_caps(self, after: Any, caps: Any) -> Any:
        """Adds a capsfilter behind an element that is in the pipeline already, and returns it."""
        allowed = make("capsfilter", caps=caps)
        self.gst.add(allowed)
        self.link(after, allowed)
        return allowed

    def connect(self, element: Any, signal: str, handler: Callable[..., Any], *extra: Any) -> None:
        """Has a signal of an element handled until the pipeline is stopped.

        A handler is kept by its element, in C, where Python's garbage collector can't see it: one that refers back to
        the pipeline would keep both for ever, with all the memory that they hold.
        """
        self._handlers.append((element, element.connect(signal, handler, *extra)))

    def pause(self, timeout_s: float) -> bool:
        """Goes to PAUSED and waits for the preroll. Returns False for a live pipeline, which has none.

        Raises:
            what the pipeline was made with: if it fails, or has not prerolled in time.
        """
        change = self.gst.set_state(Gst.State.PAUSED)
        if change == Gst.StateChangeReturn.ASYNC:
            change = self._wait_for_preroll(timeout_s)
        if change == Gst.StateChangeReturn.FAILURE:
            raise self._error(self._reason() or f"{self.name}: can't be started")
        return bool(change != Gst.StateChangeReturn.NO_PREROLL)

    def play(self, base_time: int | None = None) -> None:
        """Goes to PLAYING on the shared timeline.

        Args:
            base_time: the clock's time, in ns, of running time zero. Without one GStreamer chooses (now).

        Raises:
            what the pipeline was made with: if the pipeline refuses.
        """
        if base_time is not None:
            # No start time: nobody but us sets the base time, whatever the state changes in between.
            self.gst.set_start_time(NONE)
            self.gst.set_base_time(base_time)
        if self.gst.set_state(Gst.State.PLAYING) == Gst.StateChangeReturn.FAILURE:
            raise self._error(self._reason() or f"{self.name}: can't be started")
        self.watch()

    def watch(self) -> None:
        """Starts to read the bus, if nobody does yet."""
        if self._watcher is None:
            self._watcher = threading.Thread(target=self._read_bus, name=f"{self.name}-bus", daemon=True)
            self._watcher.start()

    def wait_eos(self, timeout_s: float) -> bool:
        """Waits until the end has reached every sink (True), the pipeline failed or time is over (False)."""
        self._eos.wait(timeout_s)
        return self._eos.is_set() and self.failed is None

    def stop(self) -> None:
        """Goes to NULL; everything that the pipeline holds is given back. May be called again."""
        self._ended.set()
        self._bus.post(Gst.Message.new_application(self.gst, Gst.Structure.new_empty("touchline-stop")))
        self.gst.set_state(Gst.State.NULL)
        if self._watcher is not None and self._watcher is not threading.current_thread():
            self._watcher.join(5)
        self._bus.set_flushing(True)
        handlers, self._handlers = self._handlers, []
        for element, handler in handlers:
            element.disconnect(handler)

    def _wait_for_preroll(self, timeout_s: float) -> Any:
        kinds = Gst.MessageType.ASYNC_DONE | Gst.MessageType.ERROR
        message = self._bus.timed_pop_filtered(int(timeout_s * SECOND), kinds)
        if message is None:
            raise self._error(f"{self.name}: nothing came within {timeout_s:g} s; is it damaged?")
        if message.type == Gst.MessageType.ERROR:
            self._fail(message)
            return Gst.StateChangeReturn.FAILURE
        return self.gst.get_state(0)[0]

    def _reason(self) -> str | None:
        """Why a state change failed: the first error on the bus."""
        if self.failed is None:
            message = self._bus.timed_pop_filtered(100 * MILLISECOND, Gst.MessageType.ERROR)
            if message is not None:
                self._fail(message)
        return self.failed

    def _read_bus(self) -> None:
        kinds = (
            Gst.MessageType.ERROR
            | Gst.MessageType.EOS
            | Gst.MessageType.WARNING
            | Gst.MessageType.APPLICATION
        )
        while not self._ended.is_set():
            message = self._bus.timed_pop_filtered(SECOND, kinds)
            if message is None or message.type == Gst.MessageType.APPLICATION:
                continue
            if message.type == Gst.MessageType.WARNING:
                self._note_warning(message)
            elif message.type == Gst.MessageType.EOS:
                self._eos.set()
                if self._on_eos:
                    self._on_eos()
            elif self.failed is None:
                self._fail(message)
                self._eos.set()
                if self._on_error:
                    self._on_error(self.failed or "")

    def _note_warning(self, message: Any) -> None:
        if len(self.warnings) < 100:
            self.warnings.append(self._secrets.mask(message.parse_warning()[0].message))

    def _fail(self, message: Any) -> None:
        error, debug = message.parse_error()
        source = message.src.get_name() if message.src else self.name
        # The last part of the debug text is the element's own reason; the rest is file names and line numbers.
        detail = (debug or "").strip().splitlines()[-1].strip() if debug else ""
        text = error.message.rstrip(".")
        if detail and not detail.startswith("../") and detail.rstrip(".") not in text:
            text = f"{text} ({textwrap.shorten(detail.rstrip('.'), _DETAIL_LENGTH, placeholder=' ...')})"
        self.failed = self._secrets.mask(f"{self.name}: {text} [{source}]")
