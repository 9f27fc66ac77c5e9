"""What a file shows, told by the independent FFmpeg and by PyAV, and how two of them compare."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from tests.proof.zygote import Order
from tests.support.clips import FFMPEG, frame_times
from tests.support.program import Result, blurcam, shared_pool

Pictures = NDArray[np.uint8]


def redact(source: Path | str, target: Path, *options: object, code: int = 0) -> Result:
    """Redact with a command of its own; its exit code is the one expected."""
    fine = ("--crf", "20") if target.suffix == ".webm" else ("--preset", "ultrafast", "--crf", "12")
    done = blurcam("run", source, target, *fine, *options)
    assert done.returncode == code, done.stderr
    return done


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended, what it said, and how much memory it took."""

    code: int
    said: str
    peak_bytes: int


def run(*args: object, stdin: Path | None = None, stdout: Path | None = None) -> Ran:
    """Run a command between two files, and measure it."""
    with tempfile.TemporaryDirectory(prefix="media-") as name:
        error = Path(name, "stderr")
        end = shared_pool().run(
            Order(
                [str(each) for each in args], str(error), oracle=False,
                stdin=os.devnull if stdin is None else str(stdin),
                stdout=os.devnull if stdout is None else str(stdout), patience=300.0,
            )
        )  # fmt: skip
        assert not end.hung
        return Ran(end.code, error.read_text("utf-8", "replace"), end.peak_kb << 10)


def notes(done: Result) -> list[str]:
    """Return what a run noted."""
    mark = "blurcam: note: "
    return [line.removeprefix(mark) for line in done.stderr.splitlines() if line.startswith(mark)]


def shown(path: Path, size: tuple[int, int], *, options: tuple[str, ...] = ()) -> Pictures:
    """Decode a file as a player shows it, turned, mirrored and cropped; scale it to one size."""
    width, height = size
    command = [FFMPEG, "-nostdin", "-v", "error", *options, "-i", str(path), "-map", "0:v:0"]
    command += ["-fps_mode", "passthrough", "-vf", f"scale={width}:{height},format=gray"]
    done = subprocess.run([*command, "-f", "rawvideo", "-"], capture_output=True, timeout=120,
                          check=False)  # fmt: skip
    return np.frombuffer(done.stdout, np.uint8).reshape(-1, height, width)


def shape(path: Path) -> tuple[int, int, Fraction]:
    """Return the width and height that are shown, and the shape of what is shown.

    FFmpeg turns and crops what it decodes, and says what comes out.
    """
    command = [FFMPEG, "-nostdin", "-hide_banner", "-i", str(path), "-map", "0:v:0", "-frames:v"]
    command += ["1", "-c:v", "rawvideo", "-f", "null", "-"]
    said = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stderr
    output = said[said.index("Output #0") :]
    found = re.search(r", (\d+)x(\d+)(?: \[SAR (\d+):(\d+) DAR (\d+):(\d+)\])?", output)
    assert found is not None, output
    width, height = int(found[1]), int(found[2])
    if found[3] is None:
        return width, height, Fraction(width, height)
    sar = Fraction(int(found[3]), int(found[4]))
    return width, height, Fraction(width, height) * sar


def difference(left: Pictures, right: Pictures) -> float:
    """Return how far two films are apart, in grey levels a pixel."""
    assert left.shape == right.shape
    return float(np.abs(left.astype(int) - right.astype(int)).mean())


def steps(path: Path) -> list[Fraction]:
    """Return the time of each frame from the first one on."""
    times = frame_times(path)
    return [each - times[0] for each in times]


@dataclass(frozen=True, slots=True)
class Sound:
    """The sound of a file: when it is first and last heard, in which codec, how many channels."""

    first: Fraction
    last: Fraction
    codec: str
    channels: int


def sound(path: Path) -> Sound | None:
    """Return what is heard of a file, ``None`` where it has no sound."""
    with av.open(str(path)) as container:
        if not container.streams.audio:
            return None
        stream = container.streams.audio[0]
        frames = [frame for frame in container.decode(stream) if frame.pts is not None]
        assert frames, "nothing is heard"
        last = frames[-1]
        return Sound(
            frames[0].pts * frames[0].time_base,
            last.pts * last.time_base + Fraction(last.samples, last.sample_rate),
            stream.codec_context.name,
            stream.channels,
        )


def first_frame(path: Path) -> Fraction:
    """Return when the picture begins."""
    with av.open(str(path)) as container:
        frame = next(container.decode(video=0))
        assert frame.pts is not None
        return frame.pts * frame.time_base
