"""What travels between a driver and its workers: JSON that says tasks and answers, and no more."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path

import pytest

from blurcam.assess.verification import SeenFace, Verification, VerificationVerdict
from blurcam.batch import local_workers, ray_workers
from blurcam.batch.coverage_by_second import CoverageBySecond, CoveredSecond
from blurcam.batch.task_json import (
    answer_from_json,
    message_to_json,
    task_from_json,
)
from blurcam.batch.tasks import (
    JoinSpans,
    Outcome,
    RecordingCut,
    RecordingRedacted,
    RedactRecording,
    RedactSpan,
    SpanRedacted,
    Task,
    TaskFailed,
    TaskStep,
    Thumbnail,
)
from blurcam.runs.span_cuts import Span
from blurcam.runs.summary import Summary
from blurcam.settings.recording import Config
from blurcam.settings.redaction import Cover, Detect

ODD = Path(os.fsdecode(b"/in/\xff \n.mp4"))
CONFIG = Config(
    ODD,
    Path("out.mp4"),
    detect=Detect(profile="thorough", threshold=0.21),
    cover=Cover(masks=(((0.0, 0.0), (1.0, 0.0), (1.0, 1.0)),)),
)
SPAN = Span(1, None, 0, 9000, 9500, 100)
SUMMARY = Summary(
    "0", "in.mp4", "out.mp4", True, 1, 1, 0, 0, 0, 0, 0, "centerface", 0.2, 12, "blur", 1.0, 1.0,
    "0" * 64, "1" * 64, {"no answer": 3}, notices=("a notice",),
)  # fmt: skip
VERIFICATION = Verification(
    "out", None, VerificationVerdict.REVIEW, "yunet", 24, 6, 6, 1, 1.0, 1, 1.0, 0.0,
    (SeenFace(1.5, 0, 0, 9, 9, 0.8),), 1,
)  # fmt: skip


@pytest.mark.parametrize(
    "task",
    [
        RedactRecording(1, CONFIG, True, 600.0),
        RedactSpan(2, CONFIG, SPAN, ODD, "00ff"),
        JoinSpans(3, CONFIG, (SPAN, SPAN), (ODD, Path("b")), ("{}", "{}"), "00ff"),
    ],
)
def test_a_task_arrives_as_it_was_sent(task: Task) -> None:
    assert task_from_json(message_to_json(task)) == task


@pytest.mark.parametrize(
    "answer",
    [
        TaskStep("verifying", 1.5, 9.0),
        TaskFailed("the disk is full", fatal=True, remedy="make room and "),
        RecordingCut((SPAN,)),
        SpanRedacted('{"frames": 3}'),
        RecordingRedacted(
            SUMMARY,
            CoverageBySecond({0: CoveredSecond(25, 2, 0)}),
            1000,
            VERIFICATION,
            (Thumbnail(0.0, "most faces", b"\xff\xd8\x00jpeg"),),
        ),
    ],
)
def test_an_answer_arrives_as_it_was_sent(answer: TaskStep | Outcome) -> None:
    assert answer_from_json(message_to_json(answer)) == answer


class Boom:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("touch /tmp/boom",)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        '{"kind": "Path", "values": "/etc"}',
        '{"kind": "TaskFailed"}',
        json.dumps({"kind": "RedactRecording", "values": {"file": 1, "config": {"input": 7}}}),
        pickle.dumps(Boom()).decode("latin-1"),
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    for read in (task_from_json, answer_from_json):
        with pytest.raises(ValueError, match=r"job|Expecting"):
            read(text)


def test_a_worker_takes_no_pickle() -> None:
    for module in (local_workers, ray_workers):
        source = Path(module.__file__).read_text(encoding="utf-8")
        assert "pickle" not in source
        assert ".recv()" not in source  # multiprocessing unpickles there
        assert ".send(" not in source
