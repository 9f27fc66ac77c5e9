"""Say in one line which packages of the system are missing, and how to get them."""

from __future__ import annotations

import ctypes
import os
import sys
from importlib.util import find_spec

# What the wheels of opencv-python and mediapipe link to, and a slim system lacks. The names hold
# on Debian and Ubuntu; where a package was renamed for 64-bit time, the old name still serves.
LIBRARIES = {
    "libGL.so.1": "libgl1",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "libSM.so.6": "libsm6",
    "libXext.so.6": "libxext6",
    "libEGL.so.1": "libegl1",
    "libGLESv2.so.2": "libgles2",
}


def missing() -> list[str]:
    """Return the packages to install, in order."""
    # Debian's python3 comes without what makes an environment.
    packages = [] if find_spec("ensurepip") and find_spec("venv") else ["python3-venv"]
    for library, package in LIBRARIES.items():
        try:
            ctypes.CDLL(library)
        except OSError:
            packages.append(package)
    return list(dict.fromkeys(packages))


def main() -> int:
    """Return the exit code: 1 where something is missing."""
    if sys.version_info < (3, 11):
        sys.stderr.write(f"blurcam needs Python 3.11 or later; this is {sys.version.split()[0]}\n")
        return 1
    if packages := missing():
        sudo = "" if os.geteuid() == 0 else "sudo "
        sys.stderr.write(
            "system packages are missing; install them, then run make again:\n"
            f"    {sudo}apt-get install -y {' '.join(packages)}\n"
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
