"""``verify``: a redacted recording, judged from outside."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from blurcam.commands.options import Audio, DetectorOption, Quiet
from blurcam.commands.terminal import DONE, INCOMPLETE, say, to_json, write


def verify(
    output: Annotated[Path, typer.Argument(help="Redacted recording.")],
    against: Annotated[
        Path | None, typer.Option(help="The recording that it was made from.")
    ] = None,
    redacted_by: Annotated[
        str, typer.Option(help="Detector that redacted it; another one verifies.")
    ] = "centerface",
    detector: DetectorOption = None,
    every: Annotated[
        float, typer.Option(help="Seconds between frames that are searched; all are decoded.")
    ] = 1.0,
    audio: Audio = "drop",
    report: Annotated[
        Path | None, typer.Option("--json", help="Also write the verification as JSON.")
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Verify a redacted recording: frames, times and streams, and no face that can be seen.

    Verdicts: pass; pass (empty), where there never was a face and planted ones were found; review,
    where something was seen or proves little; fail.
    """
    from blurcam.assess.verify import Verification, VerificationVerdict
    from blurcam.assess.verify import verify as verified

    outcome: Verification | None = None
    for step in verified(
        output, against, redactor=redacted_by, detector=detector, every=every, audio=audio
    ):
        if isinstance(step, Verification):
            outcome = step
    assert outcome is not None
    if report is not None:
        write(report, to_json(outcome.to_values()))
    if not quiet:
        for line in outcome.lines():
            say(line)
    passed = outcome.verdict in (VerificationVerdict.PASS, VerificationVerdict.PASS_EMPTY)
    code = DONE if passed else INCOMPLETE
    last = {"command": "verify", "exit": code, "verdict": outcome.verdict.value}
    last |= {"output": str(output), "seen": outcome.seen_count, "sees_from": outcome.sees_from}
    typer.echo(json.dumps(last), err=True)
    raise typer.Exit(code)
