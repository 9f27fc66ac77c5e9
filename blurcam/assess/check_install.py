"""The check of an installation: it tries everything that blurcam needs on this machine."""

from __future__ import annotations

import importlib.metadata
import platform
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from blurcam.errors import BlurcamError

_PACKAGES = ("av", "mediapipe", "numpy", "opencv-python", "openvino", "typer")


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One check: what was tried, the result, and what to do about a bad one.

    If a check that is not ``needed`` fails, blurcam works without.
    """

    what: str
    works: bool
    text: str
    needed: bool = True

    @property
    def good(self) -> bool:
        """Whether nothing must be done about it."""
        return self.works or not self.needed

    def __str__(self) -> str:
        """Return it as one line."""
        sign = "ok" if self.works else "FAIL" if self.needed else "-"
        return f"{sign:4}  {self.what}: {self.text}"


def examine(recording: Path | None = None) -> Iterator[CheckResult]:
    """Try everything a redaction needs, and one recording if given."""
    yield _python()
    for package in _PACKAGES:
        yield _package(package)
    yield from _models()
    yield from _detectors()
    yield from _encoders()
    if recording is not None:
        yield _recording(recording)


def _python() -> CheckResult:
    good = sys.version_info >= (3, 11)
    advice = "" if good else "; blurcam needs 3.11 or later"
    return CheckResult(
        "python", good, f"{platform.python_version()} on {platform.machine()}{advice}"
    )


def _package(name: str) -> CheckResult:
    try:
        return CheckResult(name, True, importlib.metadata.version(name))
    except importlib.metadata.PackageNotFoundError:
        return CheckResult(name, False, f"is missing; install it with: pip install {name}")


def _models() -> Iterator[CheckResult]:
    from blurcam.models.fetch import listing

    for state in listing():
        works = state.wrong is None and state.present
        is_needed = state.wrong is not None or state.model.default
        yield CheckResult(f"model {state.model.name}", works, state.text, is_needed)


def _detectors() -> Iterator[CheckResult]:
    """Try every detector that is installed, each in a process of its own."""
    from blurcam.assess.detector_trial import fault_of
    from blurcam.models.fetch import listing
    from blurcam.settings.redaction import Detect, DetectorName

    present = {state.model.name for state in listing() if state.present}
    needs: dict[DetectorName, str] = {
        "centerface": "centerface",
        "mediapipe": "mediapipe-full",
        "yunet": "yunet",
    }
    for name, model in needs.items():
        is_default = name == "centerface"
        if model in present or is_default:
            fault = fault_of(Detect(detector=name))
            text = fault or "finds the known face"
            yield CheckResult(f"detector {name}", fault is None, text, is_default)


def _encoders() -> Iterator[CheckResult]:
    from blurcam.encode.choice import list_encoders

    for name, codec, opens, is_software in list_encoders():
        text = f"{codec}, opens" if opens else f"{codec}, does not open here"
        yield CheckResult(f"encoder {name}", opens, text, is_software)


def _recording(path: Path) -> CheckResult:
    from blurcam.runtime.counts import FrameCounts
    from blurcam.sources.recording import open_source

    try:
        source = open_source(path, FrameCounts())
        try:
            first = next(source.frames(), None)
        finally:
            source.close()
    except BlurcamError as exc:
        return CheckResult("recording", False, str(exc))
    if first is None:
        return CheckResult("recording", False, f"{path}: holds no frame that can be decoded")
    info = source.info
    rate = f"{float(info.rate):.3f}" if info.rate else "unknown"
    return CheckResult(
        "recording",
        True,
        f"{path}: {info.codec} {info.width}x{info.height} {info.pixel_format.name}, "
        f"rate {rate}, {info.frame_count or 'unknown number of'} frames; "
        f"profiles see faces from {_seen(info.width, info.height)}",
    )


def _seen(width: int, height: int) -> str:
    """Return the height from which each profile sees most faces on frames of this size."""
    from blurcam.detect.profiles import passes_for, smallest_face
    from blurcam.settings.redaction import Detect, ProfileName

    in_view: dict[ProfileName, int] = {"near": height // 10, "balanced": 12, "thorough": 12}
    heights = (
        f"{smallest_face(passes_for(Detect(name), 0.3, width, height), smallest)} px ({name})"
        for name, smallest in in_view.items()
    )
    return ", ".join(heights)
