"""What a viewer of a log must never see: passwords, stream keys, passphrases."""

from __future__ import annotations

import pytest

from touchline.gst.secrets import Secrets, mask_uri


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("match.mp4", "match.mp4"),
        ("rtsp://10.0.0.5:554/main", "rtsp://10.0.0.5:554/main"),
        ("rtsp://coach:goal@10.0.0.5/main", "rtsp://***@10.0.0.5/main"),
        ("rtsp://coach:g@a:l@10.0.0.5/main", "rtsp://***@10.0.0.5/main"),
        ("rtsp://10.0.0.5/user@club", "rtsp://10.0.0.5/user@club"),
        ("srt://h:9000?passphrase=open%20sesame&latency=200", "srt://h:9000?passphrase=***&latency=200"),
        ("srt://h:9000?latency=200&streamid=publish:live/x", "srt://h:9000?latency=200&streamid=***"),
        ("srt://h:9000?streamid=a@b", "srt://h:9000?streamid=***"),
        ("rtmp://a.rtmp.youtube.com/live2/abcd-efgh", "rtmp://a.rtmp.youtube.com/live2/***"),
        ("rtmps://h:443/app/inst/key?auth=a/b", "rtmps://h:443/app/***"),
        ("RTMP://h/app/key", "RTMP://h/app/***"),
        ("rtmp://h/app", "rtmp://h/app"),
    ],
)
def test_a_uri_is_shown_without_its_secrets(uri: str, shown: str) -> None:
    assert mask_uri(uri) == shown


def test_a_message_that_quotes_a_part_is_masked() -> None:
    secrets = Secrets(
        "rtsp://coach:penalty@cam/main",
        "rtmp://h/live/abcd-efgh?sign=xyzzy",
        "srt://h:1?passphrase=open%20sesame&latency=2000",
    )
    text = secrets.mask(
        "login of coach with penalty refused; stream abcd-efgh and xyzzy unknown; 'open sesame' is wrong after 2000 ms"
    )
    for secret in ("coach", "penalty", "abcd", "xyzzy", "sesame"):
        assert secret not in text
    assert "refused" in text
    assert "2000 ms" in text


def test_what_was_never_learnt_is_masked_by_its_looks() -> None:
    text = Secrets().mask(
        "could not open rtmp://h/app/key: refused; rtsp://a:b@c/d; srt://h:1?streamid=me: gone"
    )
    assert text == "could not open rtmp://h/app/***: refused; rtsp://***@c/d; srt://h:1?streamid=***: gone"


def test_a_sentence_without_secrets_stays_as_it_is() -> None:
    text = "No space left on the resource (/home/me@home/match.mp4): 50% done, see http://docs/a?page=2"
    assert Secrets("rtsp://u:longpass@h/").mask(text) == text
