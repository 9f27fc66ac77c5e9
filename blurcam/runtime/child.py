"""A process of blurcam's own: started, told its settings, watched, and how it ended in words.

Settings go in on its standard input as JSON, since others can read arguments and the environment,
and a pickle could name code. Lines come back on its standard output: a kind, a space, a body.
Every line is a sign of life, but for ``step``, which says what the process begins to do.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import IO, Final

from blurcam.media.clock import Clock

SILENT: Final = subprocess.DEVNULL
"""In place of a descriptor: what the child writes to standard error is thrown away."""

_READ: Final = 1 << 16


class Child:
    """One process, from its parent's side."""

    def __init__(
        self,
        module: str,
        clock: Clock,
        *,
        starts_within: float,
        hangs_after: float,
        ends_within: float = 0.0,
        longest_line: int = 4 << 20,
        stderr: int | None = None,
        expendable: bool = False,
    ) -> None:
        """Start ``module``, which has a ``main`` that takes a ``Parent``; raises OSError.

        It hangs where it says nothing for ``starts_within`` seconds at first, or ``hangs_after``
        later; one that was asked to end has ``ends_within`` for it. A longer line than
        ``longest_line`` bytes is no sense. If memory runs out, one that is ``expendable`` goes.
        """
        command = [sys.executable, "-m", "blurcam.runtime", module]
        self._popen = subprocess.Popen(
            [*command, "expendable"] if expendable else command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            start_new_session=True,  # a Ctrl-C is for the parent, which ends it in order
        )
        self.pid = self._popen.pid
        self.step = ""
        self.is_hung = False
        self.started = self._heard = clock.elapsed()
        self._patience = starts_within
        self._clock = clock
        self._hangs_after = hangs_after
        self._ends_within = ends_within
        self._longest_line = longest_line
        self._rest = b""
        self._ending_since: float | None = None
        os.set_blocking(self.fileno(), False)

    @property
    def input(self) -> IO[bytes]:
        """Its standard input."""
        assert self._popen.stdin is not None
        return self._popen.stdin

    def fileno(self) -> int:
        """Return the descriptor of what it says, for a selector."""
        assert self._popen.stdout is not None
        return self._popen.stdout.fileno()

    def tell(self, line: str) -> None:
        """Say one line to it; its end is noticed elsewhere."""
        self._heard = self._clock.elapsed()
        with suppress(BrokenPipeError):
            self.input.write(line.encode() + b"\n")
            self.input.flush()

    def hear(self) -> Iterator[tuple[str, bytes]]:
        """Yield the lines that it has said since the last time, as kind and body."""
        with suppress(BlockingIOError):
            while chunk := os.read(self.fileno(), _READ):
                *lines, self._rest = (self._rest + chunk).split(b"\n")
                for line in lines:
                    kind, _, body = line.partition(b" ")
                    if kind == b"step":
                        self.step = body.decode("utf-8", "replace")
                        continue
                    self._heard, self._patience = self._clock.elapsed(), self._hangs_after
                    yield kind.decode("ascii", "replace"), body
                if len(self._rest) > self._longest_line:
                    return self._popen.kill()

    @property
    def is_running(self) -> bool:
        """Whether it lives."""
        return self._popen.poll() is None

    @property
    def is_ending(self) -> bool:
        """Whether it was asked to end."""
        return self._ending_since is not None

    @property
    def exit_code(self) -> int | None:
        """What it ended with, negative for a signal; ``None`` while it lives."""
        return self._popen.poll()

    def end(self) -> None:
        """Ask it to end."""
        if self._ending_since is None:
            self._ending_since = self._clock.elapsed()
            self._popen.terminate()

    def watch(self) -> None:
        """Kill it where it hangs, or does not end in the time that it has for that."""
        now = self._clock.elapsed()
        if self._ending_since is not None:
            if now - self._ending_since > self._ends_within:
                self._popen.kill()
        elif now - self._heard > self._patience and self.is_running:
            self.is_hung = True
            self._popen.kill()

    def how_it_ended(self) -> str:
        """Return in words how it ended, and during which step if it has said so."""
        return f"{self._end_in_words()}{f' while {self.step}' if self.step else ''}"

    def _end_in_words(self) -> str:
        code = self._popen.returncode
        if self.is_hung:
            return "hung"
        if code == -signal.SIGKILL:
            return "was ended by SIGKILL (by hand, or because memory ran out)"
        if code < 0:
            with suppress(ValueError):
                return f"was ended by {signal.Signals(-code).name}"
        return f"ended with exit code {code}"

    def wait(self, seconds: float) -> None:
        """Give it so long to end by itself."""
        with suppress(subprocess.TimeoutExpired):
            self._popen.wait(seconds)

    def close(self, patience: float = 0.0) -> None:
        """Tell it that nothing follows, and kill it after ``patience`` seconds; safe twice."""
        with suppress(OSError):  # what was still to be written has no reader
            self.input.close()
        self.wait(patience)
        self._popen.kill()
        self._popen.wait()
        if self._popen.stdout is not None:
            self._popen.stdout.close()


def wait_for(children: Iterable[Child], seconds: float) -> list[Child]:
    """Return the children that have said something, or ended, waiting at most so long for one."""
    with selectors.DefaultSelector() as selector:
        for child in children:
            selector.register(child, selectors.EVENT_READ, child)
        return [key.data for key, _ in selector.select(seconds)]
