"""The process that started this one, on the other side of two pipes."""

from __future__ import annotations

import os
import sys
from typing import TypeVar

from blurcam.runtime.json_values import from_json

T = TypeVar("T")


class Parent:
    """Whom a child process is told its settings by, and tells how it does; see ``child``."""

    def __init__(self) -> None:
        """Take over standard output; whatever else prints then prints to standard error."""
        self.input = sys.stdin.buffer
        self.is_gone = False
        self._output = os.dup(1)
        os.dup2(2, 1)

    def settings(self, kind: type[T], what: str) -> T:
        """Return the next settings; raises EOFError where the parent is gone."""
        line = self.input.readline()
        if not line:
            raise EOFError
        return from_json(kind, line, what)

    def tell(self, kind: str, body: str = "") -> None:
        """Say one line; where nobody hears it, :attr:`is_gone` becomes true."""
        line = memoryview(f"{kind} {body}\n".encode(errors="backslashreplace"))
        try:
            while line:
                line = line[os.write(self._output, line) :]
        except BrokenPipeError:
            self.is_gone = True
