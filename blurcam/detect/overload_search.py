"""A search that looks as closely as the load allows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from blurcam.detect.detector import Detector
from blurcam.detect.overload import OverloadControl, OverloadLevel, rungs
from blurcam.detect.profiles import looks_for
from blurcam.detect.search import RunningSearch, Search, SearchPasses
from blurcam.detect.views import Viewpoint
from blurcam.media.frames import Frame
from blurcam.media.regions import Box
from blurcam.settings.redaction import Detect


class OverloadSearch:
    """Searches at the scale of the rung on which the pressure stands.

    A search under way is finished at the scale at which it began.
    """

    def __init__(
        self,
        detector: Detector,
        viewpoint: Viewpoint,
        looks: SearchPasses,
        pressure: OverloadControl,
    ) -> None:
        """Search as ``looks`` says while at ease."""
        self._detector = detector
        self._viewpoint = viewpoint
        self._looks = looks
        self._pressure = pressure
        self._searches: dict[float, Search] = {}

    @property
    def _now(self) -> Search:
        scale = self._pressure.rung.scale
        if scale not in self._searches:
            looks = eased(self._looks, scale)
            self._searches[scale] = Search(self._detector, self._viewpoint, looks)
        return self._searches[scale]

    def start(self, frame: Frame) -> RunningSearch:
        """Begin to search all of a frame, closely; raises DetectorError."""
        return self._now.start(frame)

    def glance(
        self, frame: Frame, areas: Sequence[Box], faces: Sequence[Box], *, once: bool = False
    ) -> RunningSearch:
        """Begin to search parts of a frame; raises DetectorError."""
        return self._now.glance(frame, areas, faces, once=once)


def eased(looks: SearchPasses, scale: float) -> SearchPasses:
    """Return the looks at this share of their scale; what they may cost shrinks likewise."""
    passes = tuple(
        replace(each, scale=each.scale * scale, below=each.below and round(each.below / scale))
        for each in looks.passes
    )
    return replace(looks, passes=passes, budget=max(1, round(looks.budget * scale * scale)))


def at_ease(detect: Detect, own_threshold: float, width: int, height: int) -> SearchPasses:
    """Return how a live camera is searched while there is no pressure.

    As closely as its profile does, even where ``plan_for`` asks for less.
    """
    planned = looks_for(detect, own_threshold, width, height)
    usual = looks_for(replace(detect, plan_for=None), own_threshold, width, height)
    return max(planned, usual, key=finest)


def ladder_for(
    detect: Detect, own_threshold: float, width: int, height: int
) -> tuple[OverloadLevel, ...]:
    """Return the rungs for such a camera: its resolution may sink to what ``plan_for`` sets.

    Without ``plan_for`` nobody has said which faces may be missed, so it does not sink at all.
    """
    planned = looks_for(detect, own_threshold, width, height)
    floor = 1.0 if detect.plan_for is None else finest(planned)
    usual = finest(at_ease(detect, own_threshold, width, height))
    return rungs(min(1.0, floor / usual) if detect.plan_for is not None else 1.0)


def finest(looks: SearchPasses) -> float:
    """Return the scale of the closest look at a whole frame."""
    return max(each.scale for each in looks.wholes)
