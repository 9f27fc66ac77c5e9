"""Which frames of a redacted recording its report shows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from blurcam.assess.inspect_output import WantedPicture, thumbnails
from blurcam.assess.verification import Verification
from blurcam.batch.coverage_by_second import CoverageBySecond
from blurcam.batch.review_reasons import pictured_of
from blurcam.batch.tasks import Thumbnail
from blurcam.runs.summary import Summary


def pictures_of(
    output: Path,
    summary: Summary,
    timeline: CoverageBySecond,
    verification: Verification | None,
) -> Iterator[Thumbnail]:
    """Yield small pictures of a complete output, those of findings with the place marked.

    They are decoded from the output: they show what it shows.
    """
    details = {
        "summary": json.loads(summary.to_json()),
        "verification": None if verification is None else verification.to_values(),
    }
    middle = (min(timeline.seconds) + max(timeline.seconds)) // 2
    overview = (
        ("most faces", timeline.busiest),
        ("fully covered", timeline.first_whole),
        ("the middle", middle),
    )
    reasons = [(WantedPicture(at), why) for why, at in overview if at is not None]
    for each in pictured_of(details):
        reasons.append((WantedPicture(each.time, each.box), each.title))
    made = dict(thumbnails(output, {wanted for wanted, _ in reasons}))
    for wanted, why in reasons:
        if wanted in made:
            yield Thumbnail(float(wanted.time), why, made[wanted])
