"""What is told is one line, whatever line breaks a library or a file name puts into it."""

from __future__ import annotations

import logging
import sys
from typing import Final

# As a user reads it, and as a developer who asked for more does.
FORMAT: Final = "blurcam: %(levelname)s: %(message)s"


def one_line(text: str) -> str:
    """Return the text with a space in place of each line break, and none at its ends."""
    return " ".join(line.strip() for line in text.splitlines() if line.strip())


def log_in_lines(level: int, format: str = FORMAT) -> None:
    """Have the log go to standard error, a line for each record; a traceback keeps its lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_OneLine(format))
    logging.basicConfig(level=level, handlers=[handler])


class _OneLine(logging.Formatter):
    def formatMessage(self, record: logging.LogRecord) -> str:
        return one_line(super().formatMessage(record))
