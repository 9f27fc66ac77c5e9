"""deface 1.5.0 at its defaults, as a redactor whose output is attacked beside blurcam's."""

from __future__ import annotations

import subprocess
from pathlib import Path

from blurcam.assess.attack.faces import load_people
from blurcam.assess.attack.trial import AttackReport, attack_on
from tests.proof.zygote import ROOT
from tests.support.clips import ffmpeg

PEERS = ROOT / "benchmarks" / ".venv-peers" / "bin" / "python"
NAME = "deface 1.5.0, defaults"


def deface(given: Path, output: Path, count: int) -> None:
    """Run the program: its own detector, threshold, mask size, blur and encoder."""
    del count
    # It skips what is not called like a video that it knows, with exit code 0.
    known = given.with_suffix(".mp4")
    ffmpeg("-i", given, "-c:v", "libx264", "-qp", "0", "-pix_fmt", "yuv420p", known)
    program = "from deface.deface import main; main()"
    subprocess.run(
        [PEERS, "-c", program, known, "-o", output, "--backend", "onnxrt"],
        check=True, timeout=600, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def attack_deface(faces: Path) -> AttackReport | None:
    """Attack what deface makes of the same scenes; ``None`` where it is not installed.

    Where it finds no face it covers none: that is a part of what it does.
    """
    if not PEERS.exists():
        return None
    return attack_on(load_people(faces), NAME, deface)
