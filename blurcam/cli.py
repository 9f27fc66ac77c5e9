"""The command line: the commands together, and errors to exit codes."""

from __future__ import annotations

import errno
import logging
import os
import sys
import traceback
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from blurcam.commands.catalogue import Commands, with_this_option
from blurcam.commands.terminal import DONE, FAILED, USAGE, say
from blurcam.errors import BlurcamError, ConfigError, ModelError, SinkError
from blurcam.runtime import last_words
from blurcam.runtime.lines import log_in_lines, one_line
from blurcam.runtime.no_core_dump import no_core_dump

# OpenCV raises what it has to say; what it writes to stderr besides is in nobody's words.
os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
# The base of typer's usage errors, which typer (carrying its own click) does not name in public.
_UsageError: type[Exception] = next(
    c for c in typer.BadParameter.__mro__ if c.__name__ == "ClickException"
)


app = typer.Typer(
    name="blurcam",
    cls=Commands,
    help="Finds the faces in recordings and live video, and covers them before anything is stored.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(asked: bool) -> None:
    if asked:
        from blurcam import __version__
        from blurcam.runtime import build

        commit = build.commit(Path(__file__).parent)
        typer.echo(f"blurcam {__version__}" + (f" ({commit})" if commit else ""))
        raise typer.Exit


# Commands that have native libraries do the work in this process, or that others depend on.
_WITNESSED: Final = (
    "run", "render", "camera", "pipe", "evaluate", "verify", "attack", "batch", "review", "serve",
)  # fmt: skip


@app.callback()
def _global(
    context: typer.Context,
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_show_version,
            is_eager=True,
            help="Print the version with its commit, and exit.",
        ),
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Log in detail, and show where an error came from.")
    ] = False,
) -> None:
    del version
    if context.invoked_subcommand in _WITNESSED:
        last_words.leave_witness()
    if debug:
        log_in_lines(logging.DEBUG, logging.BASIC_FORMAT)
    else:
        log_in_lines(logging.WARNING)


def main() -> None:
    """Run the command line and exit with its code."""
    debug = "--debug" in sys.argv[1:]
    no_core_dump()
    try:
        code = app(standalone_mode=False)
    except BlurcamError as exc:
        _tell(_faults_of(exc), debug)
        code = USAGE if isinstance(exc, ConfigError | ModelError) else FAILED
    except _UsageError as exc:
        _tell([_usage(exc)], debug)
        code = USAGE
    except Exception as exc:  # noqa: BLE001 - a bug: one line, unless asked for more
        told = f"internal error: {type(exc).__name__}: {one_line(str(exc))}"
        _tell([f"{told}; nothing more was written. Run it again as: blurcam --debug …"], debug)
        code = FAILED
    finally:
        last_words.over()
    sys.exit(code if isinstance(code, int) else DONE)


_REMEDIES: Final = {
    errno.ENOSPC: "; make room there, or choose another disk",
    errno.EDQUOT: "; make room there, or choose another disk",
    errno.EROFS: "; choose a folder that can be written to",
    errno.EACCES: "; choose a folder that you may write to",
}


def _remedy(error: BlurcamError) -> str:
    """Return what to do about a file that cannot be written; nothing for other errors."""
    number = getattr(error.__cause__, "errno", None)
    return _REMEDIES.get(number or 0, "") if isinstance(error, SinkError) else ""


def _usage(error: Any) -> str:
    text = " ".join(error.format_message().split()).replace("Value error, ", "")
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "blurcam"
    option = getattr(error, "option_name", "")
    name = context.command.name if context is not None else ""
    other = with_this_option(option, but=name) if name in ("run", "camera", "pipe") else None
    if other is not None:
        return f"{option} has no effect in blurcam {name}; it is an option of blurcam {other}"
    return f"{text.rstrip('.')}; see: {path} --help"


def _faults_of(error: BlurcamError) -> list[str]:
    """Return an error as it is told; only of a file of settings are there several faults."""
    if isinstance(error, ConfigError):
        return str(error).splitlines()
    return [f"{one_line(str(error))}{_remedy(error)}"]


def _tell(faults: list[str], debug: bool) -> None:
    """Print an error, a line for each fault, after its traceback if that was asked for."""
    if debug:
        traceback.print_exc()
    for fault in faults:
        say(fault)
