"""Where a fault or a break takes hold: functions of the product by name, and their nth call."""

from __future__ import annotations

import functools
import itertools
import pkgutil
from collections.abc import Callable
from typing import Any

Strike = Callable[..., Any]
"""What happens in place of a call: given the original function, its arguments and keywords."""

Stage = str | tuple[str, ...]
"""The function that a stage is, or those of which a run calls now one, now the other."""


def wrap(target: str, around: Strike) -> None:
    """Put something around a function, named as ``package.module:Class.method``."""
    holder, _, name = target.rpartition("." if "." in target.partition(":")[2] else ":")
    owner = pkgutil.resolve_name(holder)
    original = getattr(owner, name)

    @functools.wraps(original)
    def instead(*args: Any, **kwargs: Any) -> Any:
        return around(original, *args, **kwargs)

    setattr(owner, name, instead)


def at_call(
    stage: Stage, nth: int, strike: Strike, tell: Callable[[], object], *, ever: bool = False
) -> None:
    """Have the nth call (counted from 1; with ``ever`` also all later ones) struck."""
    calls = itertools.count(1)

    def around(original: Strike, *args: Any, **kwargs: Any) -> Any:
        call = next(calls)
        if call == nth or (ever and call > nth):
            tell()
            return strike(original, *args, **kwargs)
        return original(*args, **kwargs)

    for target in (stage,) if isinstance(stage, str) else stage:
        wrap(target, around)


STAGES: dict[str, Stage] = {
    "decode": "blurcam.sources.decoding:Decoded._decode",
    "picture": "blurcam.sources.to_frames:FrameMaker.frame",
    "search": ("blurcam.detect.search:Search.start", "blurcam.detect.search:Search.start_quick"),
    "detect": "tests.proof.oracle:Oracle.start",
    "answer": "tests.proof.oracle:Found.wait",
    "link": "blurcam.track.cover:_Session._see",
    "cover": "blurcam.track.cover:_Session._leave",
    "redact": "blurcam.runs.chain:redact",
    "fill": "blurcam.redact.effects:Blur.fill",
    "encode": "blurcam.encode.encoder:Encoder.encode",
    "write": "blurcam.sinks.file:FileSink.write",
    "finish": "blurcam.sinks.file:FileSink.finish",
    "verify": "blurcam.sinks.file:FileSink._verify",
    "digest": "blurcam.sinks.file:FileSink._digest",
    "publish": "blurcam.sinks.file:FileSink._publish",
    "summary": "blurcam.runs.recording:summary_of",
}
"""The stages of a recording's run, in its order; those of another path after :func:`take`."""

DETECTOR = "blurcam.runs.recording:open_detector"
_ELSEWHERE: dict[str, dict[str, Stage]] = {
    "pipe": {
        "write": "blurcam.sinks.pipe:PipeSink.write",
        "finish": "blurcam.sinks.pipe:PipeSink.finish",
        "summary": "blurcam.runs.pipe:PipeRun.summary",
    },
    "batch": {},
    "review": {"redact": "blurcam.review.frame_reader:redact"},
    "serve": {
        "decode": "blurcam.sources.camera:LiveSource._decode",
        "picture": "blurcam.sources.camera:LiveSource._frame",
        "write": "blurcam.sinks.segments:SegmentSink.write",
        "finish": "blurcam.sinks.segments:SegmentSink.finish",
    },
}
_DETECTORS = {
    "run": DETECTOR,
    "pipe": "blurcam.runs.pipe:open_detector",
    "batch": "blurcam.runs.perception:open_detector",
    "review": "blurcam.runs.perception:open_detector",
    "serve": "blurcam.runs.camera:open_detector",
}


def take(path: str) -> None:
    """Have the stages be those of another path through blurcam."""
    STAGES.update(_ELSEWHERE.get(path, {}))


def detector_of(path: str) -> str:
    """Return where a path opens its detector."""
    return _DETECTORS[path]
