"""How far the edits of a recording are applied, for the page to ask."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

from blurcam.batch.tasks import TaskStep
from blurcam.errors import BlurcamError
from blurcam.runtime.threads import WorkerThread

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ApplyStatus:
    """What is done with a recording: ``share`` of ``doing``; at the end ``done``, or an error."""

    number: int
    doing: str = "waiting"
    share: float = 0.0
    done: bool = False
    error: str = ""


class ApplyProgress:
    """Applies the edits of one recording after the other, in a thread of its own."""

    def __init__(self) -> None:
        """Begin with nothing to do."""
        self._statuses: dict[int, ApplyStatus] = {}
        self._thread: WorkerThread[tuple[int, Callable[[], Iterator[TaskStep]]], None]
        self._thread = WorkerThread(lambda asked: self._apply(*asked))

    def begin(self, number: int, work: Callable[[], Iterator[TaskStep]]) -> Any:
        """Have edits applied; return what can be waited for."""
        self._statuses[number] = ApplyStatus(number)
        return self._thread.submit((number, work))

    def is_busy(self, number: int) -> bool:
        """Whether edits of a recording are being applied, or wait for that."""
        status = self._statuses.get(number)
        return status is not None and not status.done and not status.error

    def values(self) -> list[dict[str, Any]]:
        """Return every status for JSON."""
        return [asdict(each) for each in list(self._statuses.values())]

    def _apply(self, number: int, work: Callable[[], Iterator[TaskStep]]) -> None:
        status = self._statuses[number]
        try:
            for step in work():
                share = min(1.0, step.seconds / step.total) if step.total else 0.0
                status = replace(status, doing=step.doing, share=round(share, 3))
                self._statuses[number] = status
        except BlurcamError as exc:
            self._statuses[number] = replace(status, error=str(exc))
        except Exception as exc:
            logger.exception("edits could not be applied")
            self._statuses[number] = replace(status, error=f"internal error: {exc!r}")
        else:
            self._statuses[number] = replace(status, doing="done", share=1.0, done=True)

    def close(self) -> None:
        """Take nothing more."""
        self._thread.close()
