"""The command line: the commands together, and errors to exit codes."""

from __future__ import annotations

import errno
import logging
import os
import sys
import traceback
from typing import Annotated, Any, Final

import typer

from blurcam import __version__
from blurcam.commands.attack import attack
from blurcam.commands.batch import batch_app
from blurcam.commands.check_models import check, models_app
from blurcam.commands.evaluate import evaluate
from blurcam.commands.health import health
from blurcam.commands.pipe import pipe
from blurcam.commands.report import report_app
from blurcam.commands.run_render import render, run
from blurcam.commands.serve import config_app, serve
from blurcam.commands.terminal import DONE, FAILED, USAGE, say
from blurcam.commands.verify import verify
from blurcam.errors import BlurcamError, ConfigError, ModelError, SinkError
from blurcam.runtime.no_core_dump import leave_no_core

# OpenCV raises what it has to say; what it writes to stderr besides is in nobody's words.
os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
# The base of typer's usage errors, which typer (carrying its own click) does not name in public.
_UsageError: type[Exception] = next(
    c for c in typer.BadParameter.__mro__ if c.__name__ == "ClickException"
)


app = typer.Typer(
    name="blurcam",
    help="Finds the faces in recordings and covers them before anything is stored.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(models_app, name="models")
app.add_typer(batch_app, name="batch")
app.add_typer(report_app, name="report")
app.command()(run)
app.command()(pipe)
app.command()(render)
app.command()(serve)
app.add_typer(config_app, name="config")
app.command()(evaluate)
app.command()(verify)
app.command()(attack)
app.command()(check)
app.command()(health)


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(f"blurcam {__version__}")
        raise typer.Exit


@app.callback()
def _global(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Log in detail, and show where an error came from.")
    ] = False,
) -> None:
    del version
    logging.basicConfig(
        level=logging.DEBUG if debug else logging.WARNING,
        format="blurcam: %(levelname)s: %(message)s" if not debug else logging.BASIC_FORMAT,
        stream=sys.stderr,
    )


def main() -> None:
    """Run the command line and exit with its code."""
    debug = "--debug" in sys.argv[1:]
    leave_no_core()
    try:
        code = app(standalone_mode=False)
    except BlurcamError as exc:
        _tell(f"{exc}{_remedy(exc)}", debug)
        code = USAGE if isinstance(exc, ConfigError | ModelError) else FAILED
    except _UsageError as exc:
        _tell(_usage(exc), debug)
        code = USAGE
    except Exception as exc:  # noqa: BLE001 - a bug: one line, unless asked for more
        _tell(
            f"internal error: {type(exc).__name__}: {exc}; nothing more was written. "
            "Run it again as: blurcam --debug …",
            debug,
        )
        code = FAILED
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
    return f"{text.rstrip('.')}; see: {path} --help"


def _tell(text: str, debug: bool) -> None:
    """Print an error as one line, after its traceback if that was asked for."""
    if debug:
        traceback.print_exc()
    say(" ".join(text.splitlines()))
