"""``camera``: one live camera, redacted until it is stopped."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Iterator
from typing import Annotated

import typer

from blurcam.commands.options import Quiet, taking, told
from blurcam.commands.run_pipe import claim_standard_output
from blurcam.commands.terminal import DONE, clear_line, say, show_line, warn_of_cosmetic
from blurcam.errors import ConfigError, SourceOpenError
from blurcam.runtime.counts import counted
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
        typer.Argument(help="Camera: rtsp://…, http://…, /dev/video0 or 0; or a file, for trials."),
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
    retry: Annotated[
        bool,
        typer.Option(
            "--retry",
            help="Wait for ever for a camera that has never answered; else blurcam gives up after "
            "--connect. A camera that has answered once is always waited for.",
            rich_help_panel="Cameras",
        ),
    ] = False,
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
        mounting=how.mounting,
    )
    raise typer.Exit(_watch(asked, retry=retry, quiet=quiet))


def _watch(camera: Camera, *, retry: bool, quiet: bool) -> int:
    """Redact a camera until SIGINT or SIGTERM; return the exit code."""
    standard = _standard_output() if StdoutOutput() in camera.outputs else None
    # These imports come last: they may write to standard output, which by now is not the video's.
    from blurcam.runs.camera import CameraRun

    warn_of_cosmetic(camera.effect)
    logging.getLogger("blurcam").setLevel(logging.WARNING)
    stop = Stop()
    console = _Console(camera, stop, None if retry else camera.receive.connect, quiet=quiet)
    with handling(stop.ask, *ENDING):
        counts = CameraRun(camera, console.beat, stop, standard=standard).run()
    if console.never_answered is not None:
        raise SourceOpenError(console.never_answered)
    if not quiet:
        whole = sum(counts.covered_whole.values())
        say(
            f"{counted(counts.frames_in, 'frame')} in: {counts.redacted} redacted, {whole} fully "
            f"covered, {counts.frozen} frozen, {counts.dropped} dropped"
        )
        for name in console.written():
            say(f"written: {name}")
    return DONE


def _standard_output() -> int | None:
    descriptor = claim_standard_output()
    if descriptor is not None and os.isatty(descriptor):
        raise ConfigError(
            "standard output is a terminal; pipe the video on, such as: "
            "blurcam camera rtsp://… - | ffplay -"
        )
    return descriptor


class _Console:
    """Logs the state of a camera to stderr, and ends the run if it is of no use to go on.

    That is so if nobody reads standard output any more, or if a camera that has never answered has
    not done so for ``patience`` seconds (``None``: any time).
    """

    def __init__(self, camera: Camera, stop: Stop, patience: float | None, *, quiet: bool) -> None:
        self.never_answered: str | None = None
        self._to_standard_output = StdoutOutput() in camera.outputs
        self._stop = stop
        self._patience = patience
        self._quiet = quiet
        self._began = self._before = self._at = time.monotonic()
        self._last: CameraStatus | None = None

    def beat(self, status: CameraStatus) -> None:
        """Take the present status."""
        before, self._last = self._last, status
        self._before, self._at = self._at, time.monotonic()
        if not self._quiet:
            self._tell(status, before)
        if self._to_standard_output and not status.outputs[0].up:
            self._stop.ask()
        if self._patience is not None and self._is_in_vain(status, self._patience):
            self.never_answered = status.last_error
            self._stop.ask()

    def written(self) -> Iterator[str]:
        """Yield the outputs to which anything was written."""
        for output in () if self._last is None else self._last.outputs:
            if output.bytes:
                yield output.name

    def _is_in_vain(self, status: CameraStatus, patience: float) -> bool:
        if status.frames_in or status.last_error is None:
            return False
        is_late = time.monotonic() - self._began >= patience
        # A camera locks out clients that try a wrong password again and again.
        return status.state == "refused" or (status.state == "backoff" and is_late)

    def _tell(self, status: CameraStatus, before: CameraStatus | None) -> None:
        """Log a change of state; on a terminal also show the figures, in one line."""
        on_terminal = sys.stderr.isatty()
        if before is None or status.state != before.state:
            clear_line(on_terminal)
            say(f"{status.name}: {status.state}")
        if on_terminal and before is not None and status.state == "live":
            passed = max(0.1, self._at - self._before)
            frames = round((status.frames_in - before.frames_in) / passed)
            latency = "" if status.latency_p50 is None else f"{status.latency_p50:.2f} s late, "
            show_line(f"{frames} frames a second, {latency}{status.dropped} dropped")
