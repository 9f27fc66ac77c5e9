"""``report``: whether the report of a job is still what blurcam wrote."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from blurcam.commands.terminal import DONE, INCOMPLETE

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
        bool,
        typer.Option(
            "--files",
            help="Also check each output against its SHA-256, and name files that are not in the "
            "report.",
        ),
    ] = False,
) -> None:
    """Say whether a report, or one of its outputs, was changed after the report was made."""
    from blurcam.batch.report.check import file_faults, read_report, report_faults
    from blurcam.batch.report.document import DOCUMENT

    path = report / DOCUMENT if report.is_dir() else report
    document = read_report(path)
    found = list(report_faults(path, document, key))
    if files and not found:
        found = list(file_faults(document, path.parent))
    for fault in found:
        typer.echo(f"{path}: {fault}")
    if not found:
        typer.echo(f"{path}: unchanged; {_worth(document, key)}")
    raise typer.Exit(INCOMPLETE if found else DONE)


def _worth(document: dict[str, Any], key: Path | None) -> str:
    """Say what being unchanged proves."""
    if "signature" not in document:
        return "it is not signed, so that only accidents are caught, no change on purpose"
    if key is None:
        public = document["signature"]["public_key"]
        return f"signed with the key {public}; add --key to have blurcam tell whose that is"
    return f"signed with {key}"
