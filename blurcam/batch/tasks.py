"""Tasks: the work of a job in pieces for one process each, and the answers to them.

Tasks and answers are values. They travel between processes and machines as JSON; see
:mod:`blurcam.batch.task_json`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Base64Bytes

from blurcam.assess.verification import Verification
from blurcam.batch.coverage_by_second import CoverageBySecond
from blurcam.runs.span_cuts import Span
from blurcam.runs.summary import Summary
from blurcam.settings.recording import Config


@dataclass(frozen=True, slots=True)
class RedactRecording:
    """Redact a recording into ``config.output``, a temporary name.

    A recording longer than 1.5 times ``span`` seconds is only cut into spans; 0 never cuts.
    """

    file: int
    config: Config
    verify: bool = False
    span: float = 0.0


@dataclass(frozen=True, slots=True)
class RedactSpan:
    """Redact one span of a recording; write its packets, signed with ``key``, to ``packets``."""

    file: int
    config: Config
    span: Span
    packets: Path
    key: str


@dataclass(frozen=True, slots=True)
class JoinSpans:
    """Make one file, ``config.output``, from the packets of a recording's spans."""

    file: int
    config: Config
    spans: tuple[Span, ...]
    packets: tuple[Path, ...]
    parts: tuple[str, ...]
    key: str
    verify: bool = False


Task = RedactRecording | RedactSpan | JoinSpans

Activity = Literal["redacting", "joining", "verifying"]


@dataclass(frozen=True, slots=True)
class TaskStep:
    """The progress of a task: its activity, and how many seconds of ``total`` are done.

    Both are media time. ``total`` is 0 if the recording does not tell its duration.
    """

    doing: Activity
    seconds: float
    total: float = 0.0


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A small JPEG of a redacted recording, with its time in seconds and the reason for it."""

    time: float
    why: str
    jpeg: Base64Bytes


@dataclass(frozen=True, slots=True)
class RecordingRedacted:
    """A recording is redacted, and complete under the name in its task."""

    summary: Summary
    timeline: CoverageBySecond
    size: int
    verification: Verification | None = None
    thumbnails: tuple[Thumbnail, ...] = ()

    def columns(self) -> dict[str, object]:
        """Return its columns in the ledger."""
        summary, verification = self.summary, self.verification
        return {
            "staged": Path(summary.output).name,
            "input_sha256": summary.input_sha256,
            "output_sha256": summary.output_sha256,
            "output_size": self.size,
            "frames": summary.frames_in,
            "covered_whole": summary.frames_covered_whole,
            "lost": summary.frames_lost,
            "complete": int(summary.complete),
            "tracks": summary.tracks,
            "duration_s": summary.duration_s,
            "wall_s": summary.wall_s,
            "summary": summary.to_json(),
            "timeline": json.dumps(self.timeline.to_values()),
            "verdict": None if verification is None else verification.verdict.value,
            "exposure_s": None if verification is None else verification.exposure_s,
            "verification": None if verification is None else json.dumps(verification.to_values()),
        }


@dataclass(frozen=True, slots=True)
class TaskFailed:
    """A task failed.

    If ``fatal``, every other recording would fail, too: the disk is full or a model is missing.
    ``remedy`` tells what to do before the job is run again.
    """

    error: str
    fatal: bool = False
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class RecordingCut:
    """A long recording must be redacted in these spans."""

    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class SpanRedacted:
    """A span is redacted; ``part`` describes it as JSON."""

    part: str


Outcome = RecordingRedacted | RecordingCut | SpanRedacted | TaskFailed
