"""Outputs that leak: how many of them `verify` passes, and what it costs.

    python -m benchmarks.leaks [--rows PATTERN] [--tries 4] [--json FILE]

Covered people walk through a street. In each output one face is left bare, for some frames, in a
way that outputs have been seen to leak in. Where BLURCAM_EVAL_DATA is set, each try shows another
person.
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import os
import resource
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import cv2
import imageio_ffmpeg
import numpy as np
from numpy.typing import NDArray

from blurcam.assess.verification import SeenFace, Verification, VerificationVerdict
from blurcam.assess.verify import verify

Picture = NDArray[np.uint8]

ROOT: Final = Path(__file__).parent.parent
FFMPEG: Final = imageio_ffmpeg.get_ffmpeg_exe()
WIDE, HIGH, FRAMES = 640, 360, 250
_EDGES: Final = {"hopper": (80, 87, 207, 236), "collins": (91, 49, 176, 165)}


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """A head and shoulders, BGRA, bare and covered, and where in it the face is."""

    bare: Picture
    covered: Picture
    face: tuple[int, int, int, int]

    def at(self, height: float, *, is_bare: bool, roll: float = 0) -> Picture:
        """Return it with a face of so many pixels, rolled by so many degrees."""
        picture = self.bare if is_bare else self.covered
        scale = height / (self.face[3] - self.face[1])
        size = (max(2, round(picture.shape[1] * scale)), max(2, round(picture.shape[0] * scale)))
        small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        if roll:
            centre = (size[0] / 2, size[1] / 2)
            turn = cv2.getRotationMatrix2D(centre, roll, 1.0)
            small = cv2.warpAffine(small, turn, size, borderValue=(0, 0, 0, 0))
        return np.asarray(small, np.uint8)


def people() -> list[Person]:
    """Return whom to show: the sample people, or, where they are, forty others."""
    folder = Path(os.environ.get("BLURCAM_EVAL_DATA", "/nowhere"), "faces-orl")
    found = [
        _portrait(path) for each in sorted(folder.glob("s*")) for path in sorted(each.glob("1.pgm"))
    ]
    return found or [person for name in _EDGES for person in [sample(name)]]


def sample(name: str) -> Person:
    """Return one of the sample people."""
    path = ROOT / "sample_videos" / "portraits" / f"{name}.png"
    picture = np.asarray(cv2.imread(str(path), cv2.IMREAD_UNCHANGED), np.uint8)
    return _person(picture, _EDGES[name])


def _portrait(path: Path) -> Person:
    """Put a grey portrait, cut to an oval, on shoulders."""
    grey = np.asarray(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE), np.uint8)
    rows, columns = grey.shape
    whole = np.zeros((rows + 40, columns + 60, 4), np.uint8)
    cv2.ellipse(whole, (columns // 2 + 30, rows + 34), (70, 44), 0, 180, 360, (80, 60, 50, 255), -1)
    oval = np.zeros((rows, columns), np.uint8)
    cv2.ellipse(oval, (columns // 2, rows // 2), (columns // 2, rows // 2), 0, 0, 360, 255, -1)
    part = whole[:rows, 30 : 30 + columns]
    skin = np.clip(grey[..., None] * np.array([0.78, 0.9, 1.0]), 0, 255).astype(np.uint8)
    part[oval > 0, :3] = skin[oval > 0]
    part[oval > 0, 3] = 255
    return _person(whole, (38, 14, 22 + columns, rows - 6))


def _person(picture: Picture, face: tuple[int, int, int, int]) -> Person:
    x0, y0, x1, y1 = face
    mask = np.zeros(picture.shape[:2], np.uint8)
    centre = ((x0 + x1) // 2, (y0 + y1) // 2)
    axes = (round(0.7 * (x1 - x0)), round(0.7 * (y1 - y0)))
    cv2.ellipse(mask, centre, axes, 0, 0, 360, 1, -1)
    ring = cv2.dilate(mask, np.ones((9, 9), np.uint8)) - mask
    ring[picture[..., 3] < 255] = 0
    covered = picture.copy()
    colour = picture[ring > 0, :3].mean(0) if ring.any() else np.array([90, 90, 90])
    covered[mask > 0, :3] = colour
    covered[mask > 0, 3] = 255
    return Person(picture, covered, face)


@dataclass(slots=True)
class Leak:
    """One output that leaks: its frames, and where on which of them a face is bare."""

    name: str
    bare_frames: range
    height: float = 36
    step: float = 1.0
    roll: float = 0.0
    rate: float = 25
    pan: float = 0
    shake: int = 0
    light: float = 1.0
    noise: float = 2.0
    in_view: range | None = None
    turn: str = ""
    combed: bool = False
    truth: dict[int, tuple[float, float, float, float]] = field(default_factory=dict)

    def frames(self, person: Person, other: Person, seed: int) -> Iterator[Picture]:
        """Draw the output, and note where the bare face is."""
        drawn = np.random.default_rng(seed)
        street = _street(drawn)
        start = drawn.uniform(80, WIDE - 200)
        level = drawn.uniform(80, HIGH - 160)
        previous = None
        for number in range(FRAMES):
            sway = drawn.integers(-self.shake, self.shake + 1, 2) if self.shake else (0, 0)
            left = int(self.pan * number / 25 + sway[0]) % WIDE
            picture = np.roll(street, (-left, int(sway[1])), (1, 0)).copy()
            _paste(picture, other.at(30, is_bare=False), 40 + 1.5 * number, 120)
            is_bare = number in self.bare_frames
            if self.in_view is None or number in self.in_view:
                begun = self.in_view.start if self.in_view else 0
                x = (start + self.step * (number - begun) + 100) % (WIDE + 200) - 100
                self._show(picture, person, (x, level), number, is_bare=is_bare)
            whole = picture.copy()
            if self.combed and previous is not None:
                picture[1::2] = previous[1::2]
            previous = whole
            yield self._seen(picture, drawn)

    def _show(
        self,
        picture: Picture,
        person: Person,
        corner: tuple[float, float],
        number: int,
        *,
        is_bare: bool,
    ) -> None:
        x, y = corner
        _paste(picture, person.at(self.height, is_bare=is_bare, roll=self.roll), x, y)
        scale = self.height / (person.face[3] - person.face[1])
        x0, y0, x1, y1 = (edge * scale for edge in person.face)
        face = (x + x0, y + y0, x + x1, y + y1)
        inside = min(face[2], WIDE) - max(face[0], 0)
        if is_bare and inside > 0.8 * (face[2] - face[0]):
            self.truth[number] = face

    def _seen(self, picture: Picture, drawn: np.random.Generator) -> Picture:
        noisy = picture * self.light + drawn.normal(0, self.noise, (HIGH, WIDE, 1))
        seen = np.clip(noisy, 0, 255).astype(np.uint8)
        return np.ascontiguousarray(seen[::-1, ::-1] if self.turn else seen)

    def is_caught(self, found: Verification) -> bool:
        """Whether the verifier named the bare face: on a frame and at a place where it is."""
        times = {number / self.rate: box for number, box in self.truth.items()}
        return any(self._is_it(each, times) for each in found.seen)

    def _is_it(self, seen: SeenFace, times: Mapping[float, tuple[float, ...]]) -> bool:
        x, y = (seen.x0 + seen.x1) / 2, (seen.y0 + seen.y1) / 2
        if self.turn:
            x, y = WIDE - x, HIGH - y
        slack = 1.5 / self.rate
        return any(
            seen.time - slack <= time <= seen.until + slack
            and abs(x - (x0 + x1) / 2) < 2 * self.height + 2 * abs(self.step)
            and abs(y - (y0 + y1) / 2) < 2 * self.height
            for time, (x0, y0, x1, y1) in times.items()
        )


def _paste(picture: Picture, figure: Picture, x: float, y: float) -> None:
    left, top = round(x), round(y)
    x0, y0 = max(0, left), max(0, top)
    x1, y1 = min(WIDE, left + figure.shape[1]), min(HIGH, top + figure.shape[0])
    if x0 >= x1 or y0 >= y1:
        return
    part = figure[y0 - top : y1 - top, x0 - left : x1 - left]
    alpha = part[..., 3:] / 255
    behind = picture[y0:y1, x0:x1]
    behind[:] = (part[..., :3] * alpha + behind * (1 - alpha)).astype(np.uint8)


def _street(drawn: np.random.Generator) -> Picture:
    """Return a background with edges and textures, and no face."""
    coarse = drawn.uniform(60, 190, (6, 10, 3)).astype(np.float32)
    picture = cv2.resize(coarse, (WIDE, HIGH), interpolation=cv2.INTER_LINEAR)
    for _ in range(40):
        x, y = int(drawn.integers(0, WIDE)), int(drawn.integers(0, HIGH))
        size = drawn.integers(10, 70, 2)
        colour = tuple(float(value) for value in drawn.uniform(40, 220, 3))
        cv2.rectangle(picture, (x, y), (x + int(size[0]), y + int(size[1])), colour, -1)
    fine = drawn.normal(0, 6, (HIGH, WIDE, 1))
    return np.clip(picture + fine, 0, 255).astype(np.uint8)


def rows() -> dict[str, Callable[[int], Leak]]:
    """Return every kind of leak, drawn by the number of the try."""

    def at(seed: int, length: int) -> range:
        begin = 7 + (seed * 53 + 31) % 200
        return range(begin, begin + length)

    return {
        "none: everything covered": lambda n: Leak("", range(0)),
        "bare for 1 frame": lambda n: Leak("", at(n, 1)),
        "bare for 3 frames": lambda n: Leak("", at(n, 3)),
        "bare for 7 frames": lambda n: Leak("", at(n, 7)),
        "bare for 28 frames": lambda n: Leak("", at(n, 28)),
        "bare for 1 frame, 24 px": lambda n: Leak("", at(n, 1), height=24),
        "bare for 1 frame, 18 px": lambda n: Leak("", at(n, 1), height=18),
        "in view for 1 frame": lambda n: Leak("", at(n, 1), in_view=at(n, 1)),
        "in view for 3 frames": lambda n: Leak("", at(n, 3), in_view=at(n, 3)),
        "in view for 6 frames": lambda n: Leak("", at(n, 6), in_view=at(n, 6)),
        "crosses at 20 widths a second": lambda n: Leak(
            "", at(n, 12), step=22, in_view=at(n, 12)
        ),
        "crosses at 40 widths a second": lambda n: Leak("", at(n, 8), step=44, in_view=at(n, 8)),
        "time stamps 20 times too dense, 7 frames": lambda n: Leak("", at(n, 7), rate=500),
        "time stamps 20 times too dense, 123 frames": lambda n: Leak("", at(n, 123), rate=500),
        "night (gain 0.12, noise 5), 28 frames": lambda n: Leak(
            "", at(n, 28), light=0.12, noise=5
        ),
        "night (gain 0.12, noise 5), 3 frames": lambda n: Leak("", at(n, 3), light=0.12, noise=5),
        "pan at 400 px a second, 3 frames": lambda n: Leak("", at(n, 3), pan=400),
        "pan at 800 px a second, 7 frames": lambda n: Leak("", at(n, 7), pan=800),
        "shake of 15 px, 1 frame": lambda n: Leak("", at(n, 1), shake=15),
        "combed, 7 frames": lambda n: Leak("", at(n, 7), combed=True, step=3),
        "upside down by display matrix, 3 frames": lambda n: Leak("", at(n, 3), turn="flagged"),
        "hung upside down, 64 frames": lambda n: Leak("", at(n, 64), turn="unflagged"),
        "hung upside down, all frames": lambda n: Leak("", range(FRAMES), turn="unflagged"),
        "head rolled by 135 degrees, all frames": lambda n: Leak("", range(FRAMES), roll=135),
        "5 frames a second, 1 frame": lambda n: Leak("", at(n, 1), rate=5, step=5),
    }  # fmt: skip


def write(path: Path, leak: Leak, person: Person, other: Person, seed: int) -> None:
    """Encode an output that leaks."""
    command = [FFMPEG, "-nostdin", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "bgr24"]
    command += ["-s", f"{WIDE}x{HIGH}", "-r", str(leak.rate), "-i", "-", "-c:v", "libx264"]
    command += ["-preset", "superfast", "-crf", "23", "-pix_fmt", "yuv420p", str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as program:
        assert program.stdin is not None
        for picture in leak.frames(person, other, seed):
            assert picture.shape == (HIGH, WIDE, 3)
            program.stdin.write(picture.tobytes())
        program.stdin.close()
    if leak.turn == "flagged":
        turned = path.with_name("turned.mp4")
        given = ["-display_rotation", "180", "-i", str(path)]
        subprocess.run(
            [FFMPEG, "-nostdin", "-v", "error", "-y", *given, "-c", "copy", str(turned)], check=True
        )
        turned.replace(path)


def judged(path: Path, every: float = 1.0) -> tuple[Verification, float]:
    """Verify an output; return what was found and the CPU seconds that it took."""
    before = resource.getrusage(resource.RUSAGE_SELF)
    *_, found = verify(path, every=every)
    after = resource.getrusage(resource.RUSAGE_SELF)
    assert isinstance(found, Verification)
    return found, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Draw, verify, and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", default="*")
    parser.add_argument("--tries", type=int, default=4)
    parser.add_argument("--every", type=float, default=1.0)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    cast = people()
    table: list[dict[str, Any]] = []
    print("| output | tries | passed | named | other alarms | CPU ms a frame |")
    print("|---|---|---|---|---|---|")
    for name, make in rows().items():
        if not fnmatch.fnmatch(name, asked.rows):
            continue
        row = {"row": name, "tries": asked.tries, "passed": 0, "named": 0, "alarms": 0, "cpu": 0.0}
        for seed in range(asked.tries):
            person, other = cast[seed * 3 % len(cast)], cast[(seed * 3 + 1) % len(cast)]
            with tempfile.TemporaryDirectory(prefix="blurcam-leaks-") as folder:
                path = Path(folder, "output.mp4")
                leak = make(seed)
                write(path, leak, person, other, seed)
                found, cpu = judged(path, asked.every)
            passed = (VerificationVerdict.PASS, VerificationVerdict.PASS_EMPTY)
            is_named = leak.is_caught(found)
            row["passed"] += found.verdict in passed
            row["named"] += is_named
            row["alarms"] += max(0, found.seen_count - is_named)
            row["cpu"] += cpu / FRAMES / asked.tries
        table.append(row)
        print(
            f"| {name} | {row['tries']} | {row['passed']} | {row['named']} | {row['alarms']} | "
            f"{1000 * row['cpu']:.1f} |",
            flush=True,
        )
    if asked.json:
        asked.json.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
