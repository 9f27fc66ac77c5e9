"""The process of a worker: it does one task after another."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from dataclasses import dataclass
from typing import Final

from blurcam.batch.task_json import message_to_json, task_from_json
from blurcam.batch.task_work import WorkerState, perform
from blurcam.batch.tasks import TaskStep
from blurcam.runtime.parent import Parent

# A worker reports at most this often, in seconds.
_REPORT: Final = 0.5
_PR_SET_PDEATHSIG: Final = 1


@dataclass(frozen=True, slots=True)
class WorkerStart:
    """The first message to a worker: its cores, and its driver's process."""

    cores: tuple[int, ...]
    driver: int


def main(parent: Parent) -> None:
    """Do the tasks that come, one line each, until the driver is gone."""
    start = parent.settings(WorkerStart, "worker")
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != start.driver:  # it died before the call
            os._exit(1)
    # Libraries start a thread for every core that they may use.
    os.sched_setaffinity(0, start.cores)
    state = WorkerState()
    for line in parent.input:
        told = float("-inf")
        for answer in perform(task_from_json(line.decode()), state):
            if isinstance(answer, TaskStep):
                if time.monotonic() - told < _REPORT:
                    continue
                told = time.monotonic()
            parent.tell("answer", message_to_json(answer))
