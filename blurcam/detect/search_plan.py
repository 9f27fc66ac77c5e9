"""The plan by which a stream is searched, and the interface of what searches its frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from blurcam.detect.running_search import RunningSearch
from blurcam.detect.turned import NOT_TURNED, Turned
from blurcam.media.frames import Frame
from blurcam.media.regions import Box


@dataclass(frozen=True, slots=True)
class SearchPlan:
    """How a stream is searched.

    Changed areas are searched at least every ``rhythm`` seconds (0: on every frame). The whole
    frame is searched every ``refresh`` seconds, ``closely`` or quickly. A face that a quick search
    found counts from the confidence ``certain`` on. A frame is fully covered after ``timeout``
    seconds without an answer. The run ends after ``patience`` such or failed frames in a row.

    Rolled heads are searched for on the frame turned by each of ``turns``, in degrees clockwise,
    every ``refresh`` seconds. A plan that ``saves`` searches the whole frame less often where the
    light lets every change be seen.

    A ``live`` stream is never searched closely, its end is not known in advance, and its answers
    are taken as they come. Under overload it is searched less often: at most ``longest`` seconds
    lie between two searches.
    """

    refresh: float = 2.0
    rhythm: float = 0.16
    longest: float = 0.0
    certain: float = 0.25
    closely: bool = False
    turns: tuple[int, ...] = ()
    saves: bool = False
    timeout: float = 10.0
    patience: int = 25
    live: bool = False


class Searcher(Protocol):
    """Searches frames: a :class:`~blurcam.detect.search.Search`, or one under overload."""

    def start(self, frame: Frame) -> RunningSearch:
        """Begin to search all of a frame, closely."""

    def start_quick(
        self,
        frame: Frame,
        areas: Sequence[Box],
        faces: Sequence[Box],
        *,
        turned: Turned = NOT_TURNED,
        once: bool = False,
    ) -> RunningSearch:
        """Begin to search parts of a frame quickly: doubtful places twice, unless ``once``."""
