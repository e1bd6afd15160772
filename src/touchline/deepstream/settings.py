"""The table ``[deepstream]`` of the configuration: which elements do the work, and their properties.

Values are set on the elements as properties, never written into the text of a pipeline. Names may be written with
``_`` or ``-``. What a table leaves out is as we set it, or as the element has it; what it names wins.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

Value = bool | int | float | str
Factory = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]*$")]


class ElementSettings(BaseModel):
    """One element: its name in GStreamer, and properties for it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    element: Factory
    properties: dict[str, Value] = {}

    @field_validator("properties")
    @classmethod
    def _hyphens(cls, given: dict[str, Value]) -> dict[str, Value]:
        return {name.replace("_", "-"): value for name, value in given.items()}


class SensorSettings(ElementSettings):
    """A camera of ``csi://N``: the mode that is asked of it."""

    element: Factory = "nvarguscamerasrc"
    width: int = Field(default=3840, ge=16, le=16384, multiple_of=2)
    height: int = Field(default=2160, ge=16, le=16384, multiple_of=2)
    fps: str = Field(default="30", pattern=r"^\d{1,3}(/\d{1,4})?$")


class DecoderSettings(ElementSettings):
    """Files and network streams: ``nvurisrcbin`` does all, any other element stands between a parser and the muxer."""

    element: Factory = "nvurisrcbin"


class StitcherSettings(ElementSettings):
    """Makes one panorama of a batch of two pictures. ``width`` and ``height`` name the properties for its size."""

    element: Factory = "nvdsstitch"
    width: str = "panorama-width"
    height: str = "panorama-height"


class Angle(BaseModel):
    """A property that gets an angle: our degrees times ``scale`` plus ``offset``.

    Ours grow to the right and upwards, and the field of view is the horizontal one.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    property: str
    scale: float = Field(default=1.0, allow_inf_nan=False)
    offset: float = Field(default=0.0, allow_inf_nan=False)


class VirtualCameraSettings(ElementSettings):
    """Renders the programme's picture: ``pan``, ``tilt`` and ``zoom`` are set for every frame, the sizes once.

    A size whose property is the empty text is not set: the element takes it from its caps.
    """

    element: Factory = "nvdsvirtualcam"
    pan: Angle = Angle(property="yaw")
    tilt: Angle = Angle(property="pitch")
    zoom: Angle = Angle(property="fov")
    width: str = "output-width"
    height: str = "output-height"
    panorama_width: str = "panorama-width"
    panorama_height: str = "panorama-height"

    @field_validator("pan", "tilt", "zoom", mode="before")
    @classmethod
    def _by_name(cls, given: object) -> object:
        """``pan = "yaw"`` for ``pan = { property = "yaw" }``."""
        return {"property": given} if isinstance(given, str) else given


class EncoderElement(ElementSettings):
    """The hardware encoder; H.265 where its name says so."""

    element: Factory = "nvv4l2h264enc"

    @property
    def codec(self) -> Literal["h264", "h265"]:
        """What comes out."""
        return "h265" if any(name in self.element for name in ("265", "hevc")) else "h264"


class DetectorSettings(ElementSettings):
    """A network that looks at tiles of the panorama; only with ``enabled``, else movement is looked for."""

    enabled: bool = False
    element: Factory = "nvinfer"
    tiles: ElementSettings = ElementSettings(element="nvtilebatcher")
    tiles_width: str = "panorama-width"
    tiles_height: str = "panorama-height"
    tile_size: int = Field(default=1024, ge=16, le=8192)
    positions: list[tuple[int, int]] = []
    every: int = Field(default=3, ge=1, le=1000, description="frames from one that is looked at to the next")
    threshold: float = Field(default=0.4, gt=0, lt=1)


class DeepStreamSettings(BaseModel):
    """Everything that can be said about the DeepStream way."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sensor: SensorSettings = SensorSettings()
    decoder: DecoderSettings = DecoderSettings()
    mux: ElementSettings = ElementSettings(element="nvstreammux")
    stitcher: StitcherSettings = StitcherSettings()
    converter: ElementSettings = ElementSettings(element="nvvideoconvert")
    camera: VirtualCameraSettings = VirtualCameraSettings()
    overlay: ElementSettings | None = None
    encoder: EncoderElement = EncoderElement()
    detector: DetectorSettings = DetectorSettings()
    panorama_size: str = Field(default="5700x1900", pattern=r"^\d{2,5}x\d{2,5}$")
    in_flight: int = Field(
        default=4, ge=1, le=64, description="held frames that NVIDIA's elements have at once"
    )

    @model_validator(mode="after")
    def _check_depth(self) -> DeepStreamSettings:
        if "output-buffers" in self.converter.properties:
            raise ValueError("output-buffers of the converters come from the memory plan; leave it away")
        return self
