"""How a stream is searched, and what searches its frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from blurcam.detect.search import RunningSearch
from blurcam.media.frames import Frame
from blurcam.media.regions import Box


@dataclass(frozen=True, slots=True)
class SearchPlan:
    """How a stream is searched.

    Where something changed at least every ``rhythm`` seconds (0: on every frame); everywhere every
    ``refresh`` seconds, ``closely`` or at a glance. ``certain`` is the confidence from which a
    face counts that was seen at a glance. ``timeout`` seconds without an answer cover a frame
    fully, and after ``patience`` such or failed frames in a row the run ends. A ``live`` stream
    is never searched closely, nothing is known of its end, and answers are taken when they come.
    Under overload it is searched less often, but no searches are more than ``longest`` apart.
    """

    refresh: float = 2.0
    rhythm: float = 0.16
    longest: float = 0.0
    certain: float = 0.25
    closely: bool = False
    timeout: float = 10.0
    patience: int = 25
    live: bool = False


class Searcher(Protocol):
    """Searches frames: a :class:`~blurcam.detect.search.Search`, or one under overload."""

    def start(self, frame: Frame) -> RunningSearch:
        """Begin to search all of a frame, closely."""

    def glance(
        self, frame: Frame, areas: Sequence[Box], faces: Sequence[Box], *, once: bool = False
    ) -> RunningSearch:
        """Begin to search parts of a frame: ``once``, or doubtful places twice."""
