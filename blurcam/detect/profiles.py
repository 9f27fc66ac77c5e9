"""Profiles: how each of them searches frames of a given size, and how often."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

from blurcam.detect.search import SearchPass, SearchPasses
from blurcam.detect.search_plan import SearchPlan
from blurcam.detect.turned import TURNS
from blurcam.settings.redaction import Detect, DetectorName, ProfileName

# How high a face must be in a view for CenterFace to find most of them.
_READ_FROM: Final = 12
# Frames of more pixels than the first are searched at a smaller scale, those of fewer than the
# second at a larger one, up to the third.
_LARGE: Final = 2_600_000
_SMALL: Final = 800_000
_MOST_ENLARGED: Final = 1.5
LONGEST: Final = 0.32
"""The most seconds between two searches under overload."""


@dataclass(frozen=True, slots=True)
class Profile:
    """A detector, its passes over a frame of about a megapixel, and how often it searches.

    ``refresh``, ``rhythm`` and ``closely`` are those of
    :class:`blurcam.detect.search_plan.SearchPlan`.
    """

    detector: DetectorName
    passes: SearchPasses
    refresh: float = 2.0
    rhythm: float = 0.16
    closely: bool = False


# docs/design/recall.md shows what each pass gains and costs. The thresholds were chosen for at most
# one false box a picture on WIDER FACE (`balanced`: a quarter of one).
PROFILES: Final[dict[ProfileName, Profile]] = {
    "near": Profile(
        "mediapipe", SearchPasses((SearchPass(1),), 0.3, certain=0.3), refresh=1.0, rhythm=0.1
    ),
    "balanced": Profile(
        "centerface",
        SearchPasses(
            (
                SearchPass(1),
                SearchPass(0.5),
                SearchPass(0.25),
                SearchPass(1, mirrored=True, below=200),
                SearchPass(2, below=64),
                SearchPass(2, mirrored=True, below=64),
            ),
            threshold=0.27,
            tilt=0.6,
            turns=TURNS,
            coarsest=0.6,
        ),
    ),
    "thorough": Profile(
        "centerface",
        SearchPasses(
            (
                SearchPass(2),
                SearchPass(1.41),
                SearchPass(1.41, mirrored=True),
                SearchPass(1),
                SearchPass(1, mirrored=True),
                SearchPass(0.71),
                SearchPass(0.71, mirrored=True),
                SearchPass(0.5),
                SearchPass(0.5, mirrored=True),
                SearchPass(0.25),
                SearchPass(2, mirrored=True, below=128),
                SearchPass(3, below=32),
                SearchPass(3, mirrored=True, below=32),
            ),
            threshold=0.21,
            tilt=0.55,
            certain=0.2,
            turns=TURNS,
        ),
        refresh=0.5,
        rhythm=0.08,
        closely=True,
    ),
}


def detector_of(detect: Detect) -> DetectorName:
    """Return the detector: the one that was asked for, else the profile's."""
    return detect.detector or PROFILES[detect.profile].detector


def passes_for(detect: Detect, own_threshold: float, width: int, height: int) -> SearchPasses:
    """Return how frames of this size are searched.

    A detector that is not the profile's makes one pass, from its own default threshold on.
    """
    profile = PROFILES[detect.profile]
    if detector_of(detect) == "centerface" == profile.detector:
        base = detect.scale or _base(detect, width * height)
        passes = _scaled(profile.passes, base)
    else:
        passes = SearchPasses(
            (SearchPass(detect.scale or 1.0),), own_threshold, certain=own_threshold
        )
    if detect.threshold is None:
        return passes
    return replace(passes, threshold=detect.threshold, certain=detect.threshold)


def plan_of(detect: Detect, passes: SearchPasses, *, live: bool = False) -> SearchPlan:
    """Return how often frames are searched, and how."""
    profile = PROFILES[detect.profile]
    return SearchPlan(
        refresh=detect.refresh or profile.refresh,
        rhythm=profile.rhythm if detect.rhythm is None else detect.rhythm,
        longest=max(LONGEST, detect.rhythm or 0.0),
        certain=passes.certain,
        turns=passes.turns,
        saves=detect.refresh is None,
        closely=profile.closely,
        timeout=detect.timeout,
        patience=detect.patience,
        live=live,
    )


def _base(detect: Detect, pixels: int) -> float:
    if detect.plan_for is not None:
        return _READ_FROM / detect.plan_for
    enlarged = min(_MOST_ENLARGED, math.sqrt(_SMALL / pixels))
    return max(1.0, enlarged) if pixels <= _LARGE else math.sqrt(_LARGE / pixels)


def _scaled(passes: SearchPasses, base: float) -> SearchPasses:
    scaled = tuple(
        SearchPass(each.scale * base, each.mirrored, each.below and round(each.below / base))
        for each in passes.passes
    )
    return replace(passes, passes=scaled)


def smallest_face(passes: SearchPasses, smallest_in_view: int) -> int:
    """Return the height in pixels of the frame from which most faces are found."""
    return max(1, round(smallest_in_view / max(each.scale for each in passes.wholes)))
