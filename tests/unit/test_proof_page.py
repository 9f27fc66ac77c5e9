"""What ``make prove`` writes: a summary for readers, and a table with a row for each fault."""

from __future__ import annotations

from typing import Any

from tests.proof.page import FAILED, UNNOTICED, UNSAFE, UNSTRUCK, judgement, summary, tables, wrong

FAULT = {"path": "run", "fault": "a bug in encode", "runs": 12, "struck": 12, "unsafe": []}
RATES = [
    {"attacker": "1-NN", "view": "one frame", "rate": 0.021},
    {"attacker": "linear SVM", "view": "5 fused frames", "rate": 0.032},
]


FACES = {"all": 300, "counted": 284, "exposed": 3, "at_fault": 1, "longest": 1}
SCENE = {"scene": "night", "mode": "file", "faces": FACES, "unsafe": [], "noticed": True}


def proof(**changes: Any) -> dict[str, Any]:
    return {
        "run": [FAULT | {"break": "publish_anyway", "noticed": True} | changes],
        "paths": [],
        "tests": [],
        "attacks": [{"effect": "blur", "limit": 0.066, "rates": RATES}],
    }


def test_the_summary_has_totals_and_the_best_attacker() -> None:
    lines = list(summary(proof()))
    assert "| `run` | 1 | 12 | 12 | 0 | 1 of 1 |" in lines
    assert "| blur | 3.2 | 6.6 | linear SVM | 5 fused frames |" in lines
    assert not [line for line in lines if "a bug in encode" in line]


def test_the_tables_have_a_row_for_each_fault_and_attack() -> None:
    lines = list(tables(proof()))
    assert "| run | a bug in encode | 12 | 12 | 0 | `publish_anyway` | yes |" in lines
    assert "| blur | one frame | 2.1 | 6.6 |" in lines


def test_what_does_not_hold_is_named() -> None:
    assert list(wrong(proof())) == []
    assert list(wrong(proof(noticed=False))) == [
        (UNNOTICED, "run: a bug in encode: publish_anyway")
    ]
    assert list(wrong(proof(unsafe=["a code shows"]))) == [(UNSAFE, "a code shows")]
    assert list(wrong(proof(struck=5))) == [
        (UNSTRUCK, "run: a bug in encode: struck in 5 of 12 runs only")
    ]
    attacked = proof() | {"attacks": [{"effect": "blur", "limit": 0.03, "rates": RATES}]}
    assert list(wrong(attacked)) == [
        (UNSAFE, "blur: linear SVM, 5 fused frames: 3.2 % named, where 3.0 may be")
    ]


def test_the_judgement_at_the_end_counts_and_names_what_is_wrong() -> None:
    assert list(judgement(proof())) == [
        "The proof holds: 2 rows judged.", "unsafe: 0", "failed: 0", "unnoticed: 0",
        "hardly struck: 0",
    ]  # fmt: skip
    module = {"module": "tests/a.py", "tests": 9, "failed": 2, "break": "x", "noticed": True}
    unsafe = [f"run: a bug in encode at {n}: a code shows" for n in (1, 4, 9)]
    lines = list(judgement(proof(unsafe=unsafe, noticed=False) | {"tests": [module]}))
    assert lines[0] == "The proof does NOT hold: 3 rows judged."
    assert lines[lines.index("  tests/a.py: 2 of 9") - 1].startswith(f"{FAILED}: 1 (")
    named = "  run: a bug in encode at 1: a code shows (and at 2 more of 12 calls)"
    assert lines[lines.index(named) - 1].startswith(f"{UNSAFE}: 1 (")
    assert "  run: a bug in encode: publish_anyway" in lines


def test_scenes_are_told_by_mode_and_one_by_one() -> None:
    found = proof() | {"scenes": [SCENE, SCENE | {"mode": "live"}]}
    assert "| live | 1 | 284 | 3 | 1 | 1 | 0 | 1 of 1 |" in list(summary(found))
    assert "| file | night | 284 | 3 | 1 | 1 | no | yes |" in list(tables(found))
    assert list(wrong(found)) == []
    missed = proof() | {"scenes": [SCENE | {"unsafe": ["1 exposed"], "noticed": False}]}
    assert list(wrong(missed)) == [
        (UNSAFE, "file: night: 1 exposed"),
        (UNNOTICED, "file: night: a broken frame loop"),
    ]
