"""A stream redacted as it comes: standard output, signals, and what is said meanwhile."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from blurcam.commands.terminal import (
    DONE,
    INCOMPLETE,
    clear_line,
    say,
    show_line,
    warn_of_cosmetic,
)
from blurcam.errors import ConfigError, SinkClosed, SourceError
from blurcam.runtime.counts import counted
from blurcam.runtime.last_words import over
from blurcam.runtime.signals import ENDING, handling
from blurcam.settings.pipe import is_stream

if TYPE_CHECKING:
    from blurcam.runs.pipe import PipeRun
    from blurcam.settings.pipe import PipeSettings

# After so long a search that is under way is given up: the end must be written within 2 s.
_PATIENCE_SECONDS: Final = 0.7


def stream(piping: PipeSettings, *, json: bool = False, quiet: bool) -> int:
    """Redact a stream to its end; return the exit code."""
    output = claim_standard_output()
    if str(piping.output) == "-" and output is not None and os.isatty(output):
        raise ConfigError(
            "standard output is a terminal; pipe the video on, such as: blurcam pipe | ffplay -"
        )
    # Only now: what is loaded here may write to standard output, which no longer is the video's.
    from blurcam.runs.pipe import PipeRun

    warn_of_cosmetic(piping.effect)
    caught: list[int] = []
    with PipeRun(piping, output) as run, _signals(run, caught):
        try:
            run.open()
            for _ in _shown(run, shown=not quiet and sys.stderr.isatty()):
                pass
        except SinkClosed as exc:
            run.counts.notice(str(exc))
        except SourceError:
            if not run.stopped:
                raise
    summary = run.summary()
    if not quiet:
        for line in summary.lines():
            say(line)
    if json and output is not None:
        os.write(output, f"{summary.to_json()}\n".encode())
    if caught and not is_stream(piping.input):
        return 128 + caught[0]  # a recording that was not finished
    return DONE if summary.complete or caught else INCOMPLETE


def claim_standard_output() -> int | None:
    """Return a descriptor of standard output for the video alone; ``None`` where it is closed.

    From then on whatever is printed, by whatever library, goes to standard error.
    """
    open_ones = [_is_open(number) for number in (0, 1, 2)]
    for is_open in open_ones:
        if not is_open:
            # Else the next file to be opened would be taken for a standard one.
            os.open(os.devnull, os.O_RDWR)
    output = os.dup(1) if open_ones[1] else None
    os.dup2(2, 1)
    return output


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


@contextmanager
def _signals(run: PipeRun, caught: list[int]) -> Iterator[None]:
    """Let SIGINT and SIGTERM end the run well, and a second one without waiting."""

    def end(number: int) -> None:
        caught.append(number)
        if run.stopped:
            late(number)
        else:
            run.stop()
            signal.setitimer(signal.ITIMER_REAL, _PATIENCE_SECONDS)

    def late(number: int) -> None:
        del number
        if not run.is_writing:
            over()
            os._exit(DONE)  # nothing was written yet, and models load for longer than that
        run.late()

    with handling(late, signal.SIGALRM), handling(end, *ENDING):
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)


def _shown(run: PipeRun, *, shown: bool) -> Iterator[Fraction]:
    """Yield the steps; on a terminal with a line that says how it goes, once a second."""
    told, frames = time.monotonic(), 0
    for when in run.steps():
        frames += 1
        now = time.monotonic()
        if shown and now - told >= 1:
            counts = run.counts
            show_line(
                f"{frames / (now - told):.1f} frames a second, {counted(counts.tracks, 'track')}, "
                f"{counts.dropped} dropped, {counts.lost} lost"
            )
            told, frames = now, 0
        yield when
    clear_line(shown)
