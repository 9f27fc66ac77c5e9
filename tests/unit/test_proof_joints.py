"""The proof takes hold of blurcam by name: every name that it takes hold of is there."""

from __future__ import annotations

import subprocess
import sys

APPLY = """
from tests.proof.breaks import BREAKS
from tests.proof.joints import STAGES, wrap
from tests.proof.spoiling import SPOILS

def told(kind, name, take_hold):
    try:
        take_hold()
    except (AttributeError, ImportError) as exc:
        print(f"{kind} {name}: {exc}")

for name, stage in STAGES.items():
    for target in (stage,) if isinstance(stage, str) else stage:
        told("stage", name, lambda: wrap(target, lambda original, *args: original(*args)))
for kind, breaks in (("break", BREAKS), ("spoil", SPOILS)):
    for name, take_hold in breaks.items():
        told(kind, name, take_hold)
"""


def test_every_stage_and_break_of_the_proof_takes_hold() -> None:
    done = subprocess.run(
        [sys.executable, "-c", APPLY], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout == ""
