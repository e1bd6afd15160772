"""Holding the camera over HTTP: a page of this machine with buttons and keys, and what programs can ask."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from importlib.resources import files
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from touchline.director.manual import ManualHand
from touchline.telemetry.local_server import Answering, LocalServer

_Angle = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]


class _Take(BaseModel):
    """Degrees; what is not given stays as it is."""

    model_config = ConfigDict(extra="forbid", strict=True)

    yaw: _Angle | None = None
    pitch: Annotated[float, Field(ge=-85, le=85, allow_inf_nan=False)] | None = None
    fov: Annotated[float, Field(ge=1, le=150, allow_inf_nan=False)] | None = None


class _Nudge(BaseModel):
    """Degrees, from where it is."""

    model_config = ConfigDict(extra="forbid", strict=True)

    yaw: _Angle = 0.0
    pitch: _Angle = 0.0
    fov: _Angle = 0.0


class _Release(BaseModel):
    model_config = ConfigDict(extra="forbid")


class HandServer(LocalServer):
    """Serves the hands of some programmes, from the start until it is closed.

    ===============================  ==========================================================================
    ``GET /``                        a page with buttons and keys
    ``GET /state``                   JSON: for each programme ``mode``, ``shown`` and ``wanted`` (or null)
    ``POST /NAME/take``              JSON ``{"yaw": 10, "pitch": -8, "fov": 40}`` in degrees, each may be left away
    ``POST /NAME/nudge``             the same, from where it is
    ``POST /NAME/release``           JSON ``{}``
    ===============================  ==========================================================================

    A POST answers with the programme's new state; 400 for what can't be, 404 for a name that there is none of. Pages of
    other sites get nowhere: what they may send is no JSON, and on this machine's own address they have another Host.

    Args:
        hands: by the programme's name; at least one.
        port: 0 for any free one.

    Raises:
        ConfigurationError: if the port can't be had.
    """

    def __init__(self, hands: Mapping[str, ManualHand], port: int = 0) -> None:
        if not hands:
            raise ValueError("there is no camera to hold")
        self._hands = dict(hands)
        page = files(__package__).joinpath("hand_page.html").read_text(encoding="utf-8")
        page = page.replace("/*NAMES*/[]", json.dumps(list(self._hands)).replace("<", "\\u003c"))
        super().__init__(_handler(self, page.encode()), port, what="the camera's hand", flag="--hand-port")

    def state(self) -> dict[str, Any]:
        """What ``GET /state`` answers."""
        return {name: _described(hand) for name, hand in self._hands.items()}

    def act(self, name: str, what: str, sent: Any) -> dict[str, Any]:
        """Does what a POST asks for.

        Raises:
            KeyError: for an unknown programme or request.
            ValueError: for what can't be.
        """
        hand = self._hands[name]
        if what == "take":
            take = _read(_Take, sent)
            hand.take(take.yaw, take.pitch, take.fov)
        elif what == "nudge":
            nudge = _read(_Nudge, sent)
            hand.nudge(nudge.yaw, nudge.pitch, nudge.fov)
        elif what == "release":
            _read(_Release, sent)
            hand.release()
        else:
            raise KeyError(what)
        return _described(hand)


def _read(model: type[Any], sent: Any) -> Any:
    if not isinstance(sent, dict):
        raise ValueError("a JSON object is expected")
    try:
        return model.model_validate(sent)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ValueError(f"{where}: {first['msg']}" if where else str(first["msg"])) from error


def _described(hand: ManualHand) -> dict[str, Any]:
    state = hand.state
    views = {"shown": state.shown, "wanted": state.wanted}
    return {
        "mode": state.mode,
        **{
            key: {name.removesuffix("_deg"): round(value, 4) for name, value in asdict(view).items()}
            if view
            else None
            for key, view in views.items()
        },
    }


def _handler(owner: HandServer, page: bytes) -> type[Answering]:
    class Handler(Answering):
        def get(self, path: str) -> None:
            if not self.is_ours():
                self.answer_text(403, "this page is for this machine")
            elif path == "/":
                self.answer(200, "text/html; charset=utf-8", page)
            elif path == "/state":
                self._tell(owner.state())
            else:
                self.answer_text(404, "there are / and /state")

        def post(self, path: str, sent: Any) -> None:
            name, _, what = path.strip("/").partition("/")
            try:
                self._tell(owner.act(name, what, sent))
            except KeyError:
                self.answer_text(404, "there are /NAME/take, /NAME/nudge and /NAME/release")

        def _tell(self, told: dict[str, Any]) -> None:
            self.answer(200, "application/json", json.dumps(told).encode())

    return Handler
