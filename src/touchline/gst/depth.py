"""Asking a producer for depth before it starts: so many of its buffers will be held at a time.

Two ways. An allocation query asks whoever allocates for us how many buffers we will need: :class:`AllocationAnswer`
answers it. Elements that size their pools by a property of their own are asked through that (:func:`ask_properties`).
"""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any

from touchline.errors import TouchlineError
from touchline.gst.library import Gst, GstVideo, native

# Each is the number of buffers that its element keeps, or keeps beside those that it needs itself.
PROPERTIES = (
    "num-extra-surfaces",  # DeepStream's decoders
    "output-buffers",  # nvvideoconvert
    "buffer-pool-size",  # nvstreammux
    "num-output-surfaces",  # nvcodec's decoders
)

# GstPadProbeInfo: type, id, data: the query is its third word. GstQuery: a GstMiniObject of 64 bytes, then the type.
# Both are part of GStreamer 1.x's ABI on 64-bit platforms; `_check_layout` asks once more.
_DATA_WORD = 2
_QUERY_TYPE_BYTE = 64
_CALLBACK = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.c_void_p, ctypes.POINTER(ctypes.c_void_p * 3), ctypes.c_void_p
)


def _let_go(answer: int) -> None:
    """The probe is gone: so is the reference that it had."""
    ctypes.pythonapi.Py_DecRef(ctypes.cast(answer, ctypes.py_object))


_LET_GO = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(_let_go)


class AllocationAnswer:
    """Answers the allocation queries that reach a sink pad, in the place of its element.

    The answer: at least ``frames`` buffers, and that frames may be laid out as their video meta says. A producer that
    follows it sizes its pool accordingly; one that does not is what the audit is for. PyGObject's wrapper of a query
    holds a reference, which makes it unwritable, so all this is done on the C pointers.

    The pad keeps it alive until the pad goes, or :meth:`remove` is called.

    Args:
        pad: the sink pad behind which frames are held.
        frames: how many will be held at a time.
        size: bytes of one frame; 0: what the query's caps need.

    Attributes:
        answered: how many queries were answered.

    Raises:
        TouchlineError: if no probe can be put on the pad.
    """

    def __init__(self, pad: Any, frames: int, size: int = 0) -> None:
        if frames < 1:
            raise ValueError(f"nobody need be asked for {frames} frames")
        _check_layout()
        self.answered = 0
        self.frames = frames
        self._size = size
        self._pad = pad.weak_ref()
        self._callback = _CALLBACK(self._on_query)
        kind = int(Gst.PadProbeType.QUERY_DOWNSTREAM | Gst.PadProbeType.PUSH)
        add_probe = native().gst_pad_add_probe
        add_probe.restype = ctypes.c_ulong
        add_probe.argtypes = [ctypes.c_void_p, ctypes.c_uint, *[ctypes.c_void_p] * 3]
        function, release = (ctypes.cast(one, ctypes.c_void_p) for one in (self._callback, _LET_GO))
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(self))
        self._id = add_probe(hash(pad), kind, function, id(self), release)
        if not self._id:
            ctypes.pythonapi.Py_DecRef(ctypes.py_object(self))
            raise TouchlineError(f"no probe can be put on {pad.get_name()}")

    def remove(self) -> None:
        """Lets the element answer for itself again. May be called again."""
        pad, self._id, probe = self._pad(), 0, self._id
        if probe and pad is not None:
            pad.remove_probe(probe)

    def _on_query(self, _pad: int, info: Any, _data: int) -> int:
        query = info.contents[_DATA_WORD]
        if ctypes.c_int.from_address(query + _QUERY_TYPE_BYTE).value != int(Gst.QueryType.ALLOCATION):
            return int(Gst.PadProbeReturn.OK)
        calls = _calls()
        size = self._size or _size_of(query)
        calls.gst_query_add_allocation_pool(query, None, size, self.frames, 0)
        calls.gst_query_add_allocation_meta(query, _video_meta(), None)
        self.answered += 1
        return int(Gst.PadProbeReturn.HANDLED)


def ask_properties(start: Any, frames: int) -> list[str]:
    """Asks the elements upstream that size their pools by a property for more buffers.

    Walks upstream through every branch, bins included, and asks the first element of each that can be asked: the
    memory of whatever lies above it is not what we hold. Values are only raised, as far as their range goes.

    Args:
        start: a sink pad, or an element: then from all of its sink pads.
        frames: how many of its buffers will be held at a time.

    Returns:
        What was asked of whom, and what could not be changed, a line each; empty if nobody can be asked.
    """
    pads = [start] if isinstance(start, Gst.Pad) else list(start.sinkpads)
    said: list[str] = []
    seen: set[int] = set()
    while pads:
        source = _real_peer(pads.pop(0))
        element = source.get_parent_element() if source is not None else None
        if element is None or hash(element) in seen:
            continue
        seen.add(hash(element))
        if _property_of(element) is None:
            pads += element.sinkpads
        elif (line := raise_depth(element, frames)) is not None:
            said.append(line)
    return said


def raise_depth(element: Any, frames: int) -> str | None:
    """Asks one element, if it sizes its pool by a property. What was asked; None if nothing had to be."""
    name = _property_of(element)
    return _raise_property(element, name, frames) if name else None


def pool_depth(buffer: Any) -> int | None:
    """The most buffers that the pool of this one has; None if it has no pool, or one without a limit."""
    pool = buffer.pool
    if pool is None:
        return None
    found, _caps, _size, _least, most = Gst.BufferPool.config_get_params(pool.get_config())
    return most or None if found else None


def video_bytes(caps: Any) -> int:
    """Bytes of one frame of raw video caps with GStreamer's default padding; 0 for caps of anything else."""
    try:
        info = GstVideo.VideoInfo.new_from_caps(caps)
    except TypeError:  # PyGObject's way to say that the constructor gave nothing
        return 0
    return int(info.size) if info is not None else 0


def _real_peer(pad: Any) -> Any | None:
    """The source pad of an element that feeds a pad, through the walls of bins."""
    peer = pad.get_peer()
    while isinstance(peer, Gst.GhostPad):
        peer = peer.get_target()
    if isinstance(peer, Gst.ProxyPad):
        # The inside of a bin's sink pad: what feeds it lies outside.
        outer = peer.get_internal()
        return _real_peer(outer) if outer is not None else None
    return peer


def _property_of(element: Any) -> str | None:
    return next((name for name in PROPERTIES if element.find_property(name) is not None), None)


def _raise_property(element: Any, name: str, frames: int) -> str | None:
    """Raises one property to ``frames`` if it is lower. What was done, or None if nothing had to be."""
    spec, now = element.find_property(name), element.get_property(name)
    if now >= frames:
        return None
    who = f"{element.get_name()}: {name}"
    if not _changeable(element, spec):
        state = element.get_state(0)[1].value_nick
        return f"{who} is {now} and can't be changed while {state}; {frames} are needed"
    element.set_property(name, min(frames, int(getattr(spec, "maximum", frames))))
    got = element.get_property(name)
    done = f"{who} raised from {now} to {got}" if got > now else f"{who} is {now} and can't be raised"
    return f"{done}; {frames} are needed" if got < frames else done


def _changeable(element: Any, spec: Any) -> bool:
    state = max(element.get_state(0)[1], element.get_state(0)[2])
    if state >= Gst.State.PLAYING:
        return bool(spec.flags & Gst.PARAM_MUTABLE_PLAYING)
    if state >= Gst.State.PAUSED:
        return bool(spec.flags & (Gst.PARAM_MUTABLE_PLAYING | Gst.PARAM_MUTABLE_PAUSED))
    return True


def _size_of(query: int) -> int:
    """Bytes of a frame of the query's caps; 0 if they are not raw video."""
    calls = _calls()
    caps, need_pool = ctypes.c_void_p(), ctypes.c_int()
    calls.gst_query_parse_allocation(query, ctypes.byref(caps), ctypes.byref(need_pool))
    if not caps.value:
        return 0
    text = calls.gst_caps_to_string(caps)
    try:
        parsed = Gst.Caps.from_string(ctypes.string_at(text).decode())
    finally:
        _free()(text)
    return video_bytes(parsed)


@cache
def _calls() -> Any:
    library = native()
    library.gst_query_add_allocation_pool.argtypes = [
        ctypes.c_void_p,
        ctypes.c_void_p,
        *[ctypes.c_uint] * 3,
    ]
    library.gst_query_add_allocation_pool.restype = None
    library.gst_query_add_allocation_meta.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p]
    library.gst_query_add_allocation_meta.restype = None
    library.gst_query_parse_allocation.argtypes = [ctypes.c_void_p] * 3
    library.gst_query_parse_allocation.restype = None
    library.gst_caps_to_string.argtypes = [ctypes.c_void_p]
    library.gst_caps_to_string.restype = ctypes.c_void_p
    return library


@cache
def _free() -> Any:
    free = ctypes.CDLL("libglib-2.0.so.0").g_free
    free.argtypes, free.restype = [ctypes.c_void_p], None
    return free


@cache
def _video_meta() -> int:
    get_type = ctypes.CDLL("libgstvideo-1.0.so.0").gst_video_meta_api_get_type
    get_type.restype = ctypes.c_size_t
    return int(get_type())


@cache
def _check_layout() -> None:
    """Reads a query's type where we believe it to be. Raises TouchlineError if this platform differs."""
    query = Gst.Query.new_allocation(None, True)
    if ctypes.c_int.from_address(hash(query) + _QUERY_TYPE_BYTE).value != int(Gst.QueryType.ALLOCATION):
        raise TouchlineError(
            "this GStreamer lays out its queries in an unknown way; please report its version"
        )
