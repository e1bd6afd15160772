"""The table [deepstream], the elements that are made of it, and what is set on the encoder."""

from __future__ import annotations

from fractions import Fraction

import pytest
import standins

from touchline.config import load_config
from touchline.deepstream.elements import bridge, build, in_nvmm, nvmm_caps, takes
from touchline.deepstream.encoder import choose_nvmm_encoder, rate_properties
from touchline.deepstream.settings import Angle, DeepStreamSettings, ElementSettings
from touchline.errors import ConfigurationError
from touchline.gst.caps import VideoCaps
from touchline.gst.elements import make
from touchline.gst.library import Gst
from touchline.programme.encoders import EncoderSettings
from touchline.programme.specs import OutputSpec

CAPS = VideoCaps(640, 360, Fraction(30))


@pytest.fixture
def elements():
    with standins.installed():
        yield


def test_the_defaults_are_those_elements_that_are_known() -> None:
    settings = DeepStreamSettings()
    assert [
        settings.sensor.element,
        settings.decoder.element,
        settings.mux.element,
        settings.stitcher.element,
        settings.converter.element,
        settings.camera.element,
        settings.encoder.element,
        settings.detector.tiles.element,
        settings.detector.element,
    ] == [
        "nvarguscamerasrc",
        "nvurisrcbin",
        "nvstreammux",
        "nvdsstitch",
        "nvvideoconvert",
        "nvdsvirtualcam",
        "nvv4l2h264enc",
        "nvtilebatcher",
        "nvinfer",
    ]
    assert settings.overlay is None
    assert not settings.detector.enabled


def test_a_file_s_table_is_read_with_hyphens_or_without(tmp_path) -> None:
    file = tmp_path / "t.toml"
    file.write_text(
        'memory = "nvmm"\n[deepstream.camera]\npan = "yaw"\n'
        'tilt = { property = "pitch", scale = -1.0, offset = 2 }\n'
        "properties = { smooth_factor = 0.5, gpu-id = 1 }\n"
    )
    camera = load_config({"left": "a.mp4", "right": "b.mp4"}, file).deepstream.camera
    assert camera.pan == Angle(property="yaw")
    assert camera.tilt == Angle(property="pitch", scale=-1.0, offset=2)
    assert camera.properties == {"smooth-factor": 0.5, "gpu-id": 1}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[deepstream]\ncolour = 1\n", "unknown setting 'colour'"),
        ("[deepstream.sensor]\nfps = 'often'\n", r"\[deepstream.sensor\] fps"),
        ("[deepstream.mux]\nproperties = { width = 5 }\n", r"\[deepstream.mux\] element"),
        ("[deepstream.stitcher]\nelement = 'fakesink ! x'\n", r"\[deepstream.stitcher\] element"),
        (
            "[deepstream.converter]\nelement = 'nvvideoconvert'\nproperties = { output_buffers = 9 }\n",
            "output-buffers of the converters come from the memory plan",
        ),
    ],
)
def test_a_mistake_is_named_with_its_table(tmp_path, text, said) -> None:
    file = tmp_path / "t.toml"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=said):
        load_config({"left": "a.mp4", "right": "b.mp4"}, file)


def test_what_we_set_is_set_where_it_can_be_and_yields_to_the_configuration(elements) -> None:
    wanted = ElementSettings(element="nvstreammux", properties={"batch_size": 4})
    mux = build("mux", wanted, batch_size=2, live_source=True, no_such_property=5)
    assert mux.get_property("batch-size") == 4
    assert mux.get_property("live-source")


def test_a_converter_stands_only_before_what_can_not_take_the_frames(elements) -> None:
    converter = ElementSettings(element="nvvideoconvert")
    nv12 = nvmm_caps("NV12")
    for name, converters in (("nvdsvirtualcam", 1), ("somebodyscamera", 0), ("nvv4l2h264enc", 0)):
        element = make(name)
        assert takes(element, nv12) == (not converters)
        before = bridge(converter, element, nv12)
        assert [one.get_factory().get_name() for one in before] == [
            "nvvideoconvert",
            "capsfilter",
        ] * converters
    assert not takes(make("nvdsvirtualcam"), Gst.Caps.from_string("video/x-raw,format=RGBA"))


def test_caps_say_where_frames_are() -> None:
    assert nvmm_caps("NV12", 64, 48, Fraction(30)).to_string() == (
        "video/x-raw(memory:NVMM), format=(string)NV12, width=(int)64, height=(int)48, framerate=(fraction)30/1"
    )
    assert in_nvmm(nvmm_caps("RGBA"))
    assert not in_nvmm(Gst.Caps.from_string("video/x-raw,format=RGBA"))


def test_the_encoder_gets_bits_per_second_and_a_key_frame_a_second() -> None:
    told = rate_properties(CAPS, EncoderSettings(bitrate_kbps=2500), "h265")
    assert (told["bitrate"], told["iframeinterval"], told["idrinterval"]) == (2_500_000, 30, 30)
    assert (told["num-B-Frames"], told["insert-sps-pps"], told["profile"]) == (0, True, "Main")


def test_an_encoder_is_tried_before_it_is_believed(elements) -> None:
    settings = DeepStreamSettings()
    choice = choose_nvmm_encoder(CAPS, EncoderSettings(bitrate_kbps=2500), settings)
    assert str(choice) == "nvv4l2h264enc (NVENC), 2500 kbit/s"
    broken = DeepStreamSettings.model_validate(
        {"encoder": {"element": "x264enc", "properties": {"bitrate": 2000}}}
    )  # takes no NVMM memory
    with pytest.raises(ConfigurationError, match="x264enc can't be used"):
        choose_nvmm_encoder(CAPS, EncoderSettings(), broken)


def test_h265_goes_into_files_and_not_into_rtmp() -> None:
    assert OutputSpec("record", "film.mp4", "h265").encoded
    with pytest.raises(ConfigurationError, match=r"RTMP takes H.264 only"):
        OutputSpec("stream", "rtmp://host/app/key", "h265")
