"""Keeps stream keys and passwords out of messages, reports and logs."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

_USER = re.compile(r"(?<=://)[^/@\s]+@")
_QUERY = re.compile(r"(?i)([?&](?:passphrase|streamid|key|token|password|pass|auth|secret)=)[^&\s#]+")
_RTMP_KEY = re.compile(r"(?i)(rtmps?://[^\s]*/)[^/\s]+")


def mask_uri(uri: str) -> str:
    """A URI that may be shown: no user or password, no secret parameters, no RTMP stream key.

    >>> mask_uri("rtsp://coach:goal@10.0.0.5/main")
    'rtsp://***@10.0.0.5/main'
    """
    text = _USER.sub("***@", uri)
    text = _QUERY.sub(r"\1***", text)
    if text.lower().startswith(("rtmp://", "rtmps://")) and urlsplit(uri).path.count("/") > 1:
        text = _RTMP_KEY.sub(r"\1***", text)
    return text


class Secrets:
    """The URIs of one run, so that no message shows one of them whole.

    Args:
        uris: as the user gave them.
    """

    def __init__(self, *uris: str) -> None:
        self._masks: dict[str, str] = {}
        for uri in uris:
            self.learn(uri)

    def learn(self, uri: str) -> None:
        """Masks this URI, its user's password and its stream key from now on."""
        masked = mask_uri(uri)
        if masked == uri:
            return
        self._masks[uri] = masked
        parts = urlsplit(uri)
        hidden = [parts.password, parts.username if parts.password else None]
        hidden += [value.partition("=")[2] for value in parts.query.split("&")] if "***" in masked else []
        if parts.scheme.lower() in ("rtmp", "rtmps"):
            hidden.append(parts.path.rpartition("/")[2])
        for secret in hidden:
            if secret and len(secret) > 3:
                self._masks[secret] = "***"

    def mask(self, text: str) -> str:
        """The text without any secret that was learnt, and without anything that looks like one."""
        for secret in sorted(self._masks, key=len, reverse=True):
            text = text.replace(secret, self._masks[secret])
        return _QUERY.sub(r"\1***", _USER.sub("***@", text))
