"""How long a frame takes through ``blurcam pipe``: from its last byte in to its first byte out.

    .venv/bin/python benchmarks/pipe_latency.py [SECONDS] [--size 1280x720] [blurcam options…]
    .venv/bin/python benchmarks/pipe_latency.py --plumbing

With --plumbing the search of these synthetic pictures is replaced by an answer that is there at
once, so that what remains is the pipe itself.

Feeds raw frames at their rate, reads raw frames, and prints when blurcam was ready, when the first
frame came out, and the distribution of the latency beyond the look-ahead. Every frame carries its
number in the luma of its first rows, where there is no face to cover.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import threading
import time

import cv2
import numpy as np

PLUMBING = """
import blurcam.runs.pipe as pipes
from blurcam.detect.detector import Answered

pipes.searched = lambda frames, *rest, **more: ((frame, Answered(())) for frame in frames)
from blurcam.cli import main
main()
"""


def main() -> None:
    """Measure once, and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("seconds", type=float, nargs="?", default=10)
    parser.add_argument("--size", default="1280x720")
    parser.add_argument("--rate", type=int, default=25)
    parser.add_argument("--lead", type=float, default=0.4)
    parser.add_argument("--plumbing", action="store_true")
    args, rest = parser.parse_known_args()
    width, height = (int(part) for part in args.size.split("x"))
    frames = [numbered(n, width, height) for n in range(args.rate)]
    command = [sys.executable, *(["-c", PLUMBING] if args.plumbing else ["-m", "blurcam"])]
    command += ["pipe", "--from", "raw", "--to", "raw"]
    command += ["--size", args.size, "--rate", str(args.rate), "--lead", str(args.lead)]
    command += ["--bridge", str(args.lead), *rest]
    started = time.monotonic()
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        sent: list[float] = []
        came: list[tuple[int, float]] = []
        reader = threading.Thread(target=receive, args=(process, frames[0].size, came))
        reader.start()
        feed(process, frames, round(args.seconds * args.rate), args.rate, sent)
        reader.join()
    report(started, sent, came, args.lead, args.rate)


def numbered(number: int, width: int, height: int) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
    """Return a yuv420p frame with a moving square, its first rows telling its number."""
    luma = np.full((height, width), 110, np.uint8)
    x = 40 + number * 8
    cv2.rectangle(luma, (x, height // 3), (x + 120, height // 3 + 120), 180, -1)
    luma[:8] = 0
    luma[:8, : number + 1] = 255
    chroma = np.full(height // 2 * (width // 2) * 2, 128, np.uint8)
    return np.concatenate([luma.ravel(), chroma])


def feed(
    process: subprocess.Popen[bytes],
    frames: list[np.ndarray[tuple[int], np.dtype[np.uint8]]],
    count: int,
    rate: int,
    sent: list[float],
) -> None:
    """Write frames at their rate, from the moment that the first one is taken."""
    assert process.stdin is not None
    begun = 0.0
    for number in range(count):
        if number == 1:
            begun = time.monotonic() - 1 / rate
        if number:
            time.sleep(max(0.0, begun + number / rate - time.monotonic()))
        process.stdin.write(frames[number % len(frames)].tobytes())
        process.stdin.flush()
        sent.append(time.monotonic())
    process.stdin.close()


def receive(process: subprocess.Popen[bytes], size: int, came: list[tuple[int, float]]) -> None:
    """Note when the first byte of every frame arrives, and its number."""
    assert process.stdout is not None
    descriptor = process.stdout.fileno()
    while data := os.read(descriptor, 1 << 16):
        at, first = time.monotonic(), data
        missing = size - len(data)
        while missing and (data := os.read(descriptor, min(missing, 1 << 20))):
            first = first if len(first) > 64 else first + data
            missing -= len(data)
        came.append((int((np.frombuffer(first[:64], np.uint8) > 127).sum()) - 1, at))


def report(
    started: float, sent: list[float], came: list[tuple[int, float]], lead: float, rate: int
) -> None:
    """Match what came to what was sent, in order, and print the distribution."""
    beyond, place = [], 0
    for number, at in came:
        while place < len(sent) and place % rate != number:
            place += 1  # dropped on the way
        if place == len(sent):
            break
        beyond.append((at - sent[place] - lead) * 1000)
        place += 1
    print(f"frames: {len(sent)} in, {len(came)} out")
    print(f"the first was taken {sent[0] - started:.2f} s after the start")
    print(f"the first came out {came[0][1] - sent[0]:.2f} s after it was taken")
    flushed = round(lead * rate) + 1
    steady = np.array(beyond[:-flushed] or beyond)
    if not len(steady):
        print("no frame came out as it went in: all were fully covered")
        return
    print(f"latency beyond the look-ahead of {lead} s, in ms, of {len(steady)} frames:")
    for share in (5, 50, 90, 95, 99, 100):
        print(f"  {share:3d} %  {np.percentile(steady, share):7.1f}")
    late = np.nonzero(steady > 60)[0]
    print(f"later than 60 ms: {len(late)} frames {late[:10] / rate} s after the first")


if __name__ == "__main__":
    main()
