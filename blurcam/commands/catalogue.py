"""The catalogue of commands: a line on each, its common options, and examples.

A command's module is loaded only when the command is used, so that ``blurcam --help`` answers at
once.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, wraps
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from typer.core import TyperCommand, TyperGroup

from blurcam.commands.terminal import say
from blurcam.errors import ConfigError

_REDACT, _CHECK, _SET_UP = "Redact", "Check", "Set up"


@dataclass(frozen=True, slots=True)
class CommandEntry:
    """One command; ``common`` are the settings whose options ``--help`` shows, empty for all."""

    module: str
    attribute: str
    summary: str
    panel: str
    common: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()


COMMANDS: Final = {
    "run": CommandEntry(
        "run", "run", "Redact a recording.", _REDACT,
        ("profile", "effect", "masks", "audio", "overwrite", "regions", "summary", "quiet"),
        (
            "blurcam run in.mp4 out.mp4",
            "blurcam run in.mp4 out.mp4 --profile thorough --effect solid",
        ),
    ),
    "batch": CommandEntry(
        "batch", "batch_app", "Redact a tree of recordings: blurcam batch IN… --out DIR.", _REDACT
    ),
    "camera": CommandEntry(
        "camera", "camera", "Redact one live camera until stopped.", _REDACT,
        ("profile", "effect", "masks", "lead", "transport", "segment", "quiet"),
        (
            "blurcam camera rtsp://cam/stream rtsp://localhost:8554/front",
            "blurcam camera rtsp://cam/stream %Y-%m-%d/%H-%M-%S.mp4 --segment 5m",
        ),
    ),
    "pipe": CommandEntry(
        "pipe", "pipe", "Redact a stream between two programs.", _REDACT,
        ("profile", "effect", "masks", "source", "to", "tee", "show_commands", "quiet"),
        (
            "ffmpeg -i rtsp://… -c copy -f mpegts - | blurcam pipe | ffplay -",
            "blurcam pipe --from raw --size 1280x720 --to y4m < frames.yuv > redacted.y4m",
        ),
    ),
    "serve": CommandEntry("serve", "serve", "Redact every camera of a box, for months.", _REDACT),
    "render": CommandEntry(
        "run", "render", "Redact again from a regions file, perhaps edited by hand.", _REDACT
    ),
    "verify": CommandEntry(
        "verify", "verify", "Verify a redacted recording: frames, times, no face.", _CHECK
    ),
    "review": CommandEntry(
        "review", "review", "Look at redactions in the browser, and put them right.", _CHECK, (),
        ("blurcam review redacted/", "blurcam review out.mp4 --input in.mp4"),
    ),
    "report": CommandEntry("report", "report_app", "Check the report of a batch job.", _CHECK),
    "evaluate": CommandEntry(
        "evaluate", "evaluate", "Measure how many labelled faces stay exposed.", _CHECK
    ),
    "attack": CommandEntry(
        "attack", "attack", "Try to recognise people under an effect.", _CHECK
    ),
    "health": CommandEntry(
        "health", "health", "Ask a running service whether every camera is redacted.", _CHECK
    ),
    "check": CommandEntry(
        "check_models", "check", "Check that blurcam can work on this machine.", _SET_UP
    ),
    "models": CommandEntry(
        "check_models", "models_app", "List, fetch and check the detectors' models.", _SET_UP
    ),
    "config": CommandEntry("serve", "config_app", "Check the file of cameras.", _SET_UP),
}  # fmt: skip


class BriefCommand(TyperCommand):
    """A command whose ``--help`` shows its common options, and ``--help-all`` every one."""

    common: tuple[str, ...] = ()
    shows_all = False

    def invoke(self, ctx: Any) -> Any:
        """Do it; where ``run`` was said for a camera, say how that will be called."""
        if (ctx.info_name, self.name) == ("run", "camera") and not ctx.params.get("quiet"):
            say('"blurcam run" for a camera goes in 0.4; say: blurcam camera')
        return super().invoke(ctx)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help, with the common options or all of them."""
        kept = {*self.common, "help_all"}
        options: list[Any] = [each for each in self.params if each.param_type_name == "option"]
        rare = [] if self.shows_all else [each for each in options if each.name not in kept]
        usual = self.epilog
        for each in rare:
            each.hidden = True
        if rare:
            more = f"{len(rare)} more options: {ctx.command_path} --help-all"
            self.epilog = f"{usual}\n\n{more}" if usual else more
        super().format_help(ctx, formatter)
        self.epilog = usual
        for each in rare:
            each.hidden = False


class Commands(TyperGroup):
    """The commands; each is loaded when it runs, and known by its summary until then."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names, in the order of the catalogue."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return what help and completion show of a command."""
        del ctx
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        return TyperCommand(cmd_name, help=entry.summary, rich_help_panel=entry.panel)

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Return the command to run; ``run`` is another name of ``camera`` and ``pipe``."""
        name, *words = args
        if name not in COMMANDS:
            if ctx.resilient_parsing:  # the shell asks what may stand here
                return None, None, words
            raise ConfigError(_unknown(name, words))
        meant = meant_by(words) if name == "run" else name
        if (name, meant) == ("run", "pipe"):
            ctx.default_map = {name: _as_a_recording()}
        return name, load(meant), words


def _unknown(name: str, words: list[str]) -> str:
    """Return the error for a word that is not a command, with a suggestion."""
    is_input = "://" in name or name == "-" or "." in name or Path(name).exists()
    if is_input:
        command = "camera" if "://" in name else "pipe" if name == "-" else "run"
        whole = " ".join(["blurcam", command, name, *words])
        return f'there is no command "{name}"; did you mean: {whole}'
    near = difflib.get_close_matches(name, COMMANDS, n=1, cutoff=0.5)
    hint = f"; did you mean: blurcam {near[0]}" if near else "; see: blurcam --help"
    return f'there is no command "{name}"{hint}'


@cache
def load(name: str) -> Any:
    """Return a command as the object that parses its options."""
    entry = COMMANDS[name]
    found = getattr(import_module(f"blurcam.commands.{entry.module}"), entry.attribute)
    if isinstance(found, typer.Typer):
        group = typer.main.get_command(found)
        group.name = name
        return group
    single = typer.Typer(
        add_completion=False, context_settings={"help_option_names": ["-h", "--help"]}
    )
    epilog = "\n\n".join(["Examples:", *entry.examples]) if entry.examples else None
    if not entry.common:
        single.command(name, epilog=epilog)(found)
        return typer.main.get_command(single)
    single.command(name, cls=BriefCommand, epilog=epilog)(with_more(found))
    made: Any = typer.main.get_command(single)
    made.common = entry.common
    return made


def _show_all(context: typer.Context, asked: bool) -> None:
    if asked:
        command: Any = context.command
        command.shows_all = True
        typer.echo(context.get_help())
        raise typer.Exit


def meant_by(words: list[str]) -> str:
    """Return which command ``run`` stands for with these words: its own, ``camera``, ``pipe``."""
    from blurcam.settings.addresses import is_live
    from blurcam.settings.pipe import is_stream

    places = list(_places(words))
    if "--loop" in words or any(is_live(place) and not _ends(place) for place in places[:1]):
        return "camera"
    return "pipe" if any(is_stream(Path(place)) for place in places) else "run"


def _ends(place: str) -> bool:
    """Return whether an address is one of a recording, by asking its server."""
    from blurcam.settings.addresses import Address, read_place

    address = read_place(place)
    if not isinstance(address, Address):
        return False
    from blurcam.sources.http_file import holds_recording

    return holds_recording(address)


def _as_a_recording() -> dict[str, object]:
    """Return the defaults of ``run`` that differ from those of ``pipe``."""
    from blurcam.settings.redaction import Cover

    usual = Cover()
    return {"lead": usual.lead, "hold": usual.hold, "bridge": usual.bridge, "when_slow": "block"}


def _places(words: list[str]) -> Iterator[str]:
    """Yield the words that are neither options nor their values."""
    takes_value = {
        spelt: not each.is_flag
        for name in ("run", "camera", "pipe")
        for each in load(name).params
        if each.param_type_name == "option"
        for spelt in each.opts
    }
    rest = iter(words)
    for word in rest:
        if word == "--":
            yield from rest
        elif not word.startswith("-") or word == "-":
            yield word
        elif takes_value.get(word):
            next(rest, None)


def with_this_option(option: str, *, but: str) -> str | None:
    """Return a command other than ``but`` that has an option, ``None`` if there is none."""
    for name in ("run", "camera", "pipe"):
        known = {spelt for each in load(name).params for spelt in each.opts}
        if name != but and option in known:
            return name
    return None


def with_more(command: Callable[..., None]) -> Callable[..., None]:
    """Return the command with the option ``--help-all``."""
    own = inspect.signature(command, eval_str=True)
    option = typer.Option(
        "--help-all", is_eager=True, callback=_show_all, help="Show every option and exit."
    )
    more = inspect.Parameter(
        "help_all",
        inspect.Parameter.KEYWORD_ONLY,
        default=False,
        annotation=Annotated[bool, option],
    )

    @wraps(command)
    def called(help_all: bool = False, **given: Any) -> None:
        del help_all
        command(**given)

    parameters = [*own.parameters.values(), more]
    called.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]
    called.__annotations__ = {each.name: each.annotation for each in parameters}
    return called
