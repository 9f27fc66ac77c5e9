"""The program that every child process is: ``python -m blurcam.runtime MODULE [expendable]``.

Nothing is loaded, and nothing secret is read, before a crash can no longer leave it behind.
"""

from __future__ import annotations

import faulthandler
import importlib
import os
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path

from blurcam.runtime.no_core_dump import no_core_dump


def main() -> None:
    """Be the process that the arguments name."""
    module, *how = sys.argv[1:]
    if "expendable" in how:
        # Where memory runs out, the kernel shall take this process and not its parent. Written
        # first, since a process that is not dumpable can do so as root only.
        with suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text("500", encoding="ascii")
    no_core_dump()
    # A descriptor of its own: libraries are silenced by turning standard error elsewhere.
    faulthandler.enable(os.dup(2))
    from blurcam.runtime.last_words import tell_steps_to
    from blurcam.runtime.parent import Parent

    parent = Parent()
    tell_steps_to(partial(parent.tell, "step"))
    importlib.import_module(module).main(parent)


if __name__ == "__main__":
    main()
