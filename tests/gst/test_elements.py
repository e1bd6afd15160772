"""Elements: made by name, their properties set as meant, named with their package when they are missing."""

from __future__ import annotations

import pytest

from touchline.errors import ConfigurationError, MissingElementError
from touchline.gst.elements import available, has_property, make, package_of, set_property


def test_properties_are_set_as_meant() -> None:
    queue = make("queue", "waiting-room", max_size_buffers=7, leaky="downstream")
    assert queue.get_name() == "waiting-room"
    assert queue.get_property("max-size-buffers") == 7
    assert queue.get_property("leaky").value_nick == "downstream"
    sink = make("fakesink", async_=False, sync=True)
    assert sink.get_property("async") is False
    assert sink.get_property("sync") is True


def test_text_is_taken_as_it_is() -> None:
    """A path with a space, a quote or an exclamation mark can't become a pipeline."""
    odd = 'a "b" ! fakesink \\ ü.mp4'
    assert make("filesink", location=odd).get_property("location") == odd


def test_text_for_a_number_is_read_as_one() -> None:
    source = make("videotestsrc", num_buffers="12", pattern="ball")
    assert source.get_property("num-buffers") == 12
    assert source.get_property("pattern").value_nick == "ball"


def test_what_is_missing_is_named_with_its_package() -> None:
    with pytest.raises(
        MissingElementError, match=r"no element 'avdec_klingon': install the package gstreamer1\.0-libav"
    ):
        make("avdec_klingon")
    with pytest.raises(ConfigurationError, match="no element 'warpdrive'"):
        make("warpdrive")
    assert not available("warpdrive")


def test_an_unknown_property_is_an_error() -> None:
    queue = make("queue")
    assert has_property(queue, "leaky")
    assert not has_property(queue, "warp")
    with pytest.raises(TypeError):
        set_property(queue, "warp", 9)


@pytest.mark.parametrize(
    ("factory", "package"),
    [
        ("x264enc", "gstreamer1.0-plugins-ugly"),
        ("srtsink", "gstreamer1.0-plugins-bad"),
        ("mp4mux", "gstreamer1.0-plugins-good"),
        ("v4l2sink", "gstreamer1.0-plugins-good"),
        ("appsrc", "gstreamer1.0-plugins-base"),
        ("queue", None),
    ],
)
def test_packages_are_known(factory: str, package: str | None) -> None:
    assert package_of(factory) == package
