"""What ``make prove`` writes: a summary for readers, and a table with a row for each fault."""

from __future__ import annotations

from typing import Any

from tests.proof.page import summary, tables, wrong

FAULT = {"path": "run", "fault": "a bug in encode", "runs": 12, "struck": 12, "unsafe": []}
RATES = [
    {"attacker": "1-NN", "view": "one frame", "rate": 0.021},
    {"attacker": "linear SVM", "view": "5 fused frames", "rate": 0.032},
]


def proof(**changes: Any) -> dict[str, Any]:
    return {
        "run": [FAULT | {"break": "publish_anyway", "noticed": True} | changes],
        "paths": [],
        "tests": [],
        "attacks": [{"effect": "blur", "rates": RATES}],
    }


def test_the_summary_has_totals_and_the_best_attacker() -> None:
    lines = list(summary(proof()))
    assert "| `run` | 1 | 12 | 12 | 0 | 1 of 1 |" in lines
    assert "| blur | 3.2 | linear SVM | 5 fused frames |" in lines
    assert not [line for line in lines if "a bug in encode" in line]


def test_the_tables_have_a_row_for_each_fault_and_attack() -> None:
    lines = list(tables(proof()))
    assert "| run | a bug in encode | 12 | 12 | 0 | `publish_anyway` | yes |" in lines
    assert "| blur | one frame | 2.1 |" in lines


def test_what_does_not_hold_is_named() -> None:
    assert list(wrong(proof())) == []
    assert list(wrong(proof(noticed=False))) == ["run: a bug in encode: publish_anyway unnoticed"]
    assert list(wrong(proof(unsafe=["a code shows"]))) == ["a code shows"]
    assert len(list(wrong(proof(struck=5)))) == 1
