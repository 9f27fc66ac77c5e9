"""Tasks and answers as JSON: the only form in which they travel between processes and machines.

JSON can only express what the classes of :mod:`blurcam.batch.tasks` hold. A pickle could run code.
"""

from __future__ import annotations

import json
from typing import Any, get_args

from blurcam.batch.tasks import Outcome, Task, TaskStep
from blurcam.runtime.json_values import from_values, to_json


def message_to_json(message: Task | TaskStep | Outcome) -> str:
    """Return a task or an answer as one line of JSON, in ASCII whatever its paths contain."""
    return to_json({"kind": type(message).__name__, "values": message})


def task_from_json(text: str) -> Task:
    """Return the task that :func:`message_to_json` wrote; raises ValueError for anything else."""
    task: Task = _from_json(text, get_args(Task))
    return task


def answer_from_json(text: str) -> TaskStep | Outcome:
    """Return the answer that :func:`message_to_json` wrote; raises ValueError for anything else."""
    answer: TaskStep | Outcome = _from_json(text, (TaskStep, *get_args(Outcome)))
    return answer


def _from_json(text: str, allowed: tuple[type[Any], ...]) -> Any:
    message = json.loads(text)
    try:
        kind = {each.__name__: each for each in allowed}[message["kind"]]
        values = message["values"]
    except (KeyError, TypeError) as exc:
        raise ValueError(f"not a message of a job: {text[:200]}") from exc
    return from_values(kind, values, f"a job's {kind.__name__}")
