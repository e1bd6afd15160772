"""What both halves of an encoded window have in common: one thread between two stores, a codec in its middle."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable

from touchline.counters import Tally
from touchline.delay.encoded_pipeline import CodecPipeline, Coded
from touchline.delay.frame import Frame
from touchline.delay.store import FrameStore, Reader

_WAIT_S = 0.1  # how long to wait before looking whether we are stopped
_PULL_S = 0.02  # for the codec: one that keeps some frames gives the next only when it gets another
_POLL_S = 0.002  # for a free frame: those are freed by whatever thread drops them


class CodecWorker(ABC):
    """Takes every frame of one store through a codec into another.

    Args:
        name: of the thread, and for messages.
        reader: of the store that is read.
        target: where to; it is ended when the source has ended and the last frame is through, or after a failure.
        make_codec: makes the pipeline.
        on_failed: called in the worker's thread with the exception that ended it.

    Attributes:
        dropped: frames that were taken and not handed on, by reason.
        done: frames that were handed on.
    """

    def __init__(
        self,
        name: str,
        reader: Reader,
        target: FrameStore,
        make_codec: Callable[[], CodecPipeline],
        on_failed: Callable[[Exception], None] | None,
    ) -> None:
        self.name = name
        self.dropped = Tally()
        self.done = 0
        self._reader = reader
        self._target = target
        self._make_codec = make_codec
        self._codec = make_codec()
        self._out: Coded | None = None  # has come out of the codec and waits for room
        self._on_failed = on_failed
        self._stop = threading.Event()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begins. Raises TouchlineError if the codec can't be started."""
        self._codec.start()
        self._thread.start()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Waits until the last frame is through, or the worker has stopped or failed. False when time is over."""
        return self._over.wait(timeout_s)

    def stop(self) -> None:
        """Stops at once; what was still to come is counted. May be called again, from any thread."""
        self._stop.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join()
        if not self._over.is_set():  # never started
            self._close("stopped")

    def _run(self) -> None:
        reason: str | None = "stopped"
        try:
            while not self._stop.is_set():
                if not self._step() and self._finish():
                    reason = None
                    return
        except Exception as error:  # noqa: BLE001 - whatever it is, it ends this thread: the owner must know
            reason = "failed"
            self._target.end()
            if self._on_failed:
                self._on_failed(error)
        finally:
            self._close(reason)

    def _step(self) -> bool:
        """Moves one frame, or waits a little. False when all is done."""
        if self._out is not None:
            if self._deliver(self._out):
                self._out = None
            else:
                self._stop.wait(_POLL_S)
            return True
        if self._codec.open and self._at_end:
            self._codec.end()
            return True
        if self._codec.has_room:
            frame = self._reader.take()
            if frame is not None:
                self._feed(frame)
                return True
        if self._codec.open and not self._codec.inside:
            self._reader.wait(_WAIT_S)
        else:
            self._pull()
        return not self._codec.finished or self._out is not None

    def _finish(self) -> bool:
        """Ends the target; False if there is something to do after all."""
        self._target.end()
        return True

    @property
    def _at_end(self) -> bool:
        return self._reader.at_end

    def _feed(self, frame: Frame) -> None:
        self._codec.push(frame.buffer, frame.pts, frame.duration)

    @abstractmethod
    def _deliver(self, coded: Coded) -> bool:
        """Hands a frame on. False if there is no room for it yet."""

    def _pull(self) -> None:
        self._out = self._codec.pull(_PULL_S)
        self._count_lost()

    def _count_lost(self) -> None:
        if self._codec.lost:
            self.dropped.add("lost in the codec", self._codec.lost)
            self._codec.lost = 0

    def _close(self, reason: str | None) -> None:
        """Lets go of everything; what had still been to come is counted, if there is a reason for it."""
        waiting = self._reader.waiting if self._reader.holds else 0
        left = self._codec.inside + (self._out is not None) + waiting
        if reason and left:
            self.dropped.add(reason, left)
        self._out = None
        self._codec.stop()
        self._reader.close()
        self._over.set()
