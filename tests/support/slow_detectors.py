"""Real detectors made slow, or made to hang; as a program, a camera's process with one of these.

The program is :mod:`blurcam.serve.camera_process`, except that on SIGUSR1 its detector never
answers again, and on SIGUSR2 does not even take the question, in the main thread.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from blurcam.detect.detector import Answer, Detection, Detector
from blurcam.detect.sheets import Searchable
from blurcam.errors import DetectorTimeout
from blurcam.runtime.parent import Parent


class Slowed:
    """A detector that takes so many nanoseconds longer for each pixel that it is shown."""

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self.name, self.threshold = detector.name, detector.threshold
        self.smallest_face = detector.smallest_face
        self.nanoseconds = 0.0

    def start(self, views: Sequence[Searchable]) -> Answer:
        pixels = sum(view.picture.size // 3 for view in views)
        ready = time.monotonic() + pixels * self.nanoseconds * 1e-9
        return _Late(self._detector.start(views), ready)

    def close(self) -> None:
        self._detector.close()


class _Late:
    def __init__(self, answer: Answer, ready: float) -> None:
        self._answer, self._ready = answer, ready

    @property
    def is_ready(self) -> bool:
        return time.monotonic() >= self._ready and self._answer.is_ready

    def wait(self, timeout: float) -> tuple[Detection, ...]:
        time.sleep(max(0.0, self._ready - time.monotonic()))
        return self._answer.wait(timeout)


class Hanging:
    """A detector that hangs once it ``is_silent``, or ``is_stuck`` where it is asked."""

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self.name, self.threshold = detector.name, detector.threshold
        self.smallest_face = detector.smallest_face
        self.is_silent = self.is_stuck = False
        self.woken = threading.Event()

    def start(self, views: Sequence[Searchable]) -> Answer:
        if self.is_stuck:
            self.woken.wait()
        answer = self._detector.start(views)
        return _Never() if self.is_silent else answer

    def close(self) -> None:
        self._detector.close()


class _Never:
    is_ready = False

    def wait(self, timeout: float) -> tuple[Detection, ...]:
        time.sleep(timeout)
        raise DetectorTimeout(f"no answer within {timeout:g} s")


def wrapping(opened: Callable[..., Detector], wrap: Callable[[Detector], Detector]) -> Any:
    """Return what opens a detector, wrapped."""
    return lambda *args, **options: wrap(opened(*args, **options))


def main(parent: Parent) -> None:
    """Run a camera's process."""
    from blurcam.detect.detectors import centerface
    from blurcam.serve.camera_process import main as run

    def hang(detector: Detector) -> Hanging:
        hanging = Hanging(detector)

        def ignore(*_: object) -> None:
            hanging.is_silent = True

        def stick(*_: object) -> None:
            hanging.is_stuck = True

        signal.signal(signal.SIGUSR1, ignore)
        signal.signal(signal.SIGUSR2, stick)
        return hanging

    centerface.open_centerface = wrapping(centerface.open_centerface, hang)
    run(parent)
