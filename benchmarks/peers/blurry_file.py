"""blurry-opsec from one file to another: run by the Python of its own environment.

It chooses the name of what it writes itself, in a folder that is there.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from blurry_opsec.cli import main

if __name__ == "__main__":
    source, target = Path(sys.argv[1]), Path(sys.argv[2])
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        code = main([str(source), "-o", folder])
        for written in Path(folder).iterdir():
            written.replace(target)
    sys.exit(code)
