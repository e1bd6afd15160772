"""Keeps stream keys and passwords out of messages, reports and logs."""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

# A colon at the very end belongs to the sentence around it.
_USER = re.compile(r"(?<=://)[^/?#\s]+@")
_SECRET_NAMES = (
    "passphrase",
    "streamid",
    "key",
    "token",
    "password",
    "passwd",
    "pwd",
    "pass",
    "user",
    "auth",
    "secret",
)
_QUERY = re.compile(rf"(?i)([?&](?:{'|'.join(_SECRET_NAMES)})=)[^&\s#]*[^&\s#:]")
# All that follows the application: servers differ in what they call the key.
_RTMP_KEY = re.compile(r"(?i)(rtmps?://[^\s/]+/[^\s/]+/)\S*[^\s:]")


def mask_uri(uri: str) -> str:
    """A URI that may be shown: no user or password, no secret parameters, no RTMP stream key.

    >>> mask_uri("rtsp://coach:goal@10.0.0.5/main")
    'rtsp://***@10.0.0.5/main'
    """
    return _QUERY.sub(r"\1***", _USER.sub("***@", _RTMP_KEY.sub(r"\1***", uri)))


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
        for secret in _parts(uri):
            for form in (secret, unquote(secret)):
                # Shorter ones would be found in any word.
                if len(form) > 3:
                    self._masks[form] = "***"

    def mask(self, text: str) -> str:
        """The text without any secret that was learnt, and without anything that looks like one."""
        for secret in sorted(self._masks, key=len, reverse=True):
            text = text.replace(secret, self._masks[secret])
        return mask_uri(text)


def _parts(uri: str) -> list[str]:
    """Whatever of a URI is secret by itself, for messages that quote only a part of it."""
    parts = urlsplit(uri)
    found = [parts.username or "", parts.password] if parts.password else []
    rtmp = parts.scheme.lower() in ("rtmp", "rtmps")
    for pair in parts.query.split("&"):
        name, _, value = pair.partition("=")
        if rtmp or name.lower() in _SECRET_NAMES:
            found.append(value)
    if rtmp:
        key = parts.path.lstrip("/").partition("/")[2]
        found += [key, *key.split("/"), f"{key}?{parts.query}" if parts.query else key]
    return [secret for secret in found if secret]
