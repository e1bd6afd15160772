"""Keeps Python's garbage collector from stopping a live run.

Now and then the collector looks through all that there is. That stops every thread of Python for as long as it takes:
50 ms for what a run has loaded, 200 with PyTorch, in which no frame is looked at and none rendered.
"""

from __future__ import annotations

import gc


class Heap:
    """What a run is made of. Python has one heap, so that runs beside each other spare and search for each other."""

    def __init__(self) -> None:
        self._spared = False

    def spare(self) -> None:
        """What is there now stays to the end of the run, and is not looked through any more; what comes later is."""
        gc.collect()
        gc.freeze()
        self._spared = True

    def search(self) -> None:
        """All that there is may be garbage again. Does nothing where nothing was spared."""
        if self._spared:
            self._spared = False
            gc.unfreeze()
