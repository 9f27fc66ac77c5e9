"""Says for which machines and Pythons every package of the lock has a wheel, and for which not.

Asks the index that this machine's uv is set up for. Nothing is downloaded.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

LOCK = Path(__file__).parent.parent / "requirements.lock"
MACHINES = ("x86_64", "aarch64")
PYTHONS = ("3.11", "3.12", "3.13")
GLIBC = "manylinux_2_35"  # that of Ubuntu 22.04; Debian 12 has 2.36


def missing(machine: str, python: str, lock: Path = LOCK) -> str:
    """Return what uv says where a wheel is missing; nothing where all are there."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [
                *(sys.executable, "-m", "uv", "pip", "install", "--dry-run"),
                *("--python-platform", f"{machine}-{GLIBC}", "--python-version", python),
                *("--only-binary", ":all:", "--no-deps", "--require-hashes"),
                *("--target", folder, "-r", str(lock)),
            ],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    fault = done.stderr.strip() or f"exit code {done.returncode}"
    return fault if done.returncode else ""


def main() -> int:
    """Print a line for each; return 1 where something is missing."""
    worst = 0
    for machine in MACHINES:
        for python in PYTHONS:
            fault = missing(machine, python)
            print(f"{machine}, Python {python}: {fault or 'a wheel for every package'}")
            worst |= bool(fault)
    return worst


if __name__ == "__main__":
    sys.exit(main())
