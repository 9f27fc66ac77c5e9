"""How a long proof goes, a line at a time."""

from __future__ import annotations

import sys
import time
from typing import Final

_LONGEST: Final = 1000


def told(text: str) -> None:
    """Say how it goes: on standard error, with the time, and not without end."""
    first, *rest = text.splitlines()
    sys.stderr.write("\n".join([f"{time.strftime('%H:%M:%S')} {first[:_LONGEST]}", *rest]) + "\n")
