"""The command line as a user meets it, in a process of its own that need not import everything.

Each command is forked from one that has (:mod:`tests.proof.zygote`), which saves a second of CPU
each time; that it is the program all the same is tested in ``test_proof``. What is about starting
up, signals or the environment starts ``python -m blurcam``.
"""

from __future__ import annotations

import atexit
import functools
import os
import subprocess
import tempfile
from pathlib import Path

from tests.proof.zygote import Order, Pool

Result = subprocess.CompletedProcess[str]


@functools.cache
def shared_pool() -> Pool:
    """Return the processes that all tests here fork their commands from."""
    pool = Pool(2)
    atexit.register(pool.close)
    return pool


def blurcam(*args: object, stdin: bytes = b"", patience: float = 600.0) -> Result:
    """Run a command to its end; raises ``TimeoutExpired`` if that takes too long."""
    argv = [os.fspath(each) if isinstance(each, Path) else str(each) for each in args]
    with tempfile.TemporaryDirectory(prefix="program-") as name:
        given, out, err = (Path(name, each) for each in ("stdin", "stdout", "stderr"))
        given.write_bytes(stdin)
        order = Order(argv, str(err), oracle=False, stdin=str(given), stdout=str(out),
                      patience=patience)  # fmt: skip
        end = shared_pool().run(order)
        if end.hung:
            raise subprocess.TimeoutExpired(argv, patience)
        said = [each.read_text("utf-8", "surrogateescape") for each in (out, err)]
    return Result(argv, end.code, *said)
