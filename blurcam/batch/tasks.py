"""The work of a job in pieces that a process of its own can do: what is asked, and what came of it.

Tasks and outcomes are values that travel between processes, and machines.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from blurcam.batch.timeline import Timeline
from blurcam.config import Config, Detect
from blurcam.detection import Detector
from blurcam.errors import BlurcamError, ConfigError, ModelError, SinkError
from blurcam.summary import Summary


@dataclass(frozen=True, slots=True)
class Whole:
    """Redact a recording in one piece into ``config.output``, a name of blurcam's own."""

    file: int
    config: Config
    verify: bool = False


Task = Whole


@dataclass(frozen=True, slots=True)
class Redacted:
    """A recording is redacted, and lies complete under the name that the task gave."""

    summary: Summary
    timeline: Timeline
    size: int


@dataclass(frozen=True, slots=True)
class Failed:
    """A task came to nothing.

    ``fatal``: no other recording would fare better, since the disk is full or a model is missing.
    ``remedy`` is what to do before the job is run again.
    """

    error: str
    fatal: bool = False
    remedy: str = ""


Outcome = Redacted | Failed


@dataclass(slots=True)
class Kept:
    """What a worker keeps from one task to the next: a detector takes a second to open."""

    _open: dict[Detect, Detector] = field(default_factory=dict)

    def detector(self, detect: Detect) -> Detector:
        """Return the detector of these settings, opened and proven once."""
        from blurcam.assembly.watching import open_detector

        if detect not in self._open:
            self.close()
            self._open[detect] = open_detector(detect)
        return self._open[detect]

    def close(self) -> None:
        """Release it."""
        for each in self._open.values():
            each.close()
        self._open.clear()


def perform(task: Task, kept: Kept) -> Iterator[float | Outcome]:
    """Do a task: yield the seconds of media time done so far now and then, and last the outcome.

    Errors that blurcam raises on purpose become an outcome; a bug is raised, and takes the worker.
    """
    try:
        yield from _whole(task, kept)
    except (ConfigError, ModelError) as exc:
        yield Failed(str(exc), fatal=isinstance(exc, ModelError))
    except SinkError as exc:
        yield Failed(str(exc), fatal=_is_full(exc), remedy="make room and ")
    except BlurcamError as exc:
        yield Failed(str(exc))


def _is_full(error: BaseException | None) -> bool:
    """Whether the disk, or what may be used of it, is full."""
    import errno

    while error is not None:
        if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
            return True
        error = error.__cause__
    return False


def _whole(task: Whole, kept: Kept) -> Iterator[float | Outcome]:
    from blurcam.assembly.recordings import open_run

    timeline = Timeline()
    detector = kept.detector(task.config.detect)
    with open_run(task.config, detector=detector, watch=timeline.watch) as run:
        start: float | None = None
        for time in run.steps():
            start = float(time) if start is None else start
            yield float(time) - start
        summary = run.finish()
    yield Redacted(summary, timeline, Path(task.config.output).stat().st_size)
