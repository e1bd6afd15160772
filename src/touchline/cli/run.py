"""``touchline run``: two cameras in, the delayed programme out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

CAMERAS, PICTURE, OUTPUTS, MACHINE = "Cameras", "Picture", "Outputs", "Delay and machine"


def run(
    left: Annotated[
        str | None, typer.Option(metavar="URI", help="Left camera.", rich_help_panel=CAMERAS)
    ] = None,
    right: Annotated[
        str | None, typer.Option(metavar="URI", help="Right camera.", rich_help_panel=CAMERAS)
    ] = None,
    panorama: Annotated[
        str | None,
        typer.Option(metavar="URI", help="A panorama that is stitched already.", rich_help_panel=CAMERAS),
    ] = None,
    panorama_fov: Annotated[
        float | None,
        typer.Option(metavar="DEG", help="How wide that panorama is (default 180).", rich_help_panel=CAMERAS),
    ] = None,
    synthetic: Annotated[
        int | None, typer.Option(metavar="SEED", help="Film a synthetic match.", rich_help_panel=CAMERAS)
    ] = None,
    synthetic_size: Annotated[
        str | None,
        typer.Option(metavar="WxH", help="Its camera pictures (default 1280x720).", rich_help_panel=CAMERAS),
    ] = None,
    synthetic_fps: Annotated[
        str | None, typer.Option(metavar="FPS", help="Its frame rate (default 30).", rich_help_panel=CAMERAS)
    ] = None,
    codes: Annotated[
        bool | None, typer.Option("--codes", help="Burn frame numbers into it.", rich_help_panel=CAMERAS)
    ] = None,
    audio: Annotated[
        str | None,
        typer.Option(
            metavar="SOURCE",
            help="auto | left | right | none | URI of a microphone or stream (default auto).",
            rich_help_panel=CAMERAS,
        ),
    ] = None,
    rig: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="The rig; without one it is found and kept.", rich_help_panel=CAMERAS
        ),
    ] = None,
    view: Annotated[
        str | None,
        typer.Option(
            "--view",  # Typer 0.27 takes a metavar that is the name in capitals for the name
            metavar="VIEW",
            help="follow | panorama | fixed:YAW,PITCH,FOV (default follow).",
            rich_help_panel=PICTURE,
        ),
    ] = None,
    size: Annotated[
        str | None,
        typer.Option(metavar="WxH", help="Of the programme (default 1280x720).", rich_help_panel=PICTURE),
    ] = None,
    panorama_size: Annotated[
        str | None,
        typer.Option(metavar="WxH", help="Of the panorama (default: from the rig).", rich_help_panel=PICTURE),
    ] = None,
    projection: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="equirectangular | cylindrical | pitch.", rich_help_panel=PICTURE),
    ] = None,
    projection_yaw: Annotated[
        float | None,
        typer.Option(
            metavar="DEG",
            help="Where pitch crosses the touchlines at right angles (default: from the rig's field, else 0).",
            rich_help_panel=PICTURE,
        ),
    ] = None,
    style: Annotated[
        str | None,
        typer.Option(
            metavar="STYLE",
            help="Of the camera work: calm | standard | lively (default standard).",
            rich_help_panel=PICTURE,
        ),
    ] = None,
    sport: Annotated[
        str | None,
        typer.Option(
            metavar="SPORT",
            help="football | futsal | basketball | hockey | handball | rugby (default football).",
            rich_help_panel=PICTURE,
        ),
    ] = None,
    detector: Annotated[
        str | None,
        typer.Option(
            metavar="WHAT",
            help="Of ball and players: auto | motion | own | FILE.onnx | FILE.pt | FILE.jsonl | none; "
            "or movement: only where most of it is (default auto).",
            rich_help_panel=PICTURE,
        ),
    ] = None,
    tracks: Annotated[
        bool | None,
        typer.Option(
            "--tracks",
            help="Write who plays where beside the recording also if nothing follows it: for touchline render.",
            rich_help_panel=OUTPUTS,
        ),
    ] = None,
    drift: Annotated[
        str | None,
        typer.Option(
            metavar="WHAT",
            help="Cameras that sag or are knocked: auto | off | report | correct "
            "(default auto: report in plain memory, off on a GPU).",
            rich_help_panel=PICTURE,
        ),
    ] = None,
    render: Annotated[
        str | None,
        typer.Option(
            "--render",
            metavar="FROM",
            help="panorama | direct: views straight from the cameras' pictures, sharper | auto: "
            "whichever holds less memory (default auto).",
            rich_help_panel=PICTURE,
        ),
    ] = None,
    blend: Annotated[
        str | None,
        typer.Option(
            metavar="WAY",
            help="Of the two pictures: feather | multiband | multiband:LEVELS (default feather).",
            rich_help_panel=PICTURE,
        ),
    ] = None,
    seam: Annotated[
        str | None,
        typer.Option(
            "--seam",
            metavar="SEAM",
            help="Between them: fixed | adaptive: it keeps out of the players' way (default fixed).",
            rich_help_panel=PICTURE,
        ),
    ] = None,
    exposure: Annotated[
        str | None,
        typer.Option(
            "--exposure",
            metavar="HOW",
            help="The cameras are matched: light | signal | auto: in light where that can be had (default auto).",
            rich_help_panel=PICTURE,
        ),
    ] = None,
    slate: Annotated[
        str | None,
        typer.Option(
            metavar="WHEN",
            help="A card where there is no picture: off | gap | start: while filling too (default gap).",
            rich_help_panel=PICTURE,
        ),
    ] = None,
    slate_after: Annotated[
        float | None,
        typer.Option(
            metavar="S",
            help="Hold the last picture for so long before it (default 2).",
            rich_help_panel=PICTURE,
        ),
    ] = None,
    slate_image: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A picture for the card.", rich_help_panel=PICTURE),
    ] = None,
    record: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE", help="Record to .mp4, .mkv or .ts; may be repeated.", rich_help_panel=OUTPUTS
        ),
    ] = None,
    stream: Annotated[
        list[str] | None,
        typer.Option(
            metavar="URL",
            help="Stream to rtmp://, srt:// or udp://; may be repeated. "
            "{env:NAME} or {file:PATH} in it keeps a key off the command line.",
            rich_help_panel=OUTPUTS,
        ),
    ] = None,
    display: Annotated[
        bool | None, typer.Option("--display", help="Show it in a window.", rich_help_panel=OUTPUTS)
    ] = None,
    webcam: Annotated[
        list[str] | None,
        typer.Option(metavar="DEVICE", help="Feed a v4l2loopback device.", rich_help_panel=OUTPUTS),
    ] = None,
    overwrite: Annotated[
        bool | None,
        typer.Option(
            "--overwrite", help="Replace recordings; else they are renamed.", rich_help_panel=OUTPUTS
        ),
    ] = None,
    bitrate: Annotated[
        int | None,
        typer.Option(
            metavar="KBIT/S", help="Of the encoder (default: from the size).", rich_help_panel=OUTPUTS
        ),
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="x264's speed (default by the cores).",
            rich_help_panel=OUTPUTS,
        ),
    ] = None,
    delay: Annotated[
        float | None,
        typer.Option(
            metavar="S", help="Seconds from camera to programme (default 7).", rich_help_panel=MACHINE
        ),
    ] = None,
    max_delay: Annotated[
        float | None,
        typer.Option(metavar="S", help="The longest it may be given while running.", rich_help_panel=MACHINE),
    ] = None,
    history: Annotated[
        float | None,
        typer.Option(
            metavar="S", help="Keep what was shown, for replays (default 0).", rich_help_panel=MACHINE
        ),
    ] = None,
    memory: Annotated[
        str | None,
        typer.Option(metavar="DOMAIN", help="auto | system | gl | cuda | nvmm.", rich_help_panel=MACHINE),
    ] = None,
    hold: Annotated[
        str | None,
        typer.Option(
            metavar="WAY",
            help="reference | copy | encoded | auto: copies if references can't be trusted.",
            rich_help_panel=MACHINE,
        ),
    ] = None,
    on_low_memory: Annotated[
        str | None,
        typer.Option(
            metavar="WHAT",
            help="refuse | shorten the delay | encode (default refuse).",
            rich_help_panel=MACHINE,
        ),
    ] = None,
    memory_limit: Annotated[
        str | None,
        typer.Option(metavar="BYTES", help="Plan with no more, as in 2GB.", rich_help_panel=MACHINE),
    ] = None,
    pace: Annotated[
        str | None,
        typer.Option(
            "--pace",
            metavar="PACE",
            help="live, or fast: as fast as the machine can.",
            rich_help_panel=MACHINE,
        ),
    ] = None,
    duration: Annotated[
        float | None, typer.Option(metavar="S", help="End after so much footage.", rich_help_panel=MACHINE)
    ] = None,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a report as JSON.", rich_help_panel=MACHINE)
    ] = None,
    memory_log: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Note memory every minute, as JSON.", rich_help_panel=MACHINE),
    ] = None,
    metrics_port: Annotated[
        int | None, typer.Option(metavar="N", help="Serve Prometheus metrics.", rich_help_panel=MACHINE)
    ] = None,
    hand_port: Annotated[
        int | None,
        typer.Option(
            metavar="N", help="A page to take the camera over by hand (127.0.0.1).", rich_help_panel=MACHINE
        ),
    ] = None,
    metrics_address: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Where (default 127.0.0.1).", rich_help_panel=MACHINE),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="TOML with any of these settings.", rich_help_panel=MACHINE),
    ] = None,
) -> None:
    """Film a match: two cameras (or a panorama) in, the delayed programme of a virtual camera out.

    An input is a path, file://, rtsp://, srt://, udp://, v4l2://DEVICE, csi://N or test://.
    Settings come from flags, else TOUCHLINE_... in the environment, else the configuration file.
    Ctrl-C shows what has been filmed to its end and finishes the files; twice, it stops at once.

    [bold]Examples[/]

      touchline run --left left.mp4 --right right.mp4 --record match.mp4

      touchline run --left rtsp://10.0.0.11/main --right rtsp://10.0.0.12/main --record match.mp4 \\
          --stream 'rtmp://a.rtmp.youtube.com/live2/{env:STREAM_KEY}'

      touchline run --synthetic 1 --duration 20 --view fixed:-20,-10,50 --record fixed.mkv

      touchline run --panorama pano.mp4 --panorama-fov 160 --delay 3 --display
    """
    flags: dict[str, Any] = {key: value for key, value in locals().items() if key != "config"}
    # Loaded here, since numba and GStreamer take a second that --help should not.
    from touchline.cli.session import run_session
    from touchline.config import load_config

    run_session(load_config(flags, config))
