"""The options that choose the recordings of a job."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from pydantic_core import PydanticCustomError

from blurcam.errors import ConfigError
from blurcam.settings.amounts import read_seconds

if TYPE_CHECKING:
    from blurcam.batch.inputs import AgeWindow

_WHICH: Final = "Which recordings"

Inputs = Annotated[
    list[str],
    typer.Argument(
        metavar="IN",
        help='Recordings, folders (with all below them), quoted patterns; "-": a list of them on '
        "standard input, one a line.",
    ),
]
Since = Annotated[
    str | None,
    typer.Option(
        help="Only recordings last written to from then on: 2026-11-01, or 2026-11-01T08:00.",
        rich_help_panel=_WHICH,
    ),
]
Until = Annotated[
    str | None, typer.Option(help="Only those written to before then.", rich_help_panel=_WHICH)
]
OlderThan = Annotated[
    str | None,
    typer.Option(
        help="Only those last written to so long ago: 30d, 12h, 90m.", rich_help_panel=_WHICH
    ),
]
NullSeparated = Annotated[
    bool,
    typer.Option(
        "--null", "-0", help="The list on standard input ends names in NUL, as find -print0 does.",
        rich_help_panel=_WHICH,
    ),
]  # fmt: skip


def paths_of(inputs: list[str], *, null: bool) -> Iterator[Path]:
    """Yield the inputs; "-" stands for those listed on standard input."""
    for each in inputs:
        if each != "-":
            yield Path(each)
            continue
        for line in sys.stdin.buffer.read().split(b"\0" if null else b"\n"):
            if line:
                yield Path(os.fsdecode(line))


def window_of(since: str | None, until: str | None, older_than: str | None) -> AgeWindow:
    """Return the window that the options ask for; raises ConfigError."""
    from blurcam.batch.inputs import AgeWindow

    start = float("-inf") if since is None else _moment(since, "since")
    end = float("inf") if until is None else _moment(until, "until")
    if older_than is not None:
        end = min(end, time.time() - _length(older_than))
    return AgeWindow(start, end)


def _moment(text: str, key: str) -> float:
    try:
        return datetime.fromisoformat(text).astimezone().timestamp()
    except (ValueError, OverflowError) as exc:
        raise ConfigError(
            f'{key}: "{text}" is no date; write 2026-11-01 or 2026-11-01T08:00'
        ) from exc


def _length(text: str) -> float:
    try:
        if text.strip()[-1:].isdigit():
            raise PydanticCustomError("amount", "has no unit")
        return float(str(read_seconds(text)))
    except PydanticCustomError as exc:
        raise ConfigError(
            f'older-than: "{text}" is no length of time; write 30d, 12h or 90m'
        ) from exc
