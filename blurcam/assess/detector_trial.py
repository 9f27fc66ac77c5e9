"""The trial of one detector in a process of its own, where a native library may abort."""

from __future__ import annotations

import json
from collections.abc import Iterator

from blurcam.errors import BlurcamError
from blurcam.media.clock import SystemClock
from blurcam.runtime.child import SILENT, Child, wait_for
from blurcam.runtime.json_values import to_json
from blurcam.runtime.parent import Parent
from blurcam.settings.redaction import Detect

# The time for a model to be compiled on a busy machine.
_WITHIN_SECONDS = 120.0


def fault_of(detect: Detect) -> str | None:
    """Return why the detector of these settings does not work here, ``None`` if it does."""
    child = Child(
        __name__,
        SystemClock(),
        starts_within=_WITHIN_SECONDS,
        hangs_after=_WITHIN_SECONDS,
        stderr=SILENT,
    )
    try:
        child.tell(to_json(detect))
        for kind, body in _all_said(child):
            return None if kind == "works" else str(json.loads(body))
        child.wait(_WITHIN_SECONDS)
        return f"its process {child.how_it_ended()}"
    finally:
        child.close()


def _all_said(child: Child) -> Iterator[tuple[str, bytes]]:
    while child.is_running:
        wait_for([child], 0.5)
        yield from child.hear()
        child.watch()
    yield from child.hear()


def main(parent: Parent) -> None:
    """Try the detector that the parent names."""
    from blurcam.runs.perception import open_detector

    try:
        open_detector(parent.settings(Detect, "detect")).close()
    except BlurcamError as exc:
        parent.tell("failed", json.dumps(str(exc)))
    else:
        parent.tell("works")
