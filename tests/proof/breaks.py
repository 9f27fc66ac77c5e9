"""Deliberate breaks of the product, each of which the proof must notice.

A break is applied by a test in the process that it is about to judge, outside of any fault.
"""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Callable
from typing import Any

from tests.proof.joints import STAGES, Strike, wrap


def _bare(original: Strike, frame: Any, coverage: Any, effect: Any) -> Any:
    from blurcam.media.regions import Coverage

    del coverage
    return original(frame, Coverage(frame.seq, ()), effect)


def raw_on_error() -> None:
    """A frame whose redaction fails goes out as it is."""

    def around(original: Strike, frame: Any, coverage: Any, effect: Any) -> Any:
        try:
            return original(frame, coverage, effect)
        except Exception:  # noqa: BLE001 - that is the break
            return _bare(redact, frame, coverage, effect)

    from blurcam.redact.gate import redact

    wrap(STAGES["redact"], around)


def uncovered_on_error() -> None:
    """A frame whose coverage fails is taken for one without a face."""

    def around(original: Strike, session: Any) -> Any:
        from blurcam.media.regions import Coverage

        frame = session._waiting[0][0]  # noqa: SLF001
        try:
            return original(session)
        except Exception:  # noqa: BLE001 - that is the break
            return frame, Coverage(frame.seq, ())

    wrap(STAGES["cover"], around)


def unanswered_is_empty() -> None:
    """A detector that failed, or did not answer, has seen no face."""

    def failed(original: Strike, watch: Any, frame: Any, error: Any) -> Any:
        from blurcam.detect.detector import Answered

        del original, watch, frame, error
        return Answered(())

    def conclude(original: Strike, loop: Any, entry: Any) -> None:
        from blurcam.detect.detector import Answered

        try:
            original(loop, entry)
        except Exception:  # noqa: BLE001 - that is the break
            loop._settled.append((entry.frame, Answered(())))  # noqa: SLF001

    def begin(original: Strike, loop: Any, frame: Any, compared: Any, *, is_last: bool) -> None:
        from blurcam.detect.detector import Answered
        from blurcam.detect.search_chooser import SearchedFrame

        try:
            original(loop, frame, compared, is_last=is_last)
        except Exception:  # noqa: BLE001 - that is the break
            loop._waiting.append(SearchedFrame(frame, True, finding=Answered(())))  # noqa: SLF001

    wrap("blurcam.detect.frame_loop:_FrameLoop._failed", failed)
    wrap("blurcam.detect.frame_loop:_FrameLoop._conclude", conclude)
    wrap("blurcam.detect.frame_loop:_FrameLoop._begin", begin)


def no_waiting() -> None:
    """Frames go on before the detector has answered."""

    def conclude(original: Strike, loop: Any, entry: Any) -> None:
        from blurcam.detect.detector import Answered

        del original
        loop._settled.append((entry.frame, Answered(())))  # noqa: SLF001

    wrap("blurcam.detect.frame_loop:_FrameLoop._conclude", conclude)


def damage_is_trusted() -> None:
    """What the decoder complains of is taken for sound, and nothing for lost."""

    def judged(original: Strike, *args: Any) -> Any:
        for picture, _ in original(*args):
            yield picture, False

    wrap("blurcam.sources.decoding:Decoded._judged", judged)
    wrap("blurcam.sources.decoding:Decoded._suspect", lambda original, *args: None)
    wrap("blurcam.sources.decoding:Decoded.lost", lambda original, *args: (0, ""))


def failed_read_is_the_end() -> None:
    """A source that fails is taken for one that ended, whatever is missing."""
    damage_is_trusted()

    def around(original: Strike, frames: Any, counts: Any) -> Any:
        del original
        from blurcam.errors import SourceReadError

        def until() -> Any:
            try:
                yield from frames
            except SourceReadError:
                counts.fault = None

        return until()

    wrap("blurcam.runs.recording:until_fault", around)


def later_sessions_are_bare() -> None:
    """After a change of session frames go out before anything is known of them."""

    def around(original: Strike, frame: Any, coverage: Any, effect: Any) -> Any:
        if frame.session or frame.is_corrupt:
            return _bare(original, frame, coverage, effect)
        return original(frame, coverage, effect)

    wrap(STAGES["redact"], around)


def publish_anyway() -> None:
    """An output gets its name however it ended."""

    def around(original: Strike, sink: Any) -> Any:
        original(sink)
        if sink.part.exists():
            sink.part.replace(sink.path)

    wrap("blurcam.sinks.file:FileSink.close", around)


def write_in_place() -> None:
    """The final name is there from the first packet on."""

    def around(original: Strike, sink: Any, packet: Any) -> Any:
        original(sink, packet)
        if not sink.path.exists():
            os.link(sink.part, sink.path)

    wrap(STAGES["write"], around)


def nothing_is_flushed() -> None:
    """A camera's pictures wait in memory until there are hundreds of them."""
    waiting: list[Any] = []

    def around(original: Strike, file: Any, packet: Any) -> None:
        waiting.append(packet)
        if len(waiting) > 200:
            for each in waiting:
                original(file, each)
            waiting.clear()

    wrap("blurcam.sinks.segment_file:SegmentFile.write", around)


def uncounted() -> None:
    """Every third frame is left out of the books, and nobody adds them up."""
    calls = itertools.count()

    def around(original: Strike, counts: Any, coverage: Any) -> Any:
        if next(calls) % 3 == 0:
            return None
        return original(counts, coverage)

    wrap("blurcam.runtime.counts:FrameCounts.covered", around)
    wrap("blurcam.runs.chain:account", lambda original, counts, **how: None)


def errors_show_pictures() -> None:
    """The log tells what the picture was on which a stage failed."""

    def around(original: Strike, frame: Any, coverage: Any, effect: Any) -> Any:
        for row in frame.planes[0]:
            sys.stderr.write(" ".join(map(str, row)) + "\n")
        return original(frame, coverage, effect)

    wrap(STAGES["redact"], around)


def copies_input() -> None:
    """The coded pictures of the input lie beside the output."""

    def around(original: Strike, config: Any, *args: Any) -> Any:
        config.output.with_suffix(".tmp").write_bytes(config.input.read_bytes())
        return original(config, *args)

    wrap("blurcam.runs.recording:_open_run", around)


def hides_faults() -> None:
    """A run with faults says that it was complete."""

    def around(original: Strike, *args: Any) -> Any:
        from dataclasses import replace

        return replace(original(*args), complete=True)

    wrap(STAGES["summary"], around)


def redacts_nothing() -> None:
    """Every frame goes out as it came: the control, in which every code must be found."""
    wrap(STAGES["redact"], _bare)


def unsaved_edits_uncover() -> None:
    """A page of a review shows a face as soon as somebody thinks of showing it, on no record."""

    def around(original: Strike, recording: Any, frame: int, draft: str) -> Any:
        del original
        return recording.plan(draft).edited(recording.index.coverage(frame))

    wrap("blurcam.review.reviewed_recording:ReviewedRecording.coverage", around)


BREAKS: dict[str, Callable[[], None]] = {
    each.__name__: each
    for each in (
        raw_on_error, uncovered_on_error, unanswered_is_empty, no_waiting, damage_is_trusted,
        failed_read_is_the_end, later_sessions_are_bare, publish_anyway, write_in_place, uncounted,
        errors_show_pictures, copies_input, hides_faults, redacts_nothing, nothing_is_flushed,
        unsaved_edits_uncover,
    )
}  # fmt: skip


def apply(name: str) -> None:
    """Break this process's blurcam."""
    BREAKS[name]()
