"""``camera``: one live camera, redacted until it is stopped."""

from __future__ import annotations

import logging
import os
from typing import Annotated

import typer

from blurcam.commands.options import Quiet, taking, told
from blurcam.commands.run_pipe import claim_standard_output
from blurcam.commands.terminal import DONE, say, warn_of_cosmetic
from blurcam.errors import ConfigError
from blurcam.runtime.signals import ENDING, Stop, handling
from blurcam.runtime.status import CameraStatus
from blurcam.settings.addresses import parse_address
from blurcam.settings.camera import (
    LIVE,
    Camera,
    OnLoss,
    Receive,
    RecordingOutput,
    StdoutOutput,
    output_of,
)
from blurcam.settings.redaction import Redaction

_RECEIVE = Receive()


@taking(without=("audio",))
def camera(
    source: Annotated[
        str,
        typer.Argument(help="Camera: rtsp://…, http://…, /dev/video0; or a file, for trials."),
    ],
    output: Annotated[
        str,
        typer.Argument(
            help="Where the video goes: rtsp://… to publish, a file, names with the time in them "
            "(%Y-%m-%d/%H-%M-%S.mp4), or - for standard output."
        ),
    ],
    how: Redaction = LIVE,
    receive: Receive = _RECEIVE,
    on_loss: Annotated[OnLoss, told(Camera, "on_loss")] = "freeze",
    segment: Annotated[str | None, told(RecordingOutput, "segment")] = None,
    quiet: Quiet = False,
) -> None:
    """Redact one camera until it is stopped, through every loss of its connection."""
    asked = Camera(
        name="camera",
        source=parse_address(source),
        outputs=(output_of(output, segment),),
        receive=receive,
        on_loss=on_loss,
        effect=how.effect,
        detect=how.detect,
        cover=how.cover,
        encode=how.encode,
    )
    raise typer.Exit(_watch(asked, quiet=quiet))


def _watch(camera: Camera, *, quiet: bool) -> int:
    """Redact a camera until SIGINT or SIGTERM; return the exit code."""
    standard = _standard_output() if StdoutOutput() in camera.outputs else None
    # Only now: what is loaded here may write to standard output, which no longer is the video's.
    from blurcam.runs.camera import CameraOwner, run_camera

    warn_of_cosmetic(camera.effect)
    logging.getLogger("blurcam").setLevel(logging.WARNING)
    stop = Stop()
    told = _Told(quiet, stop if StdoutOutput() in camera.outputs else None)
    with handling(stop.ask, *ENDING):
        owner = CameraOwner(told.beat, lambda: stop.asked)
        tally = run_camera(camera, owner, standard=standard)
    if not quiet:
        whole = sum(tally.covered_whole.values())
        say(
            f"{tally.frames_in} frames in: {tally.redacted} redacted, {whole} covered whole, "
            f"{tally.frozen} frozen, {tally.dropped} dropped"
        )
    return DONE


def _standard_output() -> int | None:
    descriptor = claim_standard_output()
    if descriptor is not None and os.isatty(descriptor):
        raise ConfigError(
            "standard output is a terminal; pipe the video on, such as: "
            "blurcam camera rtsp://… - | ffplay -"
        )
    return descriptor


class _Told:
    """Says on stderr when a camera's state changes; stops where nobody reads its output."""

    def __init__(self, quiet: bool, stop: Stop | None) -> None:
        self._quiet = quiet
        self._stop = stop
        self._state = ""

    def beat(self, status: CameraStatus) -> None:
        if status.state != self._state and not self._quiet:
            say(f"{status.name}: {status.state}")
        self._state = status.state
        if self._stop is not None and not status.outputs[0].up:
            self._stop.ask()
