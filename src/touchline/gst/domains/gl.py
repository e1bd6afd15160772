"""OpenGL textures, one for each plane of a frame, as GStreamer's own GL elements make and take them.

Everything that touches a texture runs on the GL context's own thread, and GStreamer's C code goes there and waits for
it: also when the last reference to a texture is dropped. So no Python may ever run on that thread: somebody who drops
a frame while holding the interpreter's lock would wait for a thread that waits for the lock. That is why this module
calls GstGL's functions, which change threads by themselves, and never hands it a callback.

What GStreamer's GL elements do that a window of held frames has to know:
- ``glupload`` does not upload frames of plain memory: its textures stand on those frames, which stay held with them,
  and the pixels go up when somebody first draws. A copy into a pool of ours uploads at once and sets them free.
- ``glimagesink`` makes a context of its own, and an element beside it takes that one; ``glcolorconvert`` refuses
  textures of any other, shared or not. So give a window RGBA frames, or draw in a pipeline that ends elsewhere.
- A share of a frame with a GstGLSyncMeta asks the GL thread once, so it costs some 30 us instead of 3.

Without a screen: ``GST_GL_PLATFORM=egl GST_GL_WINDOW=egl-device GST_GL_API=gles2`` in the environment.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, NoReturn

import numpy as np

from touchline.errors import MissingElementError, TouchlineError
from touchline.gst.caps import PlaneLayout
from touchline.gst.domains.protocol import Placement, placement_of
from touchline.gst.library import GLib, GObject, Gst, GstVideo, native
from touchline.gst.mapping import writable
from touchline.gst.native_memory import MapInfo, libgst
from touchline.gst.nv12 import Nv12

_MAP_GL = 1 << 17  # GST_MAP_GL: the texture itself, not its pixels
_READ, _WRITE = int(Gst.MapFlags.READ), int(Gst.MapFlags.WRITE)
_PLANE_BITS = 32  # of a texture's id
_CONTEXT_BYTE = 112  # in GstGLBaseMemory: part of GStreamer 1.x's ABI on 64-bit platforms


class GlDomain:
    """Frames in textures.

    Args:
        context: the GstGLContext that our own frames belong to. Without one a display and a context of our own are
            made when they are first needed; :meth:`prepare` brings a pipeline's elements to share with them.
    """

    name = "gl"
    feature: str | None = "memory:GLMemory"

    def __init__(self, context: Any | None = None) -> None:
        self._context = context

    @property
    def context(self) -> Any:
        """The GstGLContext of our own frames. Raises TouchlineError if there is no OpenGL here."""
        if self._context is None:
            self._context = _new_context()
        return self._context

    def beside(self, buffer: Any) -> GlDomain:
        """A domain with the context that a frame's textures belong to."""
        holder = GObject.Value(_gst_gl().GLContext)  # the way from an address to PyGObject's wrapper
        set_object = ctypes.CDLL("libgobject-2.0.so.0").g_value_set_object
        set_object(ctypes.c_void_p(hash(holder)), ctypes.c_void_p(_context_of(_textures(buffer)[0])))
        return GlDomain(holder.get_object())

    def prepare(self, pipeline: Any) -> None:
        """Tells a pipeline's GL elements our display and our context, with which theirs then share textures."""
        gst_gl = _gst_gl()
        display = Gst.Context.new(gst_gl.GL_DISPLAY_CONTEXT_TYPE, True)
        gst_gl.context_set_gl_display(display, self.context.get_display())
        pipeline.set_context(display)
        pipeline.set_context(_app_context(self.context))

    def identity(self, buffer: Any) -> int:
        """The ids of the textures, side by side."""
        texture_id = _libgstgl().gst_gl_memory_get_texture_id
        ids = [texture_id(hash(memory)) for memory in _textures(buffer)]
        return sum(one << _PLANE_BITS * place for place, one in enumerate(ids))

    def placement(self, caps: Any) -> Placement:
        """GStreamer's default."""
        return placement_of(caps)

    def allocate(self, caps: Any, frames: int) -> Iterator[tuple[Any, ...]]:
        """Textures out of GstGL's own pool, which forgets them then.

        Plain textures: those that GstGL makes by itself have a pixel buffer object each, which takes as much again.
        """
        gst_gl = _gst_gl()
        gst_gl.GLMemory.init_once()
        pool = gst_gl.GLBufferPool.new(self.context)
        config = pool.get_config()
        size = GstVideo.VideoInfo.new_from_caps(caps).size
        Gst.BufferPool.config_set_params(config, caps, size, 0, 0)
        allocator = Gst.Allocator.find(gst_gl.GL_MEMORY_ALLOCATOR_NAME)
        Gst.BufferPool.config_set_allocator(config, allocator, Gst.AllocationParams())
        if not pool.set_config(config) or not pool.set_active(True):
            raise TouchlineError(f"OpenGL has no textures for {caps.to_string()}")
        try:
            for _ in range(frames):
                flow, buffer = pool.acquire_buffer(None)
                if flow != Gst.FlowReturn.OK:
                    return
                textures = tuple(_textures(buffer))
                buffer.remove_all_memory()  # so that its pool does not hand them out again
                yield textures
        finally:
            pool.set_active(False)

    def copy_into(self, source: Any, target: Any, caps: Any) -> None:
        """Texture to texture on the GPU, in the order of the source's context."""
        gl = _libgstgl()
        sources, targets = _textures(source), _textures(target)
        if not writable(target):
            raise TouchlineError("a frame that others hold can't be copied into")
        if _shape(sources) != _shape(targets):
            raise TouchlineError("a frame of another size or format can't be copied into this pool")
        self._check_sharing(sources[0], targets[0])
        self._after(source)
        for one, other in zip(sources, targets, strict=True):
            target_kind, kind, width, height = _shape([other])[0]
            with _mapped(other, _WRITE | _MAP_GL) as place:
                texture = ctypes.c_uint.from_address(place.data).value
                if not gl.gst_gl_memory_copy_into(hash(one), texture, target_kind, kind, width, height):
                    raise TouchlineError(
                        "OpenGL can't copy these textures: choose a context of OpenGL (ES) 3"
                    )
        self._mark(target)

    def write(self, target: Any, picture: Nv12, caps: Any) -> None:
        """One upload for each plane, done when this returns."""
        layout = PlaneLayout.from_caps(caps)
        if (layout.width, layout.height) != (picture.width, picture.height):
            raise TouchlineError(
                f"a picture of {picture.width}x{picture.height} does not fit {layout.width}x{layout.height}"
            )
        if not writable(target):
            raise TouchlineError("a frame that others hold can't be mapped for writing")
        rows = (picture.y, picture.uv.reshape(layout.height // 2, layout.width))
        for memory, plane, stride in zip(_textures(target), rows, layout.strides, strict=True):
            with _mapped(memory, _WRITE) as place:
                block = (ctypes.c_uint8 * place.size).from_address(place.data)
                own = np.frombuffer(block, dtype=np.uint8)[: stride * len(plane)].reshape(len(plane), stride)
                own[:, : layout.width] = plane
            with _mapped(memory, _READ | _MAP_GL):
                pass  # that is the upload
        self._mark(target)

    def reading(self, buffer: Any, layout: PlaneLayout) -> NoReturn:
        """Always refused: textures are read by GStreamer's own elements."""
        raise TouchlineError("the pixels of a texture can't be reached from here: put gldownload before")

    def writing(self, buffer: Any, layout: PlaneLayout) -> NoReturn:
        """Always refused."""
        raise TouchlineError("a texture can't be painted from here: write a picture into it")

    def _check_sharing(self, source: Any, target: Any) -> None:
        """Ids of textures mean nothing in a context that does not share them."""
        if _context_of(target) != hash(self.context):
            raise TouchlineError("the frame to copy into was not allocated by this domain")
        if not _libgstgl().gst_gl_context_can_share(hash(self.context), _context_of(source)):
            raise TouchlineError(
                "the frame's textures belong to an OpenGL context that ours can't share with: "
                "prepare its pipeline before the start, or allocate beside the frame"
            )

    def _after(self, buffer: Any) -> None:
        """Lets our context wait, on the GPU, until whoever made the frame in another one is done."""
        meta = buffer.get_meta(_gst_gl().gl_sync_meta_api_get_type())
        if meta is not None:
            _libgstgl().gst_gl_sync_meta_wait(hash(meta), hash(self.context))

    def _mark(self, buffer: Any) -> None:
        """Notes in the frame when it is done, for those who read it in other contexts."""
        gl = _libgstgl()
        own = buffer.get_meta(_gst_gl().gl_sync_meta_api_get_type())
        meta = hash(own) if own else gl.gst_buffer_add_gl_sync_meta(hash(self.context), hash(buffer))
        gl.gst_gl_sync_meta_set_sync_point(meta, hash(self.context))


@contextmanager
def _mapped(memory: Any, flags: int) -> Iterator[MapInfo]:
    gst, info = libgst(), MapInfo()
    if not gst.gst_memory_map(hash(memory), ctypes.byref(info), flags):
        raise TouchlineError("a texture can't be mapped")
    try:
        yield info
    finally:
        gst.gst_memory_unmap(hash(memory), ctypes.byref(info))


def _textures(buffer: Any) -> list[Any]:
    """The buffer's memories. Raises TouchlineError if they are not textures."""
    is_texture = _libgstgl().gst_is_gl_memory
    memories = [buffer.peek_memory(place) for place in range(buffer.n_memory())]
    if not memories or not all(is_texture(hash(memory)) for memory in memories):
        raise TouchlineError("a buffer that is called GLMemory holds no textures")
    return memories


def _app_context(context: Any) -> Any:
    """What tells elements to share with a GstGLContext."""
    sharing = Gst.Context.new("gst.gl.app_context", True)
    value = GObject.Value(_gst_gl().GLContext, context)
    gst, pointer = native(), ctypes.c_void_p
    # PyGObject's writable_structure() is a copy: what is set there is lost.
    writable_structure = gst.gst_context_writable_structure
    writable_structure.restype = pointer
    structure = writable_structure(pointer(hash(sharing)))
    gst.gst_structure_set_value(pointer(structure), ctypes.c_char_p(b"context"), pointer(hash(value)))
    return sharing


def _context_of(texture: Any) -> int:
    """The address of the GstGLContext that a texture belongs to: the first word behind its GstMemory."""
    return int(ctypes.c_void_p.from_address(hash(texture) + _CONTEXT_BYTE).value or 0)


def _shape(memories: list[Any]) -> list[tuple[int, int, int, int]]:
    """Target, format, width and height of each texture."""
    gl = _libgstgl()
    asked = ("target", "format", "width", "height")
    return [
        tuple(getattr(gl, f"gst_gl_memory_get_texture_{one}")(hash(memory)) for one in asked)
        for memory in memories
    ]


def _new_context() -> Any:
    gst_gl = _gst_gl()
    try:
        display = gst_gl.GLDisplay.new()
        context = gst_gl.GLContext.new(display)
        context.create(None)
    except (GLib.Error, TypeError) as error:  # a TypeError is PyGObject's word for no context at all
        raise TouchlineError(
            f"OpenGL can't be started ({error}); without a screen set GST_GL_PLATFORM=egl, "
            "GST_GL_WINDOW=egl-device and GST_GL_API=gles2"
        ) from error
    display.add_context(context)
    return context


@cache
def _gst_gl() -> Any:
    """GstGL's binding, loaded by whoever needs it."""
    try:
        import gi

        gi.require_version("GstGL", "1.0")
        from gi.repository import GstGL
    except (ImportError, ValueError) as error:
        raise MissingElementError(
            f"GStreamer's OpenGL library can't be loaded ({error}): install gir1.2-gst-plugins-base-1.0"
        ) from error
    return GstGL


@cache
def _libgstgl() -> ctypes.CDLL:
    """libgstgl itself: PyGObject can't see a GstMemory as the GstGLMemory that it is."""
    try:
        library = ctypes.CDLL("libgstgl-1.0.so.0")
    except OSError as error:
        raise MissingElementError(
            f"GStreamer's OpenGL library can't be loaded ({error}): install gstreamer1.0-gl"
        ) from error
    pointer = ctypes.c_void_p
    library.gst_is_gl_memory.argtypes = [pointer]
    for one in ("id", "target", "format", "width", "height"):
        getattr(library, f"gst_gl_memory_get_texture_{one}").argtypes = [pointer]
    library.gst_gl_memory_get_texture_id.restype = ctypes.c_uint
    library.gst_gl_memory_copy_into.argtypes = [pointer, ctypes.c_uint, *[ctypes.c_int] * 4]
    library.gst_buffer_add_gl_sync_meta.argtypes = [pointer, pointer]
    library.gst_buffer_add_gl_sync_meta.restype = pointer
    library.gst_gl_context_can_share.argtypes = [pointer, pointer]
    for call in (library.gst_gl_sync_meta_wait, library.gst_gl_sync_meta_set_sync_point):
        call.argtypes = [pointer, pointer]
        call.restype = None
    return library
