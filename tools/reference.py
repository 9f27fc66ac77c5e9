"""Writes the tables in docs/reference: of options, from the command line itself, and of keys."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import typer

from blurcam.cli import app
from blurcam.commands.catalogue import COMMANDS, load
from blurcam.settings.cameras_yaml_keys import schema
from blurcam.settings.zones_file import zones_schema

PAGE = Path(__file__).parent.parent / "docs" / "reference" / "cli.md"
KEYS_PAGE = PAGE.with_name("cameras-yaml.md")
MARK = "<!-- From here on written by: make reference -->\n"


def tables() -> str:
    """Return one section a command, in the order of ``blurcam --help``; shared options once."""
    whole = typer.main.get_command(app)
    named = [("", whole), *(found for name in COMMANDS for found in commands(load(name), name))]
    rows = {path: _rows(command) for path, command in named}
    times = Counter(row for own in rows.values() for row in own.values())
    told_once = {row for row, count in times.items() if count > 2 and row.startswith("| `--")}
    shared = {row: name for own in rows.values() for name, row in own.items() if row in told_once}
    sections = [_section(path, command, rows[path], shared) for path, command in named]
    return "\n".join(
        [sections[0], _table("## Options that commands share", list(shared)), *sections[1:]]
    )


def commands(command: Any, path: str) -> list[tuple[str, Any]]:
    """Return a command, or all of a group, each with its path."""
    if not hasattr(command, "commands"):
        return [(path, command)]
    return [
        found
        for name, child in command.commands.items()
        for found in commands(child, f"{path} {name}")
    ]


def _rows(command: Any) -> dict[str, str]:
    """Return each parameter's row by its name, arguments first."""
    params = [each for each in command.params if each.name not in ("help", "help_all")]
    params.sort(key=lambda each: each.param_type_name)
    return {shown_name(each): _row(each) for each in params}


def _section(path: str, command: Any, rows: dict[str, str], shared: dict[str, str]) -> str:
    own = [row for row in rows.values() if row not in shared]
    told = _table(f"## blurcam {path}".rstrip(), own, command.help if path else "")
    also = [name for name, row in rows.items() if row in shared]
    return told + (f"\nShared: {', '.join(also)}.\n" if also else "")


def _table(title: str, rows: list[str], text: str = "") -> str:
    lines = [title, "", *([text, ""] if text else [])]
    lines += (
        ["| option | default | |", "|---|---|---|", *rows] if rows else ["No options of its own."]
    )
    return "\n".join(lines) + "\n"


def shown_name(parameter: Any) -> str:
    """Return how an option or argument is written."""
    if parameter.param_type_name == "argument":
        return f"`{parameter.name.upper()}`"
    return ", ".join(f"`{each}`" for each in parameter.opts)


def _row(parameter: Any) -> str:
    allowed = choices(parameter.type_descriptor.annotation)
    text = (parameter.help or "").replace("|", "\\|")
    if allowed:
        text += " One of " + ", ".join(f"`{each}`" for each in allowed) + "."
    if parameter.envvar:
        text += f" Also from `{parameter.envvar}`."
    default = parameter.default
    plain = default in (None, "", False, ()) or callable(default) or parameter.required
    shown = "" if plain else f"`{default}`"
    return f"| {shown_name(parameter)} | {shown} | {text} |"


def choices(annotation: object) -> tuple[object, ...]:
    """Return what a ``Literal`` allows, also inside ``Literal | None``."""
    if get_origin(annotation) is Literal:
        return get_args(annotation)
    return tuple(each for part in get_args(annotation) for each in choices(part))


def key_tables() -> str:
    """Return one section for each part of cameras.yaml."""
    made = schema()
    parts = {
        "The file": made,
        "A camera": made["$defs"]["CameraFile"],
        "An output": made["$defs"]["OutputFile"],
        "A zone": made["$defs"]["ZoneFile"],
        "A zones file": zones_schema(),
        "The page": made["$defs"]["Web"],
    }
    return "\n".join(_part(title, part) for title, part in parts.items())


def _part(title: str, part: dict[str, Any]) -> str:
    rows = [
        f"| `{key}` | {_usual(key, each, part)} | {each['description']}{_allowed(each)} |"
        for key, each in part["properties"].items()
    ]
    return "\n".join([f"## {title}", "", "| key | default | |", "|---|---|---|", *rows]) + "\n"


def _usual(key: str, each: dict[str, Any], part: dict[str, Any]) -> str:
    if key in part.get("required", ()):
        return "required"
    usual = each.get("default")
    return "" if usual is None else f"`{str(usual).lower() if isinstance(usual, bool) else usual}`"


def _allowed(each: dict[str, Any]) -> str:
    kinds = [each, *each.get("anyOf", ())]
    choices = [choice for kind in kinds for choice in kind.get("enum", ())]
    return " One of " + ", ".join(f"`{choice}`" for choice in choices) + "." if choices else ""


if __name__ == "__main__":
    keys = KEYS_PAGE.read_text(encoding="utf-8")
    KEYS_PAGE.write_text(keys.split(MARK)[0] + MARK + "\n" + key_tables(), encoding="utf-8")
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(page.split(MARK)[0] + MARK + "\n" + tables(), encoding="utf-8")
