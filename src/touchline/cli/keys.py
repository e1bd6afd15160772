"""Keys while a run goes on: the broadcaster's hand on the delay."""

from __future__ import annotations

import contextlib
import os
import select
import sys
import termios
import threading
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from touchline.cli.console import problems
from touchline.delay import Player
from touchline.engine.production import Production
from touchline.errors import TouchlineError
from touchline.gst.library import SECOND

HELP = "p pause, d dump, + - delay by a second, r replay"
_REPLAY_S, _REPLAY_SPEED = 5.0, 0.5
_LOOK_S = 0.2


@contextmanager
def keys(production: Production) -> Iterator[bool]:
    """While this lasts single keys are obeyed, if there is a terminal to press them at; says whether there is."""
    if not (sys.stdin.isatty() and problems().is_terminal and _in_front(sys.stdin.fileno())):
        yield False
        return
    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    stop = threading.Event()
    thread = threading.Thread(target=_read, args=(terminal, production, stop), name="keys", daemon=True)
    tty.setcbreak(terminal)  # Ctrl-C stays a signal
    thread.start()
    try:
        yield True
    finally:
        stop.set()
        thread.join()
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)


def press(production: Production, key: str) -> None:
    """Does what a key stands for; says in one line why, if that can't be done."""
    try:
        action = _ACTIONS.get(key)
        if action is not None:
            action(production)
    except TouchlineError as error:
        problems().print(str(error), markup=False, soft_wrap=True)


def _read(terminal: int, production: Production, stop: threading.Event) -> None:
    while not stop.is_set():
        ready, _, _ = select.select([terminal], [], [], _LOOK_S)
        if ready:
            pressed = b""
            with contextlib.suppress(OSError):
                pressed = os.read(terminal, 16)
            if not pressed:  # the terminal was closed: no more keys
                return
            for key in pressed.decode("ascii", errors="ignore"):
                press(production, key)


def _in_front(terminal: int) -> bool:
    """False for a run in the background of its terminal, which would be stopped if it touched that."""
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:  # not the terminal that rules us
        return True


def _players(production: Production) -> list[Player]:
    return [channel.player for channel in production.channels if isinstance(channel.player, Player)]


def _pause(production: Production) -> None:
    for player in _players(production):
        if player.asked_to_pause:
            player.resume()
        else:
            player.pause()


def _change(seconds: int) -> Callable[[Production], None]:
    def change(production: Production) -> None:
        player = production.player
        if player:
            player.change_delay(player.asked_ns + seconds * SECOND, "hold" if seconds > 0 else "jump")

    return change


_ACTIONS: dict[str, Callable[[Production], None]] = {
    "p": _pause,
    "d": lambda production: production.dump(),
    "+": _change(1),
    "-": _change(-1),
    "r": lambda production: production.replay(_REPLAY_S, _REPLAY_SPEED),
}
