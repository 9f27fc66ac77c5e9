"""``python -m benchmarks.scenes``: redact every scene, judge the outputs, write the table."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path
from typing import get_args

from benchmarks.machine import this_machine
from benchmarks.scenes import BUILD
from benchmarks.scenes.catalogue import SCENES, SHORT, footage
from benchmarks.scenes.filemode import How
from benchmarks.scenes.rows import Mode, Row, problems
from benchmarks.scenes.suite import rows
from benchmarks.scenes.table import markdown, write, write_page


def main() -> int:
    """Return 1 where a row misses its target."""
    asked = _parsed()
    names = SHORT if asked.short else asked.only
    if asked.mode == "live":
        names = [name for name in names if SCENES[name].is_live]
    if not footage.is_there():
        _tell(f"skipped: real footage; BLURCAM_EVAL_DATA has no {footage.RECORDING}")
    if asked.clips:
        asked.clips.mkdir(parents=True, exist_ok=True)
    how = How(asks=not asked.short, anew=asked.anew, clips=asked.clips, looks=asked.look)
    jobs = asked.jobs or (1 if asked.mode == "live" else os.cpu_count() or 1)
    machine = str(this_machine())  # how busy it was before
    began = time.monotonic()
    done: list[Row] = []
    for row in rows([SCENES[name] for name in names], asked.mode, how, jobs):
        done.append(row)
        page = write(done, BUILD, asked.mode)
        _tell(f"{row.name}: {row.faces.at_fault} of {row.faces.counted} {', '.join(row.misses)}")
    print(markdown(done))
    _tell(f"{time.monotonic() - began:.0f} s; {page}")
    if asked.page:
        write_page(done, asked.mode, f"Measured on {machine} by `{_command(asked.mode)}`:")
    missed = problems(done)
    for problem in missed:
        _tell(problem)
    return 1 if missed else 0


def _parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scenes")
    parser.add_argument("--only", nargs="+", metavar="NAME", choices=SCENES, default=list(SCENES))
    parser.add_argument("--mode", choices=get_args(Mode), default="file")
    parser.add_argument("--short", action="store_true", help="a few that stand for the others")
    parser.add_argument(
        "--anew", action="store_true", help="search every frame again, where that was kept"
    )
    parser.add_argument("--jobs", type=int, help="scenes at once; default: cores, live 1")
    parser.add_argument("--clips", type=Path, help="keep what was redacted in this folder")
    parser.add_argument("--look", action="store_true", help="write contact sheets to build/")
    parser.add_argument(
        "--page", action="store_true", help="write the table into docs/design/scenes.md"
    )
    return parser.parse_args()


def _command(mode: Mode) -> str:
    return "make scenes" if mode == "file" else f"make scenes MODE={mode}"


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
