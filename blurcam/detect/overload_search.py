"""A search whose resolution follows the overload level."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from blurcam.detect.detector import Detector
from blurcam.detect.overload import OverloadControl, OverloadLevel, overload_levels
from blurcam.detect.profiles import passes_for
from blurcam.detect.running_search import RunningSearch
from blurcam.detect.search import Search, SearchPasses
from blurcam.detect.turned import NOT_TURNED, Turned
from blurcam.detect.views import Viewpoint
from blurcam.media.frames import Frame
from blurcam.media.regions import Box
from blurcam.settings.redaction import Detect


class OverloadSearch:
    """Searches at the scale of the present overload level.

    A search under way is finished at the scale at which it began.
    """

    def __init__(
        self,
        detector: Detector,
        viewpoint: Viewpoint,
        passes: SearchPasses,
        control: OverloadControl,
    ) -> None:
        """Search as ``passes`` says while there is no overload."""
        self._detector = detector
        self._viewpoint = viewpoint
        self._passes = passes
        self._control = control
        self._searches: dict[float, Search] = {}

    @property
    def _now(self) -> Search:
        scale = self._control.level.scale
        if scale not in self._searches:
            passes = coarser(self._passes, scale)
            self._searches[scale] = Search(self._detector, self._viewpoint, passes)
        return self._searches[scale]

    def start(self, frame: Frame) -> RunningSearch:
        """Begin to search all of a frame, closely; raises DetectorError."""
        return self._now.start(frame)

    def start_quick(
        self,
        frame: Frame,
        areas: Sequence[Box],
        faces: Sequence[Box],
        *,
        turned: Turned = NOT_TURNED,
        once: bool = False,
    ) -> RunningSearch:
        """Begin to search parts of a frame quickly; raises DetectorError."""
        return self._now.start_quick(frame, areas, faces, turned=turned, once=once)


def coarser(passes: SearchPasses, scale: float) -> SearchPasses:
    """Return the passes at this share of their scale; their budget shrinks likewise."""
    scaled = tuple(
        replace(each, scale=each.scale * scale, below=each.below and round(each.below / scale))
        for each in passes.passes
    )
    return replace(passes, passes=scaled, budget=max(1, round(passes.budget * scale * scale)))


def full_resolution(detect: Detect, own_threshold: float, width: int, height: int) -> SearchPasses:
    """Return how a live camera is searched while there is no overload.

    It is searched as closely as its profile says, even if ``plan_for`` asks for less.
    """
    planned = passes_for(detect, own_threshold, width, height)
    usual = passes_for(replace(detect, plan_for=None), own_threshold, width, height)
    return max(planned, usual, key=finest)


def levels_for(
    detect: Detect, own_threshold: float, width: int, height: int
) -> tuple[OverloadLevel, ...]:
    """Return the overload levels of a camera: its resolution may sink to what ``plan_for`` sets.

    Without ``plan_for`` nobody has said which faces may be missed, so the resolution stays.
    """
    planned = passes_for(detect, own_threshold, width, height)
    floor = 1.0 if detect.plan_for is None else finest(planned)
    usual = finest(full_resolution(detect, own_threshold, width, height))
    return overload_levels(min(1.0, floor / usual) if detect.plan_for is not None else 1.0)


def finest(passes: SearchPasses) -> float:
    """Return the scale of the closest pass over a whole frame."""
    return max(each.scale for each in passes.wholes)
