"""Runs faults over paths, and judges every attempt; twice, the second time with a break."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.proof.canary import Feed
from tests.proof.faults import Fault
from tests.proof.paths import PathUnderTest
from tests.proof.verdict import problems
from tests.proof.zygote import Pool

SAME_BUT_FOR_THE_CLASS = ("no memory in", "an error of the system in")
"""Faults that are like the bug in the same place, with an exception of another class."""


@dataclass(frozen=True, slots=True)
class Case:
    """One fault at one call, on one path; with breaks it must be seen to go wrong."""

    path: PathUnderTest
    fault: Fault
    at: int
    breaks: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Judged:
    """A case, whether its fault struck, and what was wrong."""

    case: Case
    struck: bool
    problems: tuple[str, ...]
    seconds: float

    def __str__(self) -> str:
        broken = f" with {', '.join(self.case.breaks)}" if self.case.breaks else ""
        where = f"{self.case.path.name}: {self.case.fault.kind} at {self.case.at}{broken}"
        return f"{where}: {'; '.join(self.problems) or 'safe'}"


def cases(path: PathUnderTest, every: int = 1, most: int | None = None) -> Iterator[Case]:
    """Yield every fault at every nth call of its stage (``most`` of them), or at the path's own."""
    for fault in path.faults.values():
        if path.calls:
            for at in dict.fromkeys(min(call, fault.reach) for call in path.calls):
                yield Case(path, fault, at)
            continue
        reach = fault.reach if most is None else min(most, fault.reach)
        step = every
        if fault.kind.startswith(SAME_BUT_FOR_THE_CLASS) and most is None:
            step = 3 * every  # the bug in the same place strikes at every call
        for at in range(1, reach + 1, step):
            # A short form does not stay at the first calls.
            yield Case(path, fault, at if most is None else 1 + (at * 5) % fault.reach)


def noticed(
    pool: Pool, shimmed: Pool | None, feed: dict[bool, Feed], path: PathUnderTest, fault: Fault
) -> Judged | None:
    """Run a fault with the break that it must bring to light, at one call after the other.

    Where it shows at none of the likely calls, every one within reach is tried. Returns the first
    time that it was noticed, else the last; ``None`` where it cannot be run.
    """
    last = None
    likely = [min(fault.reach, n) for n in (6, 24, 16, 11, 2, 3, 1, 4)]
    for at in dict.fromkeys([*likely, *range(fault.reach, 0, -1)]):
        case = Case(path, fault, at, (fault.broken_by,))
        for last in judge(pool, shimmed, feed, [case]):
            if last.problems:
                return last
    return last


def judge(pool: Pool, shimmed: Pool | None, feed: dict[bool, Feed], every: Iterable[Case]
          ) -> Iterator[Judged]:  # fmt: skip
    """Run cases and judge them; those that need the preloaded library only where there is one."""

    def one(case: Case) -> Judged | None:
        runner = shimmed if case.fault.preload else pool
        if runner is None:
            return None
        room = Path(tempfile.mkdtemp(prefix="proof-"))
        try:
            attempt = case.path.attempt(
                runner, feed[case.fault.real], case.fault, case.at, case.breaks, room
            )
            return Judged(case, attempt.struck, tuple(problems(attempt)), attempt.end.seconds)
        finally:
            shutil.rmtree(room)

    yield from (each for each in pool.each(one, list(every)) if each is not None)


def build_shim(folder: Path) -> Path | None:
    """Compile the library that lets system calls fail; ``None`` where there is no compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        return None
    library = folder / "syscalls.so"
    source = Path(__file__).with_name("syscalls.c")
    command = [compiler, "-shared", "-fPIC", "-O1", "-w", "-o", library, source, "-ldl"]
    return library if subprocess.run(command, check=False).returncode == 0 else None
