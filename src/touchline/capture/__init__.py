"""Where frames come from: files, networks, devices, the synthetic match; and how two cameras are paired."""

from touchline.capture.feeds import CameraFeed, DrawnFeed, Feed, waiting_pictures
from touchline.capture.frames import Moment, PlainPicture, SourceInfo
from touchline.capture.uris import SourceUri, parse_rate, parse_size, parse_source

__all__ = [
    "CameraFeed",
    "DrawnFeed",
    "Feed",
    "Moment",
    "PlainPicture",
    "SourceInfo",
    "SourceUri",
    "parse_rate",
    "parse_size",
    "parse_source",
    "waiting_pictures",
]
