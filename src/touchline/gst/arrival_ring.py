"""A ring of buffers that a pad's chain function in machine code fills, without ever waiting for Python.

A chain function in Python costs the thread that frames come in the interpreter's lock and, where it sleeps between
two frames, cold caches: many times what it does. This one is compiled by numba to a C callback: it takes the buffer,
writes it down together with the time, and returns. Somebody takes many out of the ring at once, in Python.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from touchline.errors import TouchlineError
from touchline.gst.library import SECOND, Gst, native

CAPACITY = 256
# The words of the state that the compiled functions and we share; the ring's rows of two stand behind them.
_DIRECT, _FLOW, _LIMIT, _CALL_AT, _PUT, _READ, _TAKEN, _STUCK, _WORK, _ROOM, _RING = range(11)
_WORD = 8
_SEMAPHORE_BYTES = 64  # sem_t takes 32 at most on 64-bit Linux
_MONOTONIC = 1  # the clock, for sem_clockwait
_Direct = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_uint64)


def _c_function(library: Any, name: str, arguments: int) -> Any:
    """A C function on 64-bit words, in a form of its own: others may have declared the same one otherwise."""
    signature = ctypes.CFUNCTYPE(ctypes.c_uint64, *[ctypes.c_uint64] * arguments)
    return signature((name, library))


@cache
def _intrinsics() -> tuple[Any, Any, Any]:
    """Loads and stores that both sides see in one order, and a call to an address."""
    from llvmlite import ir  # here and below: an element that is only listed needs no compiler
    from numba import types
    from numba.extending import intrinsic

    word = ir.IntType(64)

    @intrinsic
    def load(_typing: Any, _address: Any) -> Any:
        def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            place = builder.inttoptr(arguments[0], word.as_pointer())
            return builder.load_atomic(place, "seq_cst", _WORD)

        return types.uint64(types.uint64), generate

    @intrinsic
    def store(_typing: Any, _address: Any, _value: Any) -> Any:
        def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            place = builder.inttoptr(arguments[0], word.as_pointer())
            builder.store_atomic(arguments[1], place, "seq_cst", _WORD)
            return context.get_dummy_value()

        return types.void(types.uint64, types.uint64), generate

    @intrinsic
    def call(_typing: Any, _address: Any, _argument: Any) -> Any:
        def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            function = ir.FunctionType(ir.IntType(32), [word]).as_pointer()
            return builder.call(builder.inttoptr(arguments[0], function), [arguments[1]])

        return types.int32(types.uint64, types.uint64), generate

    return load, store, call


@cache
def _compiled() -> tuple[Any, Any, Any]:
    """The chain function, what reads the ring, and what makes room in it; made once for the process."""
    from numba import cfunc, types

    load, store, call = _intrinsics()
    gst, libc = native(), ctypes.CDLL(None)
    state_of = _c_function(gst, "gst_pad_get_element_private", 1)
    unref = _c_function(gst, "gst_mini_object_unref", 1)
    insert = _c_function(gst, "gst_buffer_list_insert", 3)
    now = _c_function(gst, "gst_util_get_timestamp", 0)
    post, wait = _c_function(libc, "sem_post", 1), _c_function(libc, "sem_wait", 1)
    zero, one, row, last = np.uint64(0), np.uint64(1), np.uint64(2 * _WORD), np.uint64(2**64 - 1)
    capacity, word = np.uint64(CAPACITY), np.uint64(_WORD)
    direct_at, flow_at, limit_at, call_at, put_at, read_at, taken_at, stuck_at, work_at, room_at, ring_at = (
        np.uint64(_WORD * place) for place in range(_RING + 1)
    )

    def chain(pad, _parent, buffer):  # type: ignore[no-untyped-def]
        state = state_of(pad)
        while True:
            direct = load(state + direct_at)
            if direct != zero:
                return call(direct, buffer)
            flow = load(state + flow_at)
            if flow != zero:
                unref(buffer)
                return np.int32(flow)
            put = load(state + put_at)
            waiting = put - load(state + taken_at)
            if waiting < load(state + limit_at):
                break
            # Whoever makes room, or changes a word above, looks afterwards whether somebody is stuck.
            store(state + stuck_at, one)
            full = put - load(state + taken_at) >= load(state + limit_at)
            if full and load(state + flow_at) == zero and load(state + direct_at) == zero:
                post(load(state + work_at))
                wait(load(state + room_at))
            store(state + stuck_at, zero)
        place = state + ring_at + row * (put % capacity)
        store(place, buffer)
        store(place + word, now())
        store(state + put_at, put + one)
        if waiting + one == load(state + call_at):
            post(load(state + work_at))
        return np.int32(0)

    def read(state, into):  # type: ignore[no-untyped-def]
        first, put = load(state + read_at), load(state + put_at)
        for place in range(first, put):
            insert(into, last, load(state + ring_at + row * (np.uint64(place) % capacity)))
        store(state + read_at, put)
        return put - first

    def release(state, count):  # type: ignore[no-untyped-def]
        store(state + taken_at, load(state + taken_at) + count)
        if load(state + stuck_at) != zero:
            post(load(state + room_at))
        return zero

    word_type = types.uint64
    return (
        cfunc(types.int32(word_type, word_type, word_type))(chain),
        cfunc(word_type(word_type, word_type))(read),
        cfunc(word_type(word_type, word_type))(release),
    )


class _Timespec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class ArrivalRing:
    """What arrives on a pad, in order. All but :meth:`wait` is for one thread at a time, beside the pad's own.

    At first buffers go to ``direct``; see :meth:`open`.

    Args:
        pad: a sink pad that is not active; its element-private word is ours from now on. It keeps us.
        direct: called in the streaming thread with each buffer while the ring is closed; returns the flow.
    """

    def __init__(self, pad: Any, direct: Callable[[Any], Any]) -> None:
        chain, read, release = _compiled()
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._work, self._room = (ctypes.create_string_buffer(_SEMAPHORE_BYTES) for _ in range(2))
        self._state = np.zeros(_RING + 2 * CAPACITY, dtype=np.uint64)
        for place, semaphore in ((_WORK, self._work), (_ROOM, self._room)):
            if self._libc.sem_init(semaphore, 0, 0):
                raise TouchlineError("this system gives no semaphore")
            self._state[place] = ctypes.addressof(semaphore)
        self._here = self._state.ctypes.data
        self._times = self._state[_RING + 1 :: 2]
        # These keep the interpreter's lock: they are too short to be worth letting go of it.
        quick = ctypes.PYFUNCTYPE(ctypes.c_uint64, ctypes.c_uint64, ctypes.c_uint64)
        self._read, self._release = quick(read.address), quick(release.address)
        self._list = Gst.BufferList.new()
        self._insert = ctypes.PYFUNCTYPE(None, ctypes.c_uint64, ctypes.c_int, ctypes.c_uint64)(
            ("gst_buffer_list_insert", native())
        )
        self._callback = _Direct(lambda buffer: int(direct(self._wrapped(buffer))))
        self._callback_at = ctypes.cast(self._callback, ctypes.c_void_p).value or 0
        self._state[_LIMIT] = CAPACITY
        self._state[_DIRECT] = self._callback_at
        # A thread may be in the chain function whenever the pad is there, whoever has forgotten us before.
        pad.touchline_ring = self
        _c_function(native(), "gst_pad_set_element_private", 2)(hash(pad), self._here)
        set_chain = _c_function(native(), "gst_pad_set_chain_function_full", 4)
        set_chain(hash(pad), chain.address, 0, 0)

    @property
    def waiting(self) -> int:
        """Buffers in the ring, those that were read and not yet released included."""
        return int(self._state[_PUT] - self._state[_TAKEN])

    @property
    def put(self) -> int:
        """How many buffers ever got into the ring."""
        return int(self._state[_PUT])

    def open(self, limit: int) -> None:
        """From now on buffers go into the ring; whoever brings one more than ``limit`` waits for room."""
        self._state[_LIMIT] = max(1, min(limit, CAPACITY))
        self._state[_CALL_AT] = max(1, self._state[_LIMIT] * 2 // 3)
        self._state[_DIRECT] = 0

    def close(self) -> None:
        """From now on each buffer is handed over at once; what is in the ring must be taken out before it."""
        self._state[_DIRECT] = self._callback_at
        self._libc.sem_post(self._room)

    def set_flow(self, flow: Any) -> None:
        """What is returned from now on for a buffer that would go into the ring; whoever waits for room is told too."""
        self._state[_FLOW] = int(flow) % 2**64
        self._libc.sem_post(self._room)

    def read(self) -> list[tuple[Any, int]]:
        """Everything that has not been read: buffers, and the monotonic time of their arrival in ns.

        They take their room in the ring until it is :meth:`release`\\ d.
        """
        first, row = int(self._state[_READ]), self._list
        count = int(self._read(self._here, hash(row)))
        if not count:
            return []
        buffers = [row.get(place) for place in range(count)]
        row.remove(0, count)
        times = self._times
        return [(buffer, int(times[(first + place) % CAPACITY])) for place, buffer in enumerate(buffers)]

    def release(self, count: int) -> None:
        """So many more of those that were read are gone."""
        self._release(self._here, count)

    def wait(self, timeout_s: float) -> bool:
        """Waits until the ring is two thirds full, somebody is stuck, or :meth:`call`. False when time is over."""
        wait = getattr(self._libc, "sem_clockwait", None)
        # An older libc has only the clock that somebody may set.
        now = time.time_ns() if wait is None else time.monotonic_ns()
        limit = ctypes.byref(_Timespec(*divmod(now + round(timeout_s * SECOND), SECOND)))
        if wait is None:
            return not self._libc.sem_timedwait(self._work, limit)
        return not wait(self._work, _MONOTONIC, limit)

    def call(self) -> None:
        """Ends a :meth:`wait`, now or the next one."""
        self._libc.sem_post(self._work)

    def _wrapped(self, buffer: int) -> Any:
        """Python's own reference to a buffer, in the place of the one that is given."""
        row = Gst.BufferList.new()
        self._insert(hash(row), -1, buffer)
        one = row.get(0)
        row.remove(0, 1)
        return one
