"""NVIDIA's elements, made as the configuration names them, and what their pads can take."""

from __future__ import annotations

from typing import Any

from touchline.deepstream.settings import DeepStreamSettings, ElementSettings, Value
from touchline.errors import ConfigurationError, MissingElementError
from touchline.gst.elements import available, has_property, make, package_of, set_property
from touchline.gst.library import Gst

NVMM = "memory:NVMM"


def build(table: str, settings: ElementSettings, name: str | None = None, **ours: Any) -> Any:
    """An element of the configuration.

    Args:
        table: of the configuration, for messages: "stitcher".
        settings: which element, and its properties.
        name: in the pipeline.
        ours: what we set, where the element has such a property; underscores stand for hyphens. The configuration's
            properties win.

    Raises:
        MissingElementError: if this GStreamer has no such element.
        ConfigurationError: for a property that it does not have, or does not take such a value for.
    """
    if not available(settings.element):
        package = package_of(settings.element)
        source = f"install the package {package}" if package else "NVIDIA's come with DeepStream and JetPack"
        raise MissingElementError(
            f"GStreamer has no element {settings.element!r}: {source}; "
            f"another one can be named in [deepstream.{table}]"
        )
    element = make(settings.element, name)
    for key, value in ours.items():
        key = key.replace("_", "-")
        if key not in settings.properties and has_property(element, key):
            set_property(element, key, value)
    for key, value in settings.properties.items():
        _set(table, element, key, value)
    return element


def missing(settings: DeepStreamSettings) -> list[str]:
    """Those elements of a run, without detector and overlay, that this GStreamer does not have."""
    wanted = (
        settings.decoder,
        settings.mux,
        settings.stitcher,
        settings.converter,
        settings.camera,
        settings.encoder,
    )
    return [one.element for one in wanted if not available(one.element)]


def set_if_named(table: str, element: Any, key: str, value: Value) -> None:
    """Sets a property whose name stands in the configuration; the empty name is none.

    Raises:
        ConfigurationError: if the element does not have it.
    """
    if key:
        _set(table, element, key, value)


def takes(element: Any, caps: Any) -> bool:
    """Whether an element can be given such frames, as its pad templates say."""
    templates = [
        template
        for template in element.get_pad_template_list()
        if template.direction == Gst.PadDirection.SINK
    ]
    return any(template.get_caps().can_intersect(caps) for template in templates)


def nvmm_caps(format: str, width: int = 0, height: int = 0, fps: Any = None) -> Any:
    """Gst.Caps of frames in NVMM memory; what is 0 or None is left open."""
    text = f"video/x-raw({NVMM}),format={format}"
    text += f",width={width},height={height}" if width and height else ""
    text += f",framerate={fps.numerator}/{fps.denominator}" if fps is not None else ""
    return Gst.Caps.from_string(text)


def in_nvmm(caps: Any) -> bool:
    """Whether caps say that frames are, or may be, in NVMM memory."""
    return any(
        caps.get_features(place) is not None and caps.get_features(place).contains(NVMM)
        for place in range(caps.get_size())
    )


def converter(settings: ElementSettings, caps: Any, name: str | None = None, **ours: Any) -> list[Any]:
    """A converter and the caps that it has to give."""
    return [build("converter", settings, name, **ours), make("capsfilter", caps=caps)]


def bridge(settings: ElementSettings, element: Any, given: Any) -> list[Any]:
    """What has to stand before an element that can't take what it would be given: nothing, or a converter to RGBA."""
    return [] if takes(element, given) else converter(settings, nvmm_caps("RGBA"))


def joined(source: Any, sink: Any) -> bool:
    """Links two pads; False if they do not fit."""
    try:
        return bool(source.link(sink) == Gst.PadLinkReturn.OK)
    except Gst.LinkError:  # of gst-python's overrides
        return False


def _set(table: str, element: Any, key: str, value: Value) -> None:
    what = f"[deepstream.{table}]: {element.get_factory().get_name()}"
    if not has_property(element, key):
        raise ConfigurationError(f"{what} has no property {key!r}; `gst-inspect-1.0` lists those that it has")
    kind = element.find_property(key).value_type
    if isinstance(value, str) and kind.name != "gchararray" and not _readable(kind, value):
        raise ConfigurationError(f"{what}: {key} can't be {value!r}: it is no {kind.name}")
    try:
        set_property(element, key, value)
    except (TypeError, OverflowError, ValueError) as error:
        raise ConfigurationError(f"{what}: {key} can't be {value!r}: {error}") from error


def _readable(kind: Any, text: str) -> bool:
    """Whether GStreamer reads the text as a value of this type; setting it says nothing when it does not."""
    try:
        return Gst.Structure.new_from_string(f"value, is=({kind.name}){text}") is not None
    except TypeError:  # PyGObject's way to say that the constructor gave nothing
        return False
