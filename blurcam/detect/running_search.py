"""A search under way: its first passes decide where the second ones search."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from blurcam.detect.detector import Answer, Detection
from blurcam.errors import DetectorError


class RunningSearch:
    """A search under way, in two steps; an :class:`~blurcam.detect.detector.Answer`.

    The first answers decide where the second step searches. ``sum_up`` makes one answer of what
    both found.
    """

    def __init__(
        self,
        answers: Sequence[Answer],
        closer: Callable[[Sequence[Sequence[Detection]]], Sequence[Answer | None]],
        sum_up: Callable[[Sequence[Sequence[Detection]]], tuple[Detection, ...]],
    ) -> None:
        """Made by :class:`Search`."""
        self._answers: Sequence[Answer | None] = answers
        self._closer: Callable[..., Sequence[Answer | None]] | None = closer
        self._sum_up = sum_up
        self._found: list[Sequence[Detection]] = []
        self._error: DetectorError | None = None

    @property
    def is_ready(self) -> bool:
        """True if :meth:`wait` would return at once. Call :meth:`proceed` first."""
        return self._closer is None and self._is_answered

    @property
    def _is_answered(self) -> bool:
        return all(answer is None or answer.is_ready for answer in self._answers)

    def proceed(self, timeout: float, *, patient: bool) -> None:
        """Take the second step if the first has been answered; if ``patient``, wait for that.

        A search that fails here raises its error in :meth:`wait`.
        """
        if self._closer is not None and (patient or self._is_answered):
            closer, self._closer = self._closer, None
            try:
                self._collect(timeout)
                self._answers = closer(self._found)
            except DetectorError as exc:
                self._error = exc

    def _collect(self, timeout: float) -> None:
        self._found += [() if each is None else each.wait(timeout) for each in self._answers]
        self._answers = ()

    def wait(self, timeout: float) -> tuple[Detection, ...]:
        """Return the faces, the surest first; see :class:`~blurcam.detect.detector.Answer`."""
        self.proceed(timeout, patient=True)
        if self._error is not None:
            raise self._error
        self._collect(timeout)
        return self._sum_up(self._found)
