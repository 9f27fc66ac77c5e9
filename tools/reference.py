"""Writes the tables of options in docs/reference/cli.md, from the command line itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import typer

from blurcam.cli import app

PAGE = Path(__file__).parent.parent / "docs" / "reference" / "cli.md"
MARK = "<!-- From here on written by: make reference -->\n"


def tables() -> str:
    """Return one section a command, in the order of ``blurcam --help``."""
    return "\n".join(_section(path, command) for path, command in _commands(app_command(), ""))


def app_command() -> Any:
    """Return the command line as the object that parses it."""
    return typer.main.get_command(app)


def _commands(command: Any, path: str) -> list[tuple[str, Any]]:
    if not hasattr(command, "commands"):
        return [(path, command)]
    found = [("", command)] if not path else []
    for name, child in command.commands.items():
        found += _commands(child, f"{path} {name}".strip())
    return found


def _section(path: str, command: Any) -> str:
    lines = [f"## blurcam {path}".rstrip(), "", *([command.help, ""] if path else [])]
    rows = [_row(each) for each in command.params if each.name != "help"]
    lines += ["| option | default | |", "|---|---|---|", *rows] if rows else ["No options."]
    return "\n".join(lines) + "\n"


def _row(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        name = f"`{parameter.name.upper()}`"
    else:
        name = ", ".join(f"`{each}`" for each in parameter.opts)
    choices = _choices(parameter.type_descriptor.annotation)
    text = (parameter.help or "").replace("|", "\\|")
    if choices:
        text += " One of " + ", ".join(f"`{each}`" for each in choices) + "."
    if parameter.envvar:
        text += f" Also from `{parameter.envvar}`."
    default = parameter.default
    plain = default in (None, "", False, ()) or callable(default) or parameter.required
    shown = "" if plain else f"`{default}`"
    return f"| {name} | {shown} | {text} |"


def _choices(annotation: object) -> tuple[object, ...]:
    """Return what a ``Literal`` allows, also inside ``Literal | None``."""
    if get_origin(annotation) is Literal:
        return get_args(annotation)
    return tuple(each for part in get_args(annotation) for each in _choices(part))


if __name__ == "__main__":
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(page.split(MARK)[0] + MARK + "\n" + tables(), encoding="utf-8")
