"""``run`` on a live source: a camera redacted until it is stopped."""

from __future__ import annotations

import logging
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from blurcam.cameras import Camera
from blurcam.commands.terminal import DONE, say, warn_of_cosmetic
from blurcam.status import CameraStatus


class Stop:
    """Whether SIGINT or SIGTERM has come: the normal end of a live source."""

    def __init__(self) -> None:
        """Go on."""
        self.asked = False

    def __call__(self) -> bool:
        """Whether to stop."""
        return self.asked

    def _ask(self, signum: int, frame: FrameType | None) -> None:
        del signum, frame
        self.asked = True

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take the signals for as long as the block lasts."""
        before = [(n, signal.signal(n, self._ask)) for n in (signal.SIGINT, signal.SIGTERM)]
        try:
            yield
        finally:
            for number, handler in before:
                signal.signal(number, handler)


def watch_camera(camera: Camera, *, quiet: bool) -> int:
    """Redact a camera until SIGINT or SIGTERM; return the exit code."""
    from blurcam.assembly.cameras import Watch, run_camera

    warn_of_cosmetic(camera.effect)
    logging.getLogger("blurcam").setLevel(logging.WARNING)
    stop, told = Stop(), _Told(quiet)
    with stop.listening():
        tally = run_camera(camera, Watch(told.beat, stop))
    if not quiet:
        whole = sum(tally.covered_whole.values())
        say(
            f"{tally.frames_in} frames in: {tally.redacted} redacted, {whole} covered whole, "
            f"{tally.frozen} frozen, {tally.dropped} dropped"
        )
    return DONE


class _Told:
    """Says on stderr when a camera's state changes."""

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet
        self._state = ""

    def beat(self, status: CameraStatus) -> None:
        if status.state != self._state and not self._quiet:
            say(f"{status.name}: {status.state}")
        self._state = status.state
