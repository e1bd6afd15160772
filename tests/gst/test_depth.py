"""Asking producers for depth: by allocation query and by property."""

from __future__ import annotations

import gc
import itertools
import weakref
from typing import Any

import pytest
from gi.repository import GObject

from touchline.gst.depth import AllocationAnswer, ask_properties, pool_depth
from touchline.gst.elements import make
from touchline.gst.library import SECOND, Gst, GstVideo
from touchline.gst.pipelines import Pipeline

NV12 = Gst.Caps.from_string("video/x-raw,format=NV12,width=324,height=180,framerate=30/1")


class StandIn(Gst.Element):
    """Has the pool property of some vendor's element, and as many sink pads as are asked for."""

    __gsttemplates__ = (
        Gst.PadTemplate.new("sink_%u", Gst.PadDirection.SINK, Gst.PadPresence.REQUEST, Gst.Caps.new_any()),
        Gst.PadTemplate.new("src", Gst.PadDirection.SRC, Gst.PadPresence.ALWAYS, Gst.Caps.new_any()),
    )

    def __init__(self) -> None:
        super().__init__()
        self.add_pad(Gst.Pad.new_from_template(self.get_pad_template("src"), "src"))

    def with_sinks(self, count: int) -> StandIn:
        template = self.get_pad_template("sink_%u")
        for number in range(count):
            self.add_pad(Gst.Pad.new_from_template(template, f"sink_{number}"))
        return self


def stand_in(name: str, now: int, most: int, mutable: bool = False) -> type[StandIn]:
    """An element type with one such property, of the range of the real one."""
    flags = int(GObject.ParamFlags.READWRITE) | (Gst.PARAM_MUTABLE_PLAYING if mutable else 0)
    values = {"now": now}

    def read(self: Any, _spec: Any) -> int:
        return int(getattr(self, "value", values["now"]))

    def write(self: Any, _spec: Any, value: int) -> None:
        self.value = value

    return type(
        "StandIn" + name.title().replace("-", "") + str(most) + str(mutable),
        (StandIn,),
        {
            "__gproperties__": {name: (int, name, "buffers kept", 0, most, now, flags)},
            "__gstmetadata__": ("stand-in", "Generic", "a vendor's pool property", "tests"),
            "do_get_property": read,
            "do_set_property": write,
        },
    )


DECODER = stand_in("num-extra-surfaces", 1, 24)
CONVERTER = stand_in("output-buffers", 4, 2**31 - 1)
MUXER = stand_in("buffer-pool-size", 4, 2**31 - 1)
PLAYING = stand_in("num-output-surfaces", 0, 64, mutable=True)


def chain(*elements: Any) -> Pipeline:
    pipeline = Pipeline("asked")
    for element in elements:
        pipeline.gst.add(element)
    for upstream, downstream in itertools.pairwise(elements):
        pads = [pad for pad in downstream.sinkpads if not pad.is_linked()]
        free = [pad for pad in upstream.srcpads if not pad.is_linked()]
        assert free[0].link(pads[0]) == Gst.PadLinkReturn.OK
    return pipeline


@pytest.mark.parametrize("middle", [[], ["queue"], ["identity", "queue"]])
def test_a_real_producer_sizes_its_pool_by_our_answer(middle: list[str]) -> None:
    """Its pool's own configuration says so, and the size is that of padded rows."""
    pipeline = Pipeline("asked")
    sink = make("appsink", sync=False, max_buffers=2)
    pipeline.add(make("videotestsrc", num_buffers=4), make("capsfilter", caps=NV12), *map(make, middle), sink)
    answer = AllocationAnswer(sink.get_static_pad("sink"), 37)
    pipeline.play()
    sample = sink.emit("try-pull-sample", 10 * SECOND)
    assert sample is not None, pipeline.failed
    buffer = sample.get_buffer()
    _, _, size, least, most = Gst.BufferPool.config_get_params(buffer.pool.get_config())
    assert (size, least, most) == (buffer.get_size(), 37, 0)
    assert pool_depth(buffer) is None, "it has no upper limit"
    assert answer.answered == 1
    del buffer, sample
    pipeline.stop()


def test_the_answer_has_the_size_of_the_caps_and_allows_padded_rows() -> None:
    """A producer that takes the size as it is would make empty buffers; one without the meta repacks each frame."""
    sink = make("appsink")
    pad = sink.get_static_pad("sink")
    answer = AllocationAnswer(pad, 12)
    query = Gst.Query.new_allocation(NV12, True)
    sink.set_state(Gst.State.PAUSED)
    assert pad.query(query)
    assert query.parse_nth_allocation_pool(0)[1:] == (324 * 180 * 3 // 2, 12, 0)
    found, _ = query.find_allocation_meta(GstVideo.video_meta_api_get_type())
    assert found
    answer.remove()
    sink.set_state(Gst.State.NULL)


@pytest.mark.parametrize("removed", [False, True])
def test_an_answer_lives_as_long_as_its_pad_and_no_longer(removed: bool) -> None:
    """GStreamer calls into it; freed too early it would be a crash, and too late it would keep the pad."""
    sink = make("appsink")
    sink.set_state(Gst.State.PAUSED)
    answer: Any = AllocationAnswer(sink.get_static_pad("sink"), 9)
    alive = weakref.ref(answer)
    if removed:
        answer.remove()
        answer.remove()
    del answer
    gc.collect()
    assert (alive() is None) == removed
    query = Gst.Query.new_allocation(NV12, True)
    sink.get_static_pad("sink").query(query)
    assert query.get_n_allocation_pools() == (0 if removed else 1)
    sink.set_state(Gst.State.NULL)
    gone = weakref.ref(sink)
    del sink
    gc.collect()
    assert (gone(), alive()) == (None, None)


def test_other_queries_are_left_to_the_element() -> None:
    pipeline = Pipeline("asked")
    sink = make("appsink", sync=False, max_buffers=1)
    source = make("videotestsrc", num_buffers=1)
    pipeline.add(source, make("capsfilter", caps=NV12), sink)
    answer = AllocationAnswer(sink.get_static_pad("sink"), 5)
    pipeline.play()
    assert sink.emit("try-pull-sample", 10 * SECOND) is not None
    assert source.get_static_pad("src").peer_query_caps(None).is_equal(NV12)
    assert answer.answered == 1
    answer.remove()
    query = Gst.Query.new_allocation(NV12, True)
    sink.get_static_pad("sink").query(query)
    assert answer.answered == 1
    assert query.get_n_allocation_pools() == 0
    pipeline.stop()


def test_the_depth_of_a_pool_is_its_limit() -> None:
    pool = Gst.BufferPool.new()
    config = pool.get_config()
    Gst.BufferPool.config_set_params(config, NV12, 1000, 0, 7)
    assert pool.set_config(config)
    pool.set_active(True)
    _, buffer = pool.acquire_buffer(None)
    assert pool_depth(buffer) == 7
    assert pool_depth(Gst.Buffer.new()) is None
    del buffer
    pool.set_active(False)


def test_the_nearest_that_can_be_asked_is_asked() -> None:
    """Behind a converter with a pool of its own the decoder needs no more surfaces."""
    decoder, converter = DECODER().with_sinks(0), CONVERTER().with_sinks(1)
    sink = make("fakesink")
    pipeline = chain(decoder, converter, make("queue"), make("identity"), sink)
    said = ask_properties(sink.get_static_pad("sink"), 218)
    assert converter.get_property("output-buffers") == 218
    assert decoder.get_property("num-extra-surfaces") == 1
    assert said == [f"{converter.get_name()}: output-buffers raised from 4 to 218"]
    assert ask_properties(sink, 100) == [], "never lowered"
    assert converter.get_property("output-buffers") == 218
    pipeline.stop()


def test_bins_tees_and_every_branch_are_walked_through() -> None:
    left, right, mixer = DECODER().with_sinks(0), MUXER().with_sinks(0), StandIn().with_sinks(2)
    box = Gst.Bin.new("box")
    inner = make("identity")
    box.add(inner)
    box.add_pad(Gst.GhostPad.new("sink", inner.get_static_pad("sink")))
    box.add_pad(Gst.GhostPad.new("src", inner.get_static_pad("src")))
    outer = Gst.Bin.new("outer")
    outer.add(right)
    outer.add_pad(Gst.GhostPad.new("src", right.get_static_pad("src")))
    pipeline = Pipeline("asked")
    tee, sink = make("tee"), make("fakesink")
    for element in (left, outer, box, mixer, tee, sink):
        pipeline.gst.add(element)
    left.srcpads[0].link(mixer.sinkpads[0])
    outer.srcpads[0].link(box.get_static_pad("sink"))
    box.get_static_pad("src").link(mixer.sinkpads[1])
    mixer.srcpads[0].link(tee.get_static_pad("sink"))
    tee.link(sink)
    said = ask_properties(sink, 20)
    assert sorted(said) == sorted(
        [
            f"{left.get_name()}: num-extra-surfaces raised from 1 to 20",
            f"{right.get_name()}: buffer-pool-size raised from 4 to 20",
        ]
    )
    pipeline.stop()


def test_what_can_not_be_given_in_full_is_said() -> None:
    decoder, sink = DECODER().with_sinks(0), make("fakesink")
    pipeline = chain(decoder, sink)
    assert ask_properties(sink, 210) == [
        f"{decoder.get_name()}: num-extra-surfaces raised from 1 to 24; 210 are needed"
    ]
    pipeline.stop()


def test_who_is_reached_twice_is_asked_once() -> None:
    decoder, mixer = DECODER().with_sinks(0), StandIn().with_sinks(2)
    tee, queues, sink = make("tee"), [make("queue"), make("queue")], make("fakesink")
    pipeline = Pipeline("asked")
    for element in (decoder, tee, *queues, mixer, sink):
        pipeline.gst.add(element)
    decoder.link(tee)
    for queue in queues:
        tee.link(queue)
        queue.link(mixer)
    mixer.link(sink)
    assert all(pad.is_linked() for pad in mixer.sinkpads)
    assert len(ask_properties(sink, 210)) == 1
    assert ask_properties(sink, 210) == [
        f"{decoder.get_name()}: num-extra-surfaces is 24 and can't be raised; 210 are needed"
    ]
    pipeline.stop()


def test_what_can_not_be_changed_while_running_is_left_alone_and_said() -> None:
    fixed, free = DECODER().with_sinks(0), PLAYING().with_sinks(0)
    for element, lines in (
        (fixed, ["num-extra-surfaces is 1 and can't be changed while paused; 9 are needed"]),
        (free, ["num-output-surfaces raised from 0 to 9"]),
    ):
        sink = make("fakesink", async_=False)
        pipeline = chain(element, sink)
        pipeline.gst.set_state(Gst.State.PAUSED)
        assert ask_properties(sink, 9) == [f"{element.get_name()}: {line}" for line in lines]
        pipeline.stop()
    assert fixed.get_property("num-extra-surfaces") == 1


def test_nobody_to_ask_is_no_fault() -> None:
    sink = make("fakesink")
    assert ask_properties(sink, 5) == []
    pipeline = chain(make("videotestsrc"), make("identity"), sink)
    assert ask_properties(sink, 5) == []
    pipeline.stop()
