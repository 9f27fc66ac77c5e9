"""Options of the command line, made from the declarations of the settings."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, is_dataclass
from functools import wraps
from inspect import Parameter
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from blurcam.settings.addresses import read_place
from blurcam.settings.amounts import read_seconds
from blurcam.settings.camera import Receive
from blurcam.settings.declaration import (
    bare,
    declarations,
    description,
    is_optional,
    is_read_by,
)
from blurcam.settings.pipe import RawLayout
from blurcam.settings.reading import Mounting, Reading
from blurcam.settings.redaction import (
    AudioPolicy,
    Cover,
    Detect,
    DetectorName,
    EffectName,
    Encode,
    Polygon,
    RecordingRedaction,
    Redaction,
    parse_polygon,
)

_READING, _FINDING, _COVERING, _OUTPUT, _CAMERAS, _PIPES, _WORK = (
    "Input",
    "Finding faces",
    "Covering them",
    "Output",
    "Cameras",
    "Pipes",
    "Work",
)
_PANELS: Final[dict[object, str]] = {
    Mounting: _READING,
    Reading: _READING,
    RecordingRedaction: _READING,
    Detect: _FINDING,
    Cover: _COVERING,
    Encode: _OUTPUT,
    Receive: _CAMERAS,
    RawLayout: _PIPES,
    "ignores": _FINDING,
    "effect": _COVERING,
    "on_loss": _CAMERAS,
    "source": _PIPES,
    "to": _PIPES,
    "when_slow": _PIPES,
    "job": _WORK,
    "jobs": _WORK,
    "memory": _WORK,
    "stall": _WORK,
    "span": _WORK,
    "retry_failed": "Which recordings",
}
# Options that are not called as their setting is.
_SPELT: Final = {"masks": "mask", "ignores": "ignore", "source": "from"}
_ARGUMENTS: Final = ("input", "output")

Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="Say nothing but errors.", rich_help_panel=_OUTPUT)
]
Json = Annotated[
    bool,
    typer.Option(
        "--json",
        help="Print the summary as JSON on standard output.",
        rich_help_panel=_OUTPUT,
    ),
]
Mirror = Annotated[
    Path | None,
    typer.Option(
        help="Folder that holds the model files, for a box without internet.",
        envvar="BLURCAM_MODELS_MIRROR",
    ),
]


@dataclass(frozen=True, slots=True)
class _Setting:
    """One setting as a parameter of a command, and how its value is read from there."""

    name: str
    parameter: Parameter
    is_polygons: bool

    def value(self, given: Any) -> Any:
        if not self.is_polygons:
            return given
        return tuple(parse_polygon(text, f"--{_SPELT[self.name]}") for text in given or ())


@dataclass(frozen=True, slots=True)
class _Group:
    """A group of settings as parameters of a command; those of the groups within it, too."""

    kind: type
    parts: dict[str, _Setting | _Group]
    kept: dict[str, Any]

    def parameters(self) -> Iterator[Parameter]:
        for each in self.parts.values():
            if isinstance(each, _Group):
                yield from each.parameters()
            else:
                yield each.parameter

    def build(self, given: dict[str, Any]) -> Any:
        """Return the settings that these values of the parameters make."""
        values = {
            name: each.build(given) if isinstance(each, _Group) else each.value(given.pop(name))
            for name, each in self.parts.items()
        }
        return self.kind(**self.kept, **values)


def taking(
    *, only: Collection[str] = (), without: Collection[str] = ()
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command an option for each setting of the groups that its parameters are.

    A parameter whose type is a group of settings becomes the options of that group, with the
    parameter's default as their defaults. The command is called with the group that they make.
    Settings that are not in ``only``, where that is given, or are in ``without`` keep their
    defaults and get no option.
    """

    def is_taken(name: str) -> bool:
        return name not in without and (not only or name in only)

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        own = inspect.signature(command, eval_str=True)
        groups: dict[str, _Group] = {}
        parameters: list[Parameter] = []
        for each in own.parameters.values():
            if is_dataclass(each.annotation):
                usual = None if each.default is Parameter.empty else each.default
                groups[each.name] = _group(each.annotation, usual, is_taken)
                parameters += groups[each.name].parameters()
            else:
                parameters.append(each)
        parameters = [each.replace(kind=Parameter.KEYWORD_ONLY) for each in parameters]

        @wraps(command)
        def called(**given: Any) -> None:
            built = {name: each.build(given) for name, each in groups.items()}
            command(**built, **given)

        # Typer reads both.
        called.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]
        called.__annotations__ = {each.name: each.annotation for each in parameters}
        return called

    return decorate


def _group(kind: Any, usual: object | None, is_taken: Callable[[str], bool]) -> _Group:
    parts: dict[str, _Setting | _Group] = {}
    kept: dict[str, Any] = {}
    for name, (hint, default) in declarations(kind, usual).items():
        if is_dataclass(bare(hint)):
            parts[name] = _group(bare(hint), None if default is ... else default, is_taken)
        elif is_taken(name):
            parts[name] = _setting(kind, name, hint, default)
        elif default is not ...:
            kept[name] = default
    return _Group(kind, parts, kept)


def _setting(group: type, name: str, hint: Any, default: Any) -> _Setting:
    """Return one setting as a parameter that Typer reads."""
    is_polygons = typing.get_origin(bare(hint)) is tuple
    if name in _ARGUMENTS:
        info: Any = typer.Argument(help=description(hint))
    else:
        info = _option(group, name, hint)
    kind: Any = list[str] | None if is_polygons else _typer_type(hint)
    default = None if is_polygons else Parameter.empty if default is ... else default
    made = Parameter(
        name, Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[kind, info]
    )
    return _Setting(name, made, is_polygons)


def _option(group: type, name: str, hint: Any) -> Any:
    text, metavar = description(hint), None
    if name in ("masks", "ignores"):
        metavar = "POLYGON"
        text += ' "x,y x,y x,y" as fractions of the frame. Repeatable.'
    elif name == "size":
        metavar = "WxH"
    elif name == "regions" and "descriptor" in text:
        metavar = "FILE|fd:N"
    elif is_read_by(read_seconds, hint):
        metavar = "SECONDS"
    panel = _PANELS.get(name) or _PANELS.get(group) or _OUTPUT
    spelt = f"--{_SPELT.get(name, name).replace('_', '-')}"
    return typer.Option(spelt, help=text, metavar=metavar, rich_help_panel=panel)


def _typer_type(hint: Any) -> Any:
    """Return the type that Typer reads; the settings themselves read units and check limits."""
    is_text = is_read_by(read_seconds, hint) or is_read_by(read_place, hint)
    plain = str if is_text else bare(hint)
    return plain | None if is_optional(hint) else plain


def told(group: type, name: str) -> Any:
    """Return what Typer is told of one setting."""
    return _option(group, name, declarations(group)[name][0])


DetectorOption = Annotated[DetectorName | None, told(Detect, "detector")]
EffectOption = Annotated[EffectName, told(Redaction, "effect")]
Audio = Annotated[AudioPolicy, told(Encode, "audio")]


def polygons(texts: list[str] | None, key: str) -> tuple[Polygon, ...]:
    """Read the polygons of a repeatable option."""
    return tuple(parse_polygon(text, f"--{key}") for text in texts or ())
