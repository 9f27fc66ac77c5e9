"""Writes the man page, build/blurcam.1, from the same declarations as ``--help``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from blurcam import __version__
from blurcam.commands.catalogue import COMMANDS, load
from tools.reference import PAGE, choices, commands, shown_name

TARGET = Path(__file__).parent.parent / "build" / "blurcam.1"


def man_page() -> str:
    """Return the page as roff."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield f'.TH BLURCAM 1 "" "blurcam {__version__}"'
    yield ".SH NAME"
    yield r"blurcam \- finds the faces in recordings and live video, and covers them"
    yield ".SH SYNOPSIS"
    yield r"\fBblurcam\fR [\fB\-\-debug\fR] \fICOMMAND\fR [\fIOPTION\fR]..."
    yield ".SH COMMANDS"
    for name, entry in COMMANDS.items():
        for path, command in commands(load(name), name):
            yield f".SS {path}"
            yield _plain(command.help)
            for example in entry.examples if path == name else ():
                yield from (".PP", ".EX", _plain(example), ".EE")
            for parameter in command.params:
                yield from _parameter(parameter)
    yield ".SH EXIT STATUS"
    for code, meaning in exit_codes():
        yield from (".TP", rf"\fB{code}\fR", _plain(meaning))
    yield ".SH SEE ALSO"
    yield _plain("The guides in docs/guide; ffmpeg(1).")


def _parameter(parameter: Any) -> Iterator[str]:
    text = parameter.help or ""
    if allowed := choices(parameter.type_descriptor.annotation):
        text += " One of " + ", ".join(map(str, allowed)) + "."
    if parameter.default not in (None, "", False, ()) and not parameter.required:
        text += f" Default: {parameter.default}."
    yield from (".TP", rf"\fB{_plain(shown_name(parameter).replace('`', ''))}\fR", _plain(text))


def exit_codes() -> Iterator[tuple[str, str]]:
    """Yield each exit code and its meaning, as the reference has them."""
    table = PAGE.read_text(encoding="utf-8").split("## Exit codes")[1].split("\n## ")[0]
    for line in table.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| ") and cells[0] != "code":
            yield cells[0].replace("`", ""), cells[1].replace("`", "")


def _plain(text: str) -> str:
    """Return text that roff takes for nothing else."""
    escaped = " ".join(text.split()).replace("\\", r"\e").replace("-", r"\-")
    escaped = "".join(c if c.isascii() else rf"\[u{ord(c):04X}]" for c in escaped)
    return rf"\&{escaped}" if escaped[:1] in ("'", ".") else escaped


if __name__ == "__main__":
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(man_page(), encoding="utf-8")
