"""How long a camera's picture takes through ``blurcam run``: from its last packet to a viewer.

    python -m benchmarks.live_latency [SECONDS] [--footage VIDEO] [--lead 0.4] [blurcam options…]

A real RTSP camera at 1080p15 sends footage with a number in each picture; blurcam writes MPEG-TS to
standard output. A picture has come when its last byte has, and it has been decoded. That is done
afterwards, and timed: a viewer at work would take a third of a core from what is measured, and
FFmpeg's waits for the next picture, or the one after, to know where one ends. Prints the
distribution of the latency beyond the look-ahead, both decoders and the encoder included, how busy
the machine was with other things, and what was dropped. Without ``--footage`` it is
sample_videos/street.mp4 (``make samples``).
"""

from __future__ import annotations

import argparse
import io
import os
import subprocess
import sys
import tempfile
import threading
import time
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from tests.support.clips import ffmpeg
from tests.support.fakecam import Clip, FakeCam
from tests.support.fakecam.clip import AccessUnit

WIDTH, HEIGHT, RATE = 1920, 1080, 15
LENGTH: Final = 8 * RATE
# The number is written as blocks of this size along the upper edge, the lowest bit first.
_BLOCK, _BITS = 32, 7
SAMPLE: Final = Path(__file__).parent.parent / "sample_videos" / "street.mp4"
# A packet of MPEG-TS in bytes, and the number that FFmpeg gives to the video among them.
_TS: Final = 188
_VIDEO: Final = 0x100
# The start: models, the first searches, the first key frame.
_WARM_SECONDS: Final = 5.0


class NumberedClip(Clip):
    """A clip that notes when each of its pictures was sent."""

    def __init__(self, path: Path) -> None:
        """Read the clip."""
        super().__init__(path)
        self.sent: list[tuple[int, float]] = []
        self._numbers = {unit.pts: number for number, unit in enumerate(self.units)}

    def payloads(self, unit: AccessUnit) -> Iterator[tuple[bool, bytes]]:
        """Yield the RTP payloads of a picture, and note the time after the last."""
        yield from super().payloads(unit)
        self.sent.append((self._numbers[unit.pts], time.monotonic()))


def main() -> None:
    """Measure once, and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("seconds", type=float, nargs="?", default=60)
    parser.add_argument("--footage", type=Path, default=SAMPLE)
    parser.add_argument("--lead", type=float, default=0.4)
    args, rest = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as folder:
        clip = NumberedClip(numbered(args.footage, Path(folder)))
        with FakeCam({"cam": clip}) as server:
            command = [sys.executable, "-m", "blurcam", "run", server.url("cam"), "-"]
            command += ["--lead", str(args.lead), *rest]
            # Unbuffered: a buffer would wait until it is full.
            with subprocess.Popen(command, stdout=subprocess.PIPE, bufsize=0) as process:
                taken = Taken()
                viewer = threading.Thread(target=taken.take, args=(process,))
                viewer.start()
                while not taken.data and process.poll() is None:
                    time.sleep(0.1)
                busy = watch(process.pid, args.seconds)
                process.terminate()
                viewer.join()
    report(clip.sent, taken.pictures(), args.lead, busy)


def numbered(footage: Path, folder: Path) -> Path:
    """Make the clip: the footage at 1080p15, over and over, a number in each picture."""
    raw = folder / "numbered.bgr"
    with raw.open("wb") as file:
        for number, picture in zip(range(LENGTH), pictures(footage), strict=False):
            for bit in range(_BITS):
                x = bit * _BLOCK
                picture[:_BLOCK, x : x + _BLOCK] = 235 if number >> bit & 1 else 16
            file.write(picture.tobytes())
    coded = folder / "numbered.mp4"
    ffmpeg("-f", "rawvideo", "-pix_fmt", "bgr24", "-s", f"{WIDTH}x{HEIGHT}", "-r", RATE, "-i", raw,
           "-c:v", "libx264", "-preset", "ultrafast", "-b:v", "6M", "-g", 2 * RATE, "-bf", "0",
           "-pix_fmt", "yuv420p", coded)  # fmt: skip
    raw.unlink()
    return coded


def pictures(footage: Path) -> Iterator[NDArray[np.uint8]]:
    """Yield the footage as BGR at 1080p, over and over."""
    while True:
        reader = cv2.VideoCapture(str(footage))
        if not reader.isOpened():
            sys.exit(f"{footage}: is no video that can be read; make samples makes the default one")
        while True:
            done, picture = reader.read()
            if not done:
                break
            yield np.ascontiguousarray(cv2.resize(picture, (WIDTH, HEIGHT)), np.uint8)


class Taken:
    """What came out, byte for byte, and when."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.data = bytearray()
        self._ends: list[int] = []
        self._times: list[float] = []

    def take(self, process: subprocess.Popen[bytes]) -> None:
        """Take all of it."""
        assert process.stdout is not None
        while piece := os.read(process.stdout.fileno(), 1 << 16):
            self.data += piece
            self._ends.append(len(self.data))
            self._times.append(time.monotonic())

    def pictures(self) -> list[tuple[int, float]]:
        """Return the number of each picture, and when it could be seen."""
        came: list[tuple[int, float]] = []
        ends = iter(self._picture_ends())
        with av.open(io.BytesIO(self.data), "r", format="mpegts") as container:
            stream = container.streams.video[0]
            stream.codec_context.thread_type = "SLICE"
            for packet in container.demux(stream):
                began = time.monotonic()
                frames = packet.decode() if packet.size else []
                took = time.monotonic() - began
                for frame in frames:
                    at = self._times[bisect_left(self._ends, next(ends))]
                    if (number := _number(frame)) is not None:
                        came.append((number, at + took))
        return came

    def _picture_ends(self) -> list[int]:
        """Return where each picture's last packet of MPEG-TS ends."""
        ends: list[int] = []
        for start in range(0, len(self.data) - _TS + 1, _TS):
            is_first, pid = self.data[start + 1] & 0x40, _pid(self.data, start)
            if pid == _VIDEO:
                if is_first:
                    ends.append(start)
                ends[-1] = start + _TS
        return ends


def _pid(data: bytearray, start: int) -> int:
    return (data[start + 1] & 0x1F) << 8 | data[start + 2]


def _number(frame: av.VideoFrame) -> int | None:
    """Return the number in a picture; one that is fully covered is grey, and has none."""
    luma = np.asarray(frame.to_ndarray())[_BLOCK // 2]
    blocks = [int(luma[bit * _BLOCK + _BLOCK // 2]) for bit in range(_BITS)]
    if any(64 < block < 190 for block in blocks):
        return None
    return sum(1 << bit for bit, block in enumerate(blocks) if block > 128)


def watch(pid: int, seconds: float) -> str:
    """Wait, and return how many cores blurcam used, and how many all there was to do would."""
    before, began = _cpu(pid), time.monotonic()
    loads = []
    while time.monotonic() - began < seconds:
        time.sleep(1)
        loads.append(os.getloadavg()[0])
    used = (_cpu(pid) - before) / (time.monotonic() - began)
    return f"blurcam used {used:.2f} of {os.cpu_count()} cores; load {np.mean(loads):.1f}"


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def report(
    sent: list[tuple[int, float]], came: list[tuple[int, float]], lead: float, busy: str
) -> None:
    """Match what came to when it was last sent, and print the distribution."""
    times: dict[int, list[float]] = {}
    for number, at in sent:
        times.setdefault(number, []).append(at)
    beyond = []
    for number, at in came:
        place = bisect_right(times.get(number, []), at)
        if not place:
            print(f"picture {number} came and was not sent")
            break
        when = times[number][place - 1]
        if when - sent[0][1] > _WARM_SECONDS:
            beyond.append((at - when - lead) * 1000)
    print(f"pictures: {len(sent)} sent, {len(came)} seen; {busy}")
    if not beyond:
        print("too short: there is no picture but those of the start")
        return
    print(f"latency beyond the look-ahead of {lead:g} s, in ms, of {len(beyond)} pictures:")
    for share in (50, 90, 99, 100):
        print(f"  {share:3d} %  {np.percentile(beyond, share):7.1f}")


if __name__ == "__main__":
    main()
