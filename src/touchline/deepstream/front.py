"""The programme's pictures in the DeepStream way: the held panorama through the virtual camera element.

::

    appsrc -> [RGBA] -> virtual camera -> [overlay] -> converter -> NV12 in NVMM memory -> queue -> (paced, encoded)

Rendering runs ahead of the time at which a picture leaves, by what the queue takes; the panorama goes back to its pool
as soon as it is rendered. The camera's angles are set in the thread that renders, right before each frame.
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from touchline.deepstream.elements import bridge, build, converter, nvmm_caps, set_if_named, takes
from touchline.deepstream.encoder import choose_nvmm_encoder, nvmm_encoder
from touchline.deepstream.settings import DeepStreamSettings
from touchline.errors import TouchlineError
from touchline.geometry import View
from touchline.gst.caps import VideoCaps, packed_bytes
from touchline.gst.elements import has_property, make
from touchline.gst.library import Gst
from touchline.programme.encoders import EncoderChoice, EncoderSettings
from touchline.programme.specs import Codec

_ENCODER_FRAMES = 24  # of the programme's pool, in the queue before the encoder and in it
_REMEMBERED = 600  # views that may wait for their frames
_OVERLAY_IN = "RGBA"  # nvdsosd draws on it everywhere
_NARROW_DEG = 60.0  # a camera whose range is smaller is told of
_CAMERA_POOL = 8  # surfaces that a virtual camera has, as those that we know of


class NvmmFront:
    """A :class:`~touchline.programme.front.Front` of NVIDIA's elements.

    Args:
        settings: which.
        panorama: of the held frames, with their rate.
        held: their Gst.Caps, as they came.
        picture: of the programme.
        whole: the whole panorama is shown, scaled, and no virtual camera is needed.
        ahead: pictures that may wait for their time.
        on_failed: called, from GStreamer's thread, if a view can't be set.

    Raises:
        MissingElementError, ConfigurationError: if an element or a property is not there.
    """

    def __init__(
        self,
        settings: DeepStreamSettings,
        panorama: VideoCaps,
        held: Any,
        picture: VideoCaps,
        *,
        whole: bool,
        ahead: int,
        on_failed: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.in_flight = settings.in_flight
        self.codec: Codec = settings.encoder.codec
        self.caps = held
        self._settings = settings
        self._panorama = panorama
        self._picture = picture
        self._whole = whole
        self._ahead = ahead
        self._on_failed = on_failed
        self._views: OrderedDict[int, View] = OrderedDict()
        self._lock = threading.Lock()
        self._camera: Any = None
        self._failed = False
        # Made once for nothing, so that what is missing is told before anything starts.
        self._needs_rgba = not whole and not takes(self._make_camera(), nvmm_caps("NV12"))

    @property
    def frames(self) -> int:
        """How many of the programme's pictures there are."""
        return self._ahead + _ENCODER_FRAMES

    @property
    def own_bytes(self) -> int:
        """About the memory that it takes beside the held frames."""
        picture, panorama = self._picture, self._panorama
        own = self.frames * packed_bytes("NV12", picture.width, picture.height)
        if not self._whole:
            own += _CAMERA_POOL * packed_bytes("RGBA", picture.width, picture.height)
        if self._needs_rgba:
            own += self.in_flight * packed_bytes("RGBA", panorama.width, panorama.height)
        return own

    @property
    def notes(self) -> list[str]:
        """What a person should know."""
        if self._whole:
            return []
        wanted, (low, high) = self._settings.camera, self.fov_deg
        notes = [f"{wanted.element} shows {low:g} to {high:g} degrees"] if high - low < _NARROW_DEG else []
        if self._needs_rgba:
            converts = self._settings.converter.element
            notes.append(f"{wanted.element} takes no NV12: {converts} makes RGBA of each panorama before it")
        return notes

    @property
    def fov_deg(self) -> tuple[float, float]:
        """The narrowest and the widest view that the camera can show, degrees."""
        zoom = self._settings.camera.zoom
        if self._whole or not zoom.scale:
            return 1.0, 150.0
        low, high, _ = _range(self._make_camera(), zoom.property)
        ends = sorted((end - zoom.offset) / zoom.scale for end in (low, high))
        return max(1.0, ends[0]), min(150.0, ends[1])

    def aim(self, at: int, view: View) -> None:
        """The frame with this PTS (ns) will be rendered with this view; before it is pushed."""
        with self._lock:
            self._views[at] = view
            while len(self._views) > _REMEMBERED:
                self._views.popitem(last=False)

    def elements(self) -> list[Any]:
        settings, picture = self._settings, self._picture
        before: list[Any] = []
        if not self._whole:
            self._camera = self._make_camera()
            before = [*bridge(settings.converter, self._camera, nvmm_caps("NV12")), self._camera]
            self._camera.get_static_pad("sink").add_probe(Gst.PadProbeType.BUFFER, self._set_view)
        if settings.overlay is not None:
            caps = nvmm_caps(_OVERLAY_IN, picture.width, picture.height)
            before += [*converter(settings.converter, caps), build("overlay", settings.overlay)]
        ready = nvmm_caps("NV12", picture.width, picture.height)
        pool = converter(settings.converter, ready, output_buffers=self.frames)
        waiting = make("queue", "rendered", max_size_buffers=self._ahead, max_size_bytes=0, max_size_time=0)
        return [*before, *pool, waiting]

    def plain(self) -> list[Any]:
        return converter(self._settings.converter, self._picture.to_gst())

    def choose_encoder(self, caps: VideoCaps, settings: EncoderSettings) -> EncoderChoice:
        return choose_nvmm_encoder(caps, settings, self._settings)

    def encoder_elements(self, caps: VideoCaps, settings: EncoderSettings) -> list[Any]:
        return nvmm_encoder(caps, settings, self._settings)

    def _make_camera(self) -> Any:
        wanted = self._settings.camera
        camera = build("camera", wanted, "camera", auto_follow=False)
        sizes = {
            wanted.width: self._picture.width,
            wanted.height: self._picture.height,
            wanted.panorama_width: self._panorama.width,
            wanted.panorama_height: self._panorama.height,
        }
        for name, pixels in sizes.items():
            set_if_named("camera", camera, name, pixels)
        for angle in (wanted.pan, wanted.tilt, wanted.zoom):
            if not has_property(camera, angle.property):
                set_if_named("camera", camera, angle.property, 0.0)  # says what is wrong
        return camera

    def _set_view(self, _pad: Any, info: Any) -> Any:
        """Turns the camera to where this frame wants it; called by GStreamer."""
        try:
            with self._lock:
                view = self._views.pop(info.get_buffer().pts, None)
            if view is not None:
                self._turn(view)
        except Exception as error:  # noqa: BLE001 - nothing may be thrown into GStreamer; told once
            if not self._failed:
                self._failed = True
                self._on_failed(f"the view can't be set: {error}")
        return Gst.PadProbeReturn.OK

    def _turn(self, view: View) -> None:
        wanted = self._settings.camera
        angles = (
            (wanted.pan, view.yaw_deg),
            (wanted.tilt, view.pitch_deg),
            (wanted.zoom, view.fov_deg),
        )
        for angle, degrees in angles:
            value = angle.scale * degrees + angle.offset
            if not math.isfinite(value):
                raise TouchlineError(f"{angle.property} can't be {value}")
            low, high, whole = _range(self._camera, angle.property)
            value = min(max(value, low), high)
            self._camera.set_property(angle.property, round(value) if whole else value)


def _range(element: Any, name: str) -> tuple[float, float, bool]:
    """The least and the most that a property takes, and whether it takes whole numbers only."""
    spec = element.find_property(name)
    return float(spec.minimum), float(spec.maximum), spec.value_type.name not in ("gfloat", "gdouble")
