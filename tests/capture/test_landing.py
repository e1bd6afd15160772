"""Where decoded pictures come to lie: who decodes them is asked for by each source for itself."""

from __future__ import annotations

import threading
from fractions import Fraction
from typing import Any

import pytest

from footage import number_of, write_numbered
from touchline.capture import landing
from touchline.capture.landing import CudaLanding, SystemLanding
from touchline.capture.sources import Source
from touchline.capture.uris import parse_source
from touchline.counters import BusBytes
from touchline.gst.domains import SystemDomain
from touchline.gst.elements import available
from touchline.gst.library import Gst
from touchline.gst.pipelines import system_clock


class Preferring(SystemLanding):
    """Plain memory, and CUDA's way to choose decoders."""

    def __init__(self) -> None:
        self._cuda = CudaLanding(SystemDomain(), BusBytes())

    def prefer(self, decoding: Any) -> None:
        self._cuda.prefer(decoding)


def decoders_of(uri: str, where: SystemLanding) -> tuple[list[str], list[int]]:
    """The decoders that a source made, and the numbers of its frames."""
    numbers: list[int] = []
    made: list[str] = []
    ended = threading.Event()

    def note(frame: Any) -> None:
        with frame.picture.read() as picture:
            numbers.append(number_of(picture.y))

    source = Source(
        parse_source(uri),
        "left",
        paced=False,
        on_frame=note,
        on_end=lambda _: ended.set(),
        landing=where,
    )
    source._pipeline.gst.connect(
        "deep-element-added", lambda _pipeline, _bin, new: made.append(new.get_factory().get_name())
    )
    source.open(system_clock().get_time())
    source.start(system_clock().get_time())
    assert ended.wait(20)
    source.stop()
    kinds = {name: Gst.ElementFactory.find(name) for name in made if name != "decodebin"}
    decoders = [name for name in kinds if kinds[name].list_is_type(Gst.ELEMENT_FACTORY_TYPE_DECODER)]
    return decoders, numbers


@pytest.mark.skipif(
    not (available("openh264dec") and available("avdec_h264")), reason="two decoders are needed"
)
def test_a_decoder_of_the_list_goes_before_a_higher_rank_in_this_source_alone(tmp_path, monkeypatch) -> None:
    """NVIDIA's have the rank of the processor's: a global rank would change what others in the process get."""
    film = str(write_numbered(tmp_path / "film.mp4", 12, Fraction(30)))
    monkeypatch.setattr(landing, "_DECODERS", ("openh264dec",))
    assert decoders_of(film, Preferring()) == (["openh264dec"], list(range(12)))
    assert decoders_of(film, SystemLanding()) == (["avdec_h264"], list(range(12)))


def test_without_one_of_the_list_nothing_changes(tmp_path) -> None:
    film = str(write_numbered(tmp_path / "film.mkv", 12, Fraction(30)))
    plain, _ = decoders_of(film, SystemLanding())
    assert decoders_of(film, Preferring()) == (plain, list(range(12)))


def test_full_range_and_other_formats_are_told_by_the_pad() -> None:
    source = Gst.ElementFactory.make("videotestsrc")
    pad = source.get_static_pad("src")
    assert landing._colours(pad) == ("NV12", False), "what is not known yet is taken for the usual"
    for text, said in (
        ("video/x-raw,format=NV12,width=32,height=32,colorimetry=bt709", ("NV12", False)),
        ("video/x-raw,format=I420,width=32,height=32,colorimetry=1:4:0:0", ("I420", True)),
        ("video/x-raw,format=NV12,width=32,height=32,colorimetry=1:3:5:1", ("NV12", True)),
    ):
        pad = Gst.Pad.new("pad", Gst.PadDirection.SRC)
        pad.set_active(True)
        pad.push_event(Gst.Event.new_stream_start("one"))
        pad.push_event(Gst.Event.new_caps(Gst.Caps.from_string(text)))
        assert landing._colours(pad) == said
        assert not landing._on_gpu(pad)


def test_a_pad_that_offers_gpu_memory_is_known_by_it() -> None:
    on_gpu = Gst.Caps.from_string("video/x-raw,format=NV12;video/x-raw(memory:CUDAMemory),format=NV12")
    template = Gst.PadTemplate.new("src", Gst.PadDirection.SRC, Gst.PadPresence.ALWAYS, on_gpu)
    assert landing._on_gpu(Gst.Pad.new_from_template(template, "src"))
