"""Where frames come from: files, networks, devices, the synthetic match; and how two cameras are paired."""

from touchline.capture.drawn import DrawnFeed
from touchline.capture.feeds import CameraFeed, Feed, waiting_pictures
from touchline.capture.frames import Moment, Picture, PlainPicture, SourceInfo
from touchline.capture.uris import SourceUri, parse_rate, parse_size, parse_source

__all__ = [
    "CameraFeed",
    "DrawnFeed",
    "Feed",
    "Moment",
    "Picture",
    "PlainPicture",
    "SourceInfo",
    "SourceUri",
    "parse_rate",
    "parse_size",
    "parse_source",
    "waiting_pictures",
]
