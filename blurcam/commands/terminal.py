"""Exit codes, what is said on stderr, and the signals that end a run."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from blurcam.errors import ConfigError
from blurcam.runtime.lines import one_line
from blurcam.runtime.signals import ENDING, handling

if TYPE_CHECKING:
    from blurcam.settings.redaction import EffectName

DONE, FAILED, USAGE, INCOMPLETE = 0, 1, 2, 3


def say(text: str) -> None:
    """Say one line on stderr, whatever the text is; that nobody can hear it is no failure."""
    with suppress(OSError):  # a full disk behind a log, a closed terminal
        typer.echo(f"blurcam: {one_line(text)}", err=True)


def show_line(text: str) -> None:
    """Show a line on a terminal in place of the one that was shown before."""
    with suppress(OSError):
        sys.stderr.write(f"\r\033[Kblurcam: {text}")
        sys.stderr.flush()


def clear_line(on_terminal: bool) -> None:
    """Take away the line that was shown, where one can have been."""
    if on_terminal:
        with suppress(OSError):
            sys.stderr.write("\r\033[K")


def warn_of_cosmetic(effect: EffectName) -> None:
    """Say so where an effect leaves faces that can be recognised."""
    from blurcam.settings.redaction import COSMETIC

    if effect in COSMETIC:
        say(
            f"warning: {effect} is cosmetic: machines recognise most faces under it; "
            "blur, solid and mosaic read no pixel of the face"
        )


class _Signalled(BaseException):
    """SIGINT or SIGTERM arrived."""


@contextmanager
def unfinished(output: Path, then: str = "") -> Iterator[Callable[[], None]]:
    """Turn SIGINT and SIGTERM into their exit codes, nothing being under the final name.

    ``then`` tells the user what to do about it. The caller must call what this gives from time to
    time: it raises again what a signal raised, in case a library has caught that.
    """
    caught: list[int] = []

    def signalled(number: int) -> NoReturn:
        caught.append(number)
        raise _Signalled

    def check_signals() -> None:
        if caught:
            raise _Signalled

    try:
        with handling(signalled, *ENDING):
            yield check_signals
    except _Signalled:
        word = "interrupted" if caught[0] == signal.SIGINT else "terminated"
        say(f"{word}; {output} was not finished{then}")
        raise typer.Exit(128 + caught[0]) from None


def to_json(values: dict[str, Any]) -> str:
    """Return values as indented JSON."""
    import json

    return json.dumps(values, indent=2, default=str) + "\n"


def write(path: Path, text: str) -> None:
    """Write a file that was asked for; raises ConfigError naming it."""
    from blurcam.runtime.files import write_file

    try:
        write_file(path, text.encode())
    except OSError as exc:
        raise ConfigError(f"{path}: cannot be written: {exc.strerror}") from exc
