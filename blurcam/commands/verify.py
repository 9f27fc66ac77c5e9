"""``verify``: a redacted recording, judged from outside."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Final

import typer

from blurcam.commands.options import Audio, DetectorOption, Quiet
from blurcam.commands.terminal import DONE, INCOMPLETE, say, to_json, write
from blurcam.settings.redaction import DetectorName

_UNFIT: Final = 4
_CODES: Final = {"pass": DONE, "pass (empty)": DONE, "review": INCOMPLETE, "fail": _UNFIT}


def verify(
    output: Annotated[Path, typer.Argument(help="Redacted recording.")],
    against: Annotated[
        Path | None, typer.Option(help="The recording that it was made from.")
    ] = None,
    redacted_by: Annotated[
        DetectorName, typer.Option(help="Detector that redacted it; another one verifies.")
    ] = "centerface",
    detector: DetectorOption = None,
    every: Annotated[
        float,
        typer.Option(min=0, help="Seconds between full searches; 0: each frame is searched fully."),
    ] = 1.0,
    regions: Annotated[
        Path | None,
        typer.Option(help="Regions file of the run: its gaps and ends of tracks are searched."),
    ] = None,
    summary: Annotated[
        Path | None,
        typer.Option(help="Summary of the run: the doubtful places that it lists are searched."),
    ] = None,
    audio: Audio = "drop",
    report: Annotated[
        Path | None, typer.Option("--json", help="Also write the verification as JSON.")
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Verify a redacted recording: frames, times and streams, and no face that can be seen.

    Verdicts: pass; pass (empty), where there never was a face and planted ones were found; review,
    where something was seen or proves little (exit code 3); fail (exit code 4).
    """
    from blurcam.assess.verification import Verification
    from blurcam.assess.verify import verify as verified

    outcome: Verification | None = None
    for step in verified(
        output,
        against,
        redactor=redacted_by,
        detector=detector,
        every=every,
        audio=audio,
        regions=regions,
        summary=summary,
    ):
        if isinstance(step, Verification):
            outcome = step
    assert outcome is not None
    if report is not None:
        write(report, to_json(outcome.to_values()))
    if not quiet:
        for line in outcome.lines():
            say(line)
    code = _CODES[outcome.verdict.value]
    last = {"command": "verify", "exit": code, "verdict": outcome.verdict.value}
    last |= {"output": str(output), "seen": outcome.seen_count, "sees_from": outcome.sees_from}
    typer.echo(json.dumps(last), err=True)
    raise typer.Exit(code)
