"""``report``: whether the report of a job is still what blurcam wrote."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from blurcam.commands.terminal import DONE, INCOMPLETE
from blurcam.errors import ConfigError

report_app = typer.Typer(help="Check the report of a job.", no_args_is_help=True)


@report_app.callback()
def _group() -> None:
    """Keep ``check`` a command of its own, also while it is the only one."""


@report_app.command("check")
def check_report(
    report: Annotated[Path, typer.Argument(help="report.json, or the folder that it is in.")],
    key: Annotated[
        Path | None, typer.Option(help="Public key (PEM) that must have signed it.")
    ] = None,
    files: Annotated[
        bool, typer.Option("--files", help="Also check each output against its SHA-256.")
    ] = False,
) -> None:
    """Say whether a report, or an output that it speaks of, was changed after it was made."""
    from blurcam.batch.report.hash_chain import faults

    path = report / "report.json" if report.is_dir() else report
    document = _read(path)
    page = path.with_suffix(".html")
    found = list(faults(document, page.read_bytes() if page.exists() else None, key))
    if files and not found:
        found = _changed(document, path.parent)
    for fault in found:
        typer.echo(f"{path}: {fault}")
    if not found:
        typer.echo(f"{path}: unchanged; {_worth(document, key)}")
    raise typer.Exit(INCOMPLETE if found else DONE)


def _read(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as exc:
        raise ConfigError(f"{path}: cannot be read as a report: {exc}") from exc
    if not isinstance(document, dict):
        raise ConfigError(f"{path}: is not a report of blurcam")
    return document


def _worth(document: dict[str, Any], key: Path | None) -> str:
    """Say what being unchanged proves."""
    if "signature" not in document:
        return "it is not signed, so that only accidents are caught, no change on purpose"
    if key is None:
        public = document["signature"]["public_key"]
        return f"signed with the key {public}; add --key to have blurcam tell whose that is"
    return f"signed with {key}"


def _changed(document: dict[str, Any], folder: Path) -> list[str]:
    from blurcam.runtime.files import sha256_of

    found = []
    for entry in document["files"]:
        if entry["state"] != "done":
            continue
        try:
            digest = sha256_of(folder / _name(entry))
        except OSError as exc:
            found.append(f"{entry['output']} cannot be read: {exc.strerror}")
            continue
        if digest != entry["output_sha256"]:
            found.append(f"{entry['output']} was changed")
    return found


def _name(entry: dict[str, Any]) -> str:
    """Return the name of an output as it is on disk, where it need be no text."""
    import base64
    import os

    if "output_base64" in entry:
        return os.fsdecode(base64.b64decode(entry["output_base64"]))
    return str(entry["output"])
