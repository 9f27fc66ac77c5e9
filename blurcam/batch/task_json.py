"""Tasks and answers as JSON: the only form in which they travel between processes and machines.

JSON can only say what the classes of :mod:`blurcam.batch.tasks` hold. A pickle could run code.
"""

from __future__ import annotations

import json
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

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
)

_TASKS: Final = (RedactRecording, RedactSpan, JoinSpans)
_ANSWERS: Final = (TaskStep, RecordingRedacted, RecordingCut, SpanRedacted, TaskFailed)
_ADAPTERS: Final = {kind: TypeAdapter[Any](kind) for kind in (*_TASKS, *_ANSWERS)}


def task_to_json(task: Task) -> str:
    """Return a task as one line of JSON, in ASCII whatever bytes its paths are made of."""
    return _to_json(task)


def task_from_json(text: str) -> Task:
    """Return the task that :func:`task_to_json` wrote; raises ValueError for anything else."""
    task: Task = _from_json(text, _TASKS)
    return task


def answer_to_json(answer: TaskStep | Outcome) -> str:
    """Return an answer as one line of JSON."""
    return _to_json(answer)


def answer_from_json(text: str) -> TaskStep | Outcome:
    """Return the answer that :func:`answer_to_json` wrote; raises ValueError for anything else."""
    answer: TaskStep | Outcome = _from_json(text, _ANSWERS)
    return answer


def _to_json(message: Any) -> str:
    values = _ADAPTERS[type(message)].dump_python(message, mode="json")
    return json.dumps({"kind": type(message).__name__, "values": values})


def _from_json(text: str, allowed: tuple[type[Any], ...]) -> Any:
    kinds = {kind.__name__: kind for kind in allowed}
    try:
        message = json.loads(text)
        # Not validate_json: its parser refuses the surrogates that odd bytes in a path become.
        return _ADAPTERS[kinds[message["kind"]]].validate_python(message["values"])
    except (ValidationError, KeyError, TypeError) as exc:
        raise ValueError(f"not a message of a job: {str(exc)[:200]}") from exc
