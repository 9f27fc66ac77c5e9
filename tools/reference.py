"""Writes the tables in docs/reference: of options, from the command line itself, and of keys."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import typer

from blurcam.cli import app
from blurcam.settings.cameras_yaml_keys import schema

PAGE = Path(__file__).parent.parent / "docs" / "reference" / "cli.md"
KEYS_PAGE = PAGE.with_name("cameras-yaml.md")
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


def key_tables() -> str:
    """Return one section for each part of cameras.yaml."""
    made = schema()
    parts = {
        "The file": made,
        "A camera": made["$defs"]["CameraFile"],
        "An output": made["$defs"]["OutputFile"],
        "A zone": made["$defs"]["ZoneFile"],
        "The page": made["$defs"]["WebFile"],
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
