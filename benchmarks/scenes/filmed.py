"""Shots of real footage: a window of a labelled recording, which may move and shake."""

from __future__ import annotations

import csv
import subprocess
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from benchmarks.footage import FFMPEG, clip, recording
from benchmarks.scenes.effects import Moment
from benchmarks.scenes.layers import Layer, Matrix, Placed, view
from benchmarks.scenes.truth import Picture, Rect
from benchmarks.scenes.values import Filmed


class Showing:
    """A recording that is read from its beginning to its end."""

    def __init__(self, shot: Filmed) -> None:
        """Begin to read; the recording has to be there."""
        self._shot = shot
        video, labels = source(shot)
        self._frames = _colour_frames(video)
        self._labels = _labels(labels)
        self._at, self._picture = -1, np.zeros((1, 1, 3), np.uint8)

    def layer(self, time: float, size: tuple[int, int], moment: Moment) -> Layer:
        """Return what it shows so many seconds after its beginning; never earlier than before."""
        wanted = round(time * self._shot.rate)
        while self._at < wanted:
            self._picture, self._at = next(self._frames), self._at + 1
        mapped = view(self._shot.camera, time, size, moment)
        shown = self._picture
        if self._shot.camera is not None:
            moved = cv2.warpAffine(shown, mapped[:2], size, flags=cv2.INTER_LINEAR)
            shown = np.asarray(moved, np.uint8)
        owners = np.zeros(shown.shape[:2], np.int16)
        faces = {}
        for owner, (who, edges) in enumerate(self._labels.get(self._at, ()), 1):
            box = _mapped(edges, mapped)
            owners[box.within(shown.shape[1], shown.shape[0])] = owner
            faces[who] = Placed(box, owner)
        return Layer(shown.copy(), owners, faces)


def source(shot: Filmed) -> tuple[Path, Path]:
    """Return the recording and the file of its labels."""
    video = recording(shot.recording)
    if video is None:
        raise FileNotFoundError(f"{shot.recording}: set BLURCAM_EVAL_DATA")
    return video, video.with_name(shot.labels)


def _labels(path: Path) -> dict[int, list[tuple[int, tuple[float, ...]]]]:
    """Return who is where on each frame: edges x0, y0, x1, y1."""
    found: dict[int, list[tuple[int, tuple[float, ...]]]] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            edges = tuple(float(row[name]) for name in ("x0", "y0", "x1", "y1"))
            found.setdefault(int(row["frame"]), []).append((int(row["person"]), edges))
    return found


def _mapped(edges: tuple[float, ...], by: Matrix) -> Rect:
    x0, y0, x1, y1 = edges
    corners = by[:2] @ np.array([[x0, x1, x1, x0], [y0, y0, y1, y1], [1, 1, 1, 1.0]])
    left, top = corners.min(axis=1)
    right, bottom = corners.max(axis=1)
    return Rect(round(left), round(top), round(right), round(bottom))


def _colour_frames(path: Path) -> Iterator[Picture]:
    wide, high = clip(path.stem, path).size
    command = [FFMPEG, "-nostdin", "-v", "error", "-i", str(path), "-map", "0:v:0"]
    command += ["-fps_mode", "passthrough", "-pix_fmt", "bgr24", "-f", "rawvideo", "-"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        try:
            while len(data := child.stdout.read(wide * high * 3)) == wide * high * 3:
                yield np.frombuffer(data, np.uint8).reshape(high, wide, 3)
        finally:
            child.kill()
