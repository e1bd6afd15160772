"""GStreamer's part of the GPU chain."""

from __future__ import annotations

from touchline.cuda.probe import broken
from touchline.gst.cuda_links import CONVERTERS, DECODERS, ENCODERS, chain, found_of, links
from touchline.gst.library import Gst


def test_every_broken_link_says_what_to_do() -> None:
    for link in links():
        assert link.detail
        assert link.ok or link.remedy, link


def test_the_chain_begins_with_the_driver_and_names_a_link_once() -> None:
    names = [link.name for link in chain()]
    assert names[0] == "NVIDIA driver"
    assert len(set(names)) == len(names)


def test_what_can_be_done_on_the_cpu_breaks_no_chain() -> None:
    optional = {link.name for link in links() if not link.needed}
    assert optional == {"converters on the GPU", "decoders on the GPU", "encoders on the GPU"}


def test_elements_are_there_if_their_link_says_so() -> None:
    by_name = {link.name: link for link in links()}
    for title, kinds in (("decoders", DECODERS), ("encoders", ENCODERS), ("converters", CONVERTERS)):
        link = by_name[f"{title} on the GPU"]
        for kind, names in kinds.items():
            there = any(Gst.ElementFactory.find(name) for name in names)
            assert there == (found_of(names) is not None)
            assert (kind in link.detail.split(";")[0].split(", ")) == there
    assert (broken(links()) is None) <= by_name["cudaupload"].ok
