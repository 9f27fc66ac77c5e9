"""The recordings that are open for review, and all work on them, in one thread."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final, TypeVar

from blurcam.review.review_queue import ReviewQueue
from blurcam.review.reviewed_recording import ReviewedRecording
from blurcam.runtime.threads import WorkerThread

T = TypeVar("T")
_MOST_OPEN: Final = 3


class OpenRecordings:
    """Opens recordings as they are asked for; the last few stay open."""

    def __init__(self, queue: ReviewQueue) -> None:
        """Open those of ``queue``."""
        self._queue = queue
        self._open: OrderedDict[int, ReviewedRecording] = OrderedDict()
        self._thread: WorkerThread[Callable[[], Any], Any] = WorkerThread(lambda work: work())

    async def do(self, number: int, work: Callable[[ReviewedRecording], T]) -> T:
        """Return what some work on a recording comes to.

        Raises KeyError where there is no such recording, BlurcamError where it cannot be opened.
        """
        future = self._thread.submit(lambda: work(self._recording(number)))
        made: T = await asyncio.wrap_future(future)
        return made

    def _recording(self, number: int) -> ReviewedRecording:
        if number not in self._open:
            self._open[number] = ReviewedRecording(self._queue.item(number))
        self._open.move_to_end(number)
        while len(self._open) > _MOST_OPEN:
            self._open.popitem(last=False)[1].close()
        return self._open[number]

    async def forget(self, number: int) -> None:
        """Close a recording whose files have changed; it is opened anew when it is asked for."""

        def close() -> None:
            if number in self._open:
                self._open.pop(number).close()

        await asyncio.wrap_future(self._thread.submit(close))

    def close(self) -> None:
        """Close all; safe to call twice."""
        self._thread.close()
        while self._open:
            self._open.popitem()[1].close()
