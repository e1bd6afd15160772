"""Keys pressed at a real terminal while a run goes on."""

from __future__ import annotations

import os
import pty
import subprocess
import threading
import time
from pathlib import Path

from runs import PROGRAM
from touchline.cli import keys


def test_keys_are_read_from_the_terminal_and_it_is_left_as_it_was(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    flags = ["--synthetic", "1", "--synthetic-size", "320x180", "--view", "panorama", "--delay", "1"]
    running = subprocess.Popen(
        [*PROGRAM, "run", *flags, "--duration", "5", "--audio", "none"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "200"},
    )
    before = os.popen(f"stty -a < /proc/{os.getpid()}/fd/{theirs}").read()
    said = b""
    pressed = False
    until = time.monotonic() + 60
    os.set_blocking(ours, False)
    while running.poll() is None and time.monotonic() < until:
        try:
            said += os.read(ours, 65536)
        except BlockingIOError:
            time.sleep(0.05)
        if not pressed and b"playing" in said:
            os.write(ours, b"xrd")  # an unknown key, one that can't be obeyed, and the panic button
            pressed = True
    assert running.wait(10) == 0, said.decode()
    text = said.decode()
    assert "p pause, d dump" in text
    assert "no programme shows replays" in text
    assert "Dumped:" in text
    assert "player dumped" in text, "counted in the summary"
    after = os.popen(f"stty -a < /proc/{os.getpid()}/fd/{theirs}").read()
    assert after == before
    assert "-icanon" not in after
    os.close(ours)
    os.close(theirs)


def test_a_terminal_that_goes_away_is_left_alone() -> None:
    """It was asked for keys again and again, without pause, until the end of the match."""
    ours, theirs = pty.openpty()
    reader = threading.Thread(target=keys._read, args=(theirs, None, threading.Event()), daemon=True)
    reader.start()
    os.close(ours)
    reader.join(20)
    assert not reader.is_alive()
    os.close(theirs)
