"""Streams over the loopback interface, with receivers that come, go and come back."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from numbered import CAPS, Receiver, decode, frame_due, free_port, push, push_live

from touchline.errors import ConfigurationError, OutputError
from touchline.gst.library import SECOND
from touchline.gst.pipelines import system_clock
from touchline.programme import EncoderSettings, OutputSpec, Programme

SMALL = EncoderSettings(bitrate_kbps=600, keyframe_s=0.5)


def _start(*specs: OutputSpec, **options) -> tuple[Programme, int]:
    programme = Programme(CAPS, specs, encoder=SMALL, **options)
    base = system_clock().get_time() + SECOND // 4
    programme.start(base)
    return programme, base


def _is_run(numbers: list[int]) -> bool:
    return numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def test_udp_and_srt_arrive_whole() -> None:
    udp, srt = free_port(), free_port()
    receivers = [
        Receiver(f"udpsrc port={udp}"),
        Receiver(f'srtsrc uri="srt://127.0.0.1:{srt}?mode=listener"'),
    ]
    programme, base = _start(
        OutputSpec("stream", f"udp://127.0.0.1:{udp}"), OutputSpec("stream", f"srt://127.0.0.1:{srt}")
    )
    try:
        push_live(programme, base, range(75))
        programme.finish(10)
        assert [(s.frames, s.dropped, s.restarts, s.error) for s in programme.outputs] == [
            (75, 0, 0, None)
        ] * 2
        for receiver in receivers:
            # The demuxer keeps the last frame until another one begins.
            receiver.wait(73)
            assert receiver.frames[:74] == list(range(74))
    finally:
        programme.stop()
        for receiver in receivers:
            receiver.close()


def test_srt_listens_for_receivers_that_come_late() -> None:
    port = free_port()
    programme, base = _start(OutputSpec("stream", f"srt://:{port}?mode=listener"))
    try:
        push_live(programme, base, range(45))
        receiver = Receiver(f'srtsrc uri="srt://127.0.0.1:{port}"')
        push_live(programme, base, range(45, 120))
        programme.finish(10)
        receiver.wait(118)
        receiver.close()
        assert receiver.frames[0] > 0
        assert receiver.frames[-1] >= 118
        assert _is_run(receiver.frames)
    finally:
        programme.stop()


def test_a_port_in_use_is_said_in_one_line() -> None:
    port = free_port()
    first, _ = _start(OutputSpec("stream", f"srt://:{port}?mode=listener"))
    try:
        with pytest.raises(OutputError, match=rf"srt://:{port}.*bind") as caught:
            _start(OutputSpec("stream", f"srt://:{port}?mode=listener"))
        assert "\n" not in str(caught.value)
    finally:
        first.stop()


def test_a_receiver_that_comes_back_is_served_again(tmp_path: Path) -> None:
    """Cut in the middle: the stream begins again with a key frame; the recording beside it has every frame."""
    port, path = free_port(), tmp_path / "whole.mkv"
    source = f'srtsrc uri="srt://127.0.0.1:{port}?mode=listener"'
    receiver = Receiver(source)
    notes: list[str] = []
    stream = OutputSpec("stream", f"srt://127.0.0.1:{port}?streamid=SeCrEtKeY")
    programme, base = _start(stream, OutputSpec("record", str(path)), on_note=notes.append)
    try:
        push_live(programme, base, range(60))
        receiver.wait(40)
        receiver.close()
        before = receiver.frames
        assert before[-1] >= 40
        assert _is_run(before)
        receiver = Receiver(source)
        # Its process takes its time to start: on goes what is due now, and for longer than the stream waits to try.
        first = max(60, frame_due(base) + 6)
        push_live(programme, base, range(first, first + 120))
        programme.finish(10)
        receiver.wait(first + 118)
        # A frame without its key frame could not be read: the decoder would show something else.
        assert receiver.frames[0] > before[-1]
        assert receiver.frames[-1] >= first + 115
        assert _is_run(receiver.frames)
        streamed, recorded = programme.outputs
        assert streamed.restarts >= 1
        assert streamed.error is None
        assert streamed.frames + streamed.dropped == 180
        assert recorded.frames == 180
        assert [n for n, _ in decode(path)] == [*range(60), *range(first, first + 120)]
        assert notes
        assert not any("SeCrEtKeY" in text for text in [*notes, streamed.uri])
    finally:
        programme.stop()
        receiver.close()


def test_nobody_listens_to_rtmp(tmp_path: Path) -> None:
    """Tries are counted, the key is never shown, and the recording has every frame."""
    path = tmp_path / "whole.mp4"
    notes: list[str] = []
    programme, base = _start(
        OutputSpec("stream", f"rtmp://127.0.0.1:{free_port()}/live/Very-Secret-Key"),
        OutputSpec("record", str(path)),
        on_note=notes.append,
    )
    try:
        push_live(programme, base, range(60))
        programme.finish(10)
        streamed, recorded = programme.outputs
        assert streamed.restarts >= 1
        assert "Connection refused" in (streamed.error or "")
        assert (recorded.frames, recorded.dropped, recorded.error) == (60, 0, None)
        assert [n for n, _ in decode(path)] == list(range(60))
        assert "next try in 1 s" in notes[0]
        assert "next try in 2 s" in notes[1]
        assert not any("Very-Secret-Key" in text for text in [*notes, streamed.uri, streamed.error])
    finally:
        programme.stop()


def test_a_receiver_that_takes_nothing_costs_only_itself_frames(tmp_path: Path) -> None:
    """A server that accepts the connection and is silent: its queue fills, nothing else notices."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        path = tmp_path / "whole.ts"
        programme, base = _start(
            OutputSpec("stream", f"rtmp://127.0.0.1:{port}/live/key"), OutputSpec("record", str(path))
        )
        try:
            push_live(programme, base, range(60))
            programme.finish(5)
            streamed, recorded = programme.outputs
            assert streamed.frames + streamed.dropped == 60
            assert streamed.frames < 10
            assert (recorded.frames, recorded.error) == (60, None)
        finally:
            programme.stop()
        assert [n for n, _ in decode(path)] == list(range(60))


def test_a_stream_that_is_stuck_is_opened_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection stands, but its queue stays full: no error would ever come from it."""
    import socket

    from touchline.programme import outputs

    monkeypatch.setattr(outputs, "_STUCK_S", 0.3)
    notes: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"rtmp://127.0.0.1:{silent.getsockname()[1]}/live/key"
        programme = Programme(
            CAPS, [OutputSpec("stream", url)], encoder=SMALL, ahead_s=20, on_note=notes.append
        )
        base = system_clock().get_time() - 60 * SECOND
        programme.start(base)
        try:
            until = time.monotonic() + 4
            number = 0
            while not notes and time.monotonic() < until:
                push(programme, range(number, number + 30))
                number += 30
                time.sleep(0.05)
            assert "has taken nothing for" in notes[0]
        finally:
            programme.stop()


def test_stopping_does_not_wait_for_the_next_try() -> None:
    programme, base = _start(OutputSpec("stream", f"rtmp://127.0.0.1:{free_port()}/live/key"))
    push_live(programme, base, range(30))
    time.sleep(0.5)
    before = time.monotonic()
    programme.stop()
    assert time.monotonic() - before < 10
    assert not [thread for thread in threading.enumerate() if "restart" in thread.name]


def test_a_host_that_does_not_exist_is_tried_again() -> None:
    programme, _ = _start(OutputSpec("stream", "udp://nobody.invalid:5000"))
    try:
        (status,) = programme.outputs
        assert "nobody.invalid can't be found" in (status.error or "")
    finally:
        programme.stop()


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://example.org/live", "must begin with rtmp://, rtmps://, srt://, udp://"),
        ("udp://239.0.0.1", "a port is missing"),
        ("srt://example.org", "a port is missing"),
        ("srt://example.org:99999", "(?i)port out of range"),
        ("udp://:5000", "a host is missing"),
        ("rtmp://example.org/live", "an application and a stream key"),
    ],
)
def test_a_url_that_cannot_work_is_refused(url: str, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        OutputSpec("stream", url)
