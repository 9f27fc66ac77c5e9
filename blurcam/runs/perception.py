"""Perception: the half of the chain that decides what to cover (detector, search, coverage)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Final

from blurcam.detect.detector import CombinedDetector, Detector, Finding
from blurcam.detect.frame_loop import scan
from blurcam.detect.overload import OverloadControl
from blurcam.detect.overload_search import OverloadSearch, full_resolution
from blurcam.detect.profiles import PROFILES, detector_of, passes_for, plan_of
from blurcam.detect.search import Search
from blurcam.detect.selftest import prove
from blurcam.detect.slow_detector import ThreadedDetector
from blurcam.detect.views import Viewpoint
from blurcam.media.formats import StreamInfo
from blurcam.media.frames import Frame
from blurcam.media.regions import Coverage
from blurcam.models.load import load
from blurcam.runtime.counts import FrameCounts
from blurcam.runtime.last_words import step
from blurcam.settings.redaction import Cover, Detect, Polygon
from blurcam.track.cover import cover
from blurcam.track.reach import Reach
from blurcam.track.zones import burn_in, ignore

# This share of a live stream's look-ahead is for looking ahead; the rest is for the answer.
SHARE: Final = 0.75
# A live frame is fully covered after this many seconds without an answer.
LIVE_TIMEOUT: Final = 1.0
# A camera's run ends by seconds without an answer, never by a number of frames.
_PATIENT: Final = 1_000_000


def open_detector(detect: Detect, *, live: bool = False) -> Detector:
    """Return the detector that the settings name, loaded and tested on a known face.

    The detector of a ``live`` stream never searches in the caller's thread, where it might hang.

    Raises :class:`~blurcam.errors.ModelError` for weights that are missing or not the pinned
    ones, and for a detector that does not find the known face.
    """
    names = detector_of(detect).split("+")
    detectors: list[Detector] = []
    with ExitStack() as stack:
        for name in names:
            with step(f"loading the detector {name}"):
                detector = _DETECTORS[name](detect, live)
                stack.callback(detector.close)
                prove(detector)
            detectors.append(
                ThreadedDetector(detector) if live and name == "mediapipe" else detector
            )
        stack.pop_all()
    opened = detectors[0] if len(detectors) == 1 else CombinedDetector(detectors)
    return opened


def _centerface(detect: Detect, live: bool) -> Detector:
    from blurcam.detect.detectors import centerface

    # Several passes may agree on what one only suspects, so the detector reports more than counts.
    asked = detect.threshold or PROFILES[detect.profile].passes.threshold
    threshold = min(asked, centerface.SUSPICION)
    if detector_of(detect) != "centerface":
        threshold = detect.threshold or PROFILES["balanced"].passes.certain
    return centerface.open_centerface(
        load("centerface"), threshold=threshold, device=detect.device, soon=live
    )


def _mediapipe(detect: Detect, live: bool) -> Detector:
    del live
    from blurcam.detect.detectors import mediapipe

    threshold = detect.threshold or mediapipe.DEFAULT_THRESHOLD
    weights = load(f"mediapipe-{detect.range}")
    return mediapipe.open_mediapipe(
        weights, threshold=threshold, range=detect.range, tiles=detect.tiles
    )


def _yunet(detect: Detect, live: bool) -> Detector:
    from blurcam.detect.detectors import yunet

    threshold = detect.threshold or yunet.DEFAULT_THRESHOLD
    return yunet.open_yunet(load("yunet"), threshold=threshold, device=detect.device, soon=live)


_DETECTORS: dict[str, Callable[[Detect, bool], Detector]] = {
    "centerface": _centerface,
    "mediapipe": _mediapipe,
    "yunet": _yunet,
}


def searched(
    frames: Iterable[Frame],
    info: StreamInfo,
    detector: Detector,
    detect: Detect,
    *,
    live: bool = False,
) -> Iterator[tuple[Frame, Finding]]:
    """Yield every frame with its finding; those of a ``live`` stream as soon as possible."""
    viewpoint = Viewpoint(info.sample_aspect_ratio, info.orientation)
    passes = passes_for(detect, detector.threshold, info.width, info.height)
    plan = plan_of(detect, passes, live=live)
    return scan(frames, Search(detector, viewpoint, passes), plan)


def searched_live(
    frames: Iterable[Frame | None],
    info: StreamInfo,
    detector: Detector,
    detect: Detect,
    control: OverloadControl,
) -> Iterator[tuple[Frame, Finding]]:
    """Yield every frame of a camera with its finding, searched as closely as the load allows.

    ``camera_status`` decides how long a detector may go without an answer.
    """
    viewpoint = Viewpoint(info.sample_aspect_ratio, info.orientation)
    passes = full_resolution(detect, detector.threshold, info.width, info.height)
    detect = replace(detect, timeout=min(detect.timeout, LIVE_TIMEOUT), patience=_PATIENT)
    plan = plan_of(detect, passes, live=True)
    yield from scan(frames, OverloadSearch(detector, viewpoint, passes, control), plan, control)


def covered(
    found: Iterable[tuple[Frame, Finding]],
    settings: Cover,
    counts: FrameCounts,
    *,
    live: bool = False,
    most_bytes: int | None = None,
) -> Iterator[tuple[Frame, Coverage]]:
    """Yield every frame with its coverage: the tracked faces, and the zones.

    At most ``most_bytes`` of frames wait for those after them.
    """
    share = SHARE if live else 1.0
    lead, bridge = share * settings.lead, share * settings.bridge
    reach = Reach(lead, settings.hold, bridge, settings.margin, is_live=live, most_bytes=most_bytes)
    kept = _without_ignored(found, settings.ignores, counts)
    return burn_in(cover(kept, reach, counts), settings.masks)


def _without_ignored(
    found: Iterable[tuple[Frame, Finding]], polygons: Sequence[Polygon], counts: FrameCounts
) -> Iterator[tuple[Frame, Finding]]:
    """Yield every frame without the detections to ignore, and count those."""
    given = 0

    def noted() -> Iterator[tuple[Frame, Finding]]:
        nonlocal given
        for frame, finding in found:
            given = _count(finding)
            yield frame, finding

    for frame, finding in ignore(noted(), polygons):
        counts.ignored += given - _count(finding)
        yield frame, finding


def _count(finding: Finding) -> int:
    return len(getattr(finding, "detections", ()))
