"""What a child process of the tests does: as its settings say, through the real entry."""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from blurcam.runtime.parent import Parent
from blurcam.settings.camera import Camera


@dataclass(frozen=True, slots=True)
class Deed:
    """What to do."""

    name: str


def main(parent: Parent) -> None:
    """Do it."""
    deed = parent.settings(Deed, "deed")
    if deed.name == "tell of itself":
        facts = {
            "dumpable": ctypes.CDLL(None).prctl(3, 0, 0, 0, 0),
            "core": resource.getrlimit(resource.RLIMIT_CORE)[0],
            "oom": Path("/proc/self/oom_score_adj").read_text(encoding="ascii").strip(),
        }
        os.write(1, b"whatever a library prints\n")
        parent.tell("facts", json.dumps(facts))
        camera = parent.settings(Camera, "camera")
        parent.tell("camera", repr((camera, camera.source.location)))
    elif deed.name == "abort":
        parent.tell("step", "loading the detector")
        os.abort()
    elif deed.name == "hang":
        parent.tell("ready")
        time.sleep(60)
    elif deed.name == "refuse to end":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        parent.tell("ready")
        time.sleep(60)
    elif deed.name == "go mad":
        parent.tell("x" * (8 << 20))
