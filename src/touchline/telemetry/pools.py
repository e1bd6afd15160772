"""Who has the frames: every pool's books, and the readers for whom its frames are kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from touchline.delay.store import FrameStore
from touchline.gst.pools import PoolStats

IN_FLIGHT, HISTORY = "in flight", "history"


class Pool(Protocol):
    """What is asked of a pool, whatever its frames are made of."""

    name: str

    @property
    def frame_bytes(self) -> int: ...

    def stats(self) -> PoolStats: ...


@dataclass(frozen=True)
class PoolUse:
    """A pool, now.

    Args:
        name: of the pool.
        frames: allocated.
        free: that nobody has.
        frame_bytes: of one frame.
        holders: how many of the others each holder has: a reader of the store for what is kept for it, ``history``
            for what every reader has passed, ``in flight`` for what is out of the pool and not in the store (being
            written, rendered, encoded).
    """

    name: str
    frames: int
    free: int
    frame_bytes: int = 0
    holders: Mapping[str, int] = field(default_factory=dict)

    @property
    def held(self) -> int:
        """Frames that somebody has."""
        return self.frames - self.free

    @property
    def allocated_bytes(self) -> int:
        """Bytes of all frames."""
        return self.frames * self.frame_bytes

    @property
    def held_bytes(self) -> int:
        """Bytes of the frames that somebody has."""
        return self.held * self.frame_bytes

    def as_dict(self) -> dict[str, Any]:
        """The books as plain values, for JSON."""
        return {
            "name": self.name,
            "frames": self.frames,
            "free": self.free,
            "held": self.held,
            "allocated_bytes": self.allocated_bytes,
            "held_bytes": self.held_bytes,
            "holders": dict(self.holders),
        }


def get_buffer_pool_stats(
    pools: Iterable[Pool], stores: Mapping[str, FrameStore] | None = None
) -> tuple[PoolUse, ...]:
    """The books of pools, in their order.

    The pool and the store are read one after the other while frames move on: the sums are right, a frame that moved in
    between may stand under its old or its new holder.

    Args:
        pools: of several with one name the second gets a 2 behind it, and so on.
        stores: by the name of the pool whose frames they hold.

    Raises:
        ValueError: if a store belongs to a pool that is not there.
    """
    owned, books, seen = dict(stores or {}), [], Counter[str]()
    for pool in pools:
        stats, store = pool.stats(), owned.pop(pool.name, None)
        seen[pool.name] += 1
        name = pool.name if seen[pool.name] == 1 else f"{pool.name} {seen[pool.name]}"
        out = stats.frames - stats.free
        holders = _keepers(store, out) if store is not None else {}
        if out > (kept := sum(holders.values())):
            holders[IN_FLIGHT] = out - kept
        books.append(PoolUse(name, stats.frames, stats.free, pool.frame_bytes, holders))
    if owned:
        raise ValueError(f"there is no pool for the store of {', '.join(map(repr, sorted(owned)))}")
    return tuple(books)


def _keepers(store: FrameStore, most: int) -> dict[str, int]:
    """For whom the frames of a store are kept: the holding reader that is furthest behind, and the history."""
    held = min(len(store), most)
    slowest = min(
        (reader for reader in store.readers if reader.holds), key=lambda reader: reader.position, default=None
    )
    waiting = min(held, slowest.waiting) if slowest else 0
    keepers = {slowest.name: waiting} if slowest else {}
    keepers[HISTORY] = held - waiting
    return {name: count for name, count in keepers.items() if count}
