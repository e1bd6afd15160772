"""Times of work on a GPU, by its own events."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from typing import NamedTuple

from cuda.bindings import driver

from touchline.cuda.device import Device, DeviceMemory, Event, Stream
from touchline.cuda.driver import check

CALLS = 24  # in one measurement
REPEATS = 21
_WARM_UP = 3
COPIED = 512 << 20  # bytes of the copy that the bandwidth is told from: ten times the second-level cache


class Times(NamedTuple):
    """Median microseconds of one call: queued as a graph, which leaves the GPU no time to wait for the host, and one by
    one."""

    graph: float
    stream: float


def timed(device: Device, stream: Stream, queue: Callable[[int], None], calls: int = CALLS) -> Times:
    """Times ``queue(number)``, which queues call 0 .. ``calls`` - 1 in the stream's order and waits for nothing."""
    mode = driver.CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_THREAD_LOCAL
    for number in range(calls):  # what is made at first calls is made
        queue(number)
    stream.wait()
    with device.current():
        check(driver.cuStreamBeginCapture(stream.native, mode), "record a graph")
        for number in range(calls):
            queue(number)
        graph = check(driver.cuStreamEndCapture(stream.native), "record a graph")
        ready = check(driver.cuGraphInstantiate(graph, 0), "prepare a graph")

    def replay() -> None:
        with device.current():
            check(driver.cuGraphLaunch(ready, stream.native), "run a graph")

    def one_by_one() -> None:
        for number in range(calls):
            queue(number)

    made = Times(*(_median_us(device, stream, run) / calls for run in (replay, one_by_one)))
    with device.current():
        driver.cuGraphExecDestroy(ready)
        driver.cuGraphDestroy(graph)
    return made


def copy_rate(device: Device, stream: Stream) -> float:
    """Bytes per second of a large copy on the device, those read and those written; the better way of queueing it."""
    with DeviceMemory(device, COPIED) as source, DeviceMemory(device, COPIED) as target:

        def copy(_: int) -> None:
            with device.current():
                check(driver.cuMemcpyDtoDAsync(target.pointer, source.pointer, COPIED, stream.native), "copy")

        source.clear(stream)
        return 2 * COPIED / min(timed(device, stream, copy, 4)) * 1e6


def _median_us(device: Device, stream: Stream, run: Callable[[], None]) -> float:
    begin, end = Event(device, timing=True), Event(device, timing=True)
    times = []
    for _ in range(_WARM_UP + REPEATS):
        begin.record(stream)
        run()
        end.record(stream)
        end.wait()
        times.append(end.elapsed_ms(begin) * 1e3)
    begin.close()
    end.close()
    return statistics.median(times[_WARM_UP:])
