"""Feeds with a code painted on the face of every frame, and the search for these codes.

A code is a grid of light and dark cells, drawn anew for each frame: 144 bits, so that chance does
not find one. It is looked for in pictures (by an independent decoder, at every place where the feed
ever showed a face, for the code of every frame, so that late and repeated pictures are found too)
and in plain bytes: as decoded rows, as text, inside pictures and compressed parts of other files,
and as the coded packets of the input.
"""

from __future__ import annotations

import base64
import subprocess
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from tests.support.clips import FFMPEG, ffmpeg

CELLS, CELL = 12, 4
SIDE = CELLS * CELL
WIDTH, HEIGHT, RATE = 192, 128, 25
_DARK, _LIGHT = 50, 190
# Chroma of the painted face, by which the stand-in detector knows it: far from any background.
FACE_CB, FACE_CR = 90, 230
# How like a code a patch must be, and how strong in grey levels, to show it. Of 144 random cells
# one pair in 10^7 is as much alike; half a face that shines through is at 0.7.
_ALIKE, _STRONG = 0.45, 6.0


@dataclass(frozen=True, slots=True)
class Hit:
    """A code that was found where nothing of it may be."""

    artefact: str
    where: str
    code: int

    def __str__(self) -> str:
        return f"{self.artefact}: shows the face of frame {self.code} ({self.where})"


@dataclass(frozen=True)
class Feed:
    """A recording with a code on the face of every frame.

    ``frames`` is how many can be decoded, ``codes`` are (frames, 12, 12) of -1 and 1, ``places``
    the upper left corners of the faces.
    """

    path: Path
    frames: int
    seed: int = 1
    moves: int = 2

    @cached_property
    def codes(self) -> NDArray[np.float64]:
        return np.random.default_rng(self.seed).choice([-1.0, 1.0], (self.frames, CELLS, CELLS))

    @cached_property
    def places(self) -> list[tuple[int, int]]:
        return [(16 + self.moves * seq, 36 + seq % 3) for seq in range(self.frames)]

    def picture(self, seq: int) -> tuple[NDArray[np.uint8], ...]:
        """Return the planes of a frame, 4:2:0."""
        rng = np.random.default_rng(1000 + self.seed)
        scenery = cv2.resize(
            rng.integers(90, 160, (HEIGHT // 16, WIDTH // 16)).astype(np.uint8), (WIDTH, HEIGHT)
        )
        luma = np.asarray(scenery, np.uint8)
        luma[:4] = seq * 3 % 200 + 20
        chroma = [np.full((HEIGHT // 2, WIDTH // 2), 128, np.uint8) for _ in range(2)]
        x, y = self.places[seq]
        luma[y : y + SIDE, x : x + SIDE] = self.face(seq)
        for plane, level in zip(chroma, (FACE_CB, FACE_CR), strict=True):
            plane[y // 2 : (y + SIDE) // 2, x // 2 : (x + SIDE) // 2] = level
        return luma, *chroma

    def face(self, seq: int) -> NDArray[np.uint8]:
        """Return the painted face."""
        levels = np.where(self.codes[seq] > 0, _LIGHT, _DARK).astype(np.uint8)
        return np.kron(levels, np.ones((CELL, CELL), np.uint8))

    @cached_property
    def needles(self) -> list[tuple[int, str, bytes]]:
        """Return what the codes are as bytes: rows of samples, of pixels, and as text."""
        found = []
        for seq in range(self.frames):
            for row in self.face(seq)[CELL // 2 :: CELL * 3]:
                raw = row.tobytes()
                bgr = np.repeat(row, 3).tobytes()
                found += [(seq, "raw samples", raw), (seq, "raw pixels", bgr)]
                found += [(seq, "hexadecimal", raw.hex().encode())]
                found += [
                    (seq, "base64", base64.b64encode(raw[shift:])[: 4 * (SIDE - shift) // 3 - 4])
                    for shift in range(3)
                ]
                found += [(seq, "numbers", sep.join(map(str, row[:16])).encode())
                          for sep in (" ", ", ", ",")]  # fmt: skip
        return found

    @cached_property
    def packets(self) -> list[tuple[int, str, bytes]]:
        """Return a piece of each coded picture of the input."""
        return [
            (seq, "coded input", piece) for seq, piece in enumerate(_pieces(self.path)) if piece
        ]


_PORTRAIT = Path(__file__).parent.parent.parent / "blurcam" / "detect" / "known-face.jpg"
_WOVEN = 22


@dataclass(frozen=True)
class WovenFeed(Feed):
    """A feed with the code woven, faintly, into a face that the real detectors find."""

    @cached_property
    def places(self) -> list[tuple[int, int]]:
        return [(40 + self.moves * seq, 40) for seq in range(self.frames)]

    def picture(self, seq: int) -> tuple[NDArray[np.uint8], ...]:
        luma, *chroma = super().picture(seq)
        (x, y), portrait = self.places[seq], self._portrait
        rows, columns = portrait.shape
        luma[y - 26 : y - 26 + rows, x - 27 : x - 27 + columns] = portrait
        luma[y : y + SIDE, x : x + SIDE] = self.face(seq)
        for plane in chroma:
            plane[:] = 128
        return luma, *chroma

    def face(self, seq: int) -> NDArray[np.uint8]:
        code = np.kron(self.codes[seq], np.ones((CELL, CELL)))
        face = self._portrait[26 : 26 + SIDE, 27 : 27 + SIDE] + _WOVEN * code
        return np.clip(np.rint(face), 0, 255).astype(np.uint8)

    @cached_property
    def _portrait(self) -> NDArray[np.uint8]:
        whole = cv2.imread(str(_PORTRAIT), cv2.IMREAD_GRAYSCALE)
        assert whole is not None
        # The face is at 52..120, 46..121: see blurcam.detect.selftest.
        return np.asarray(whole[34:146, 35:137], np.uint8)


def _pieces(path: Path) -> Iterator[bytes]:
    """Yield 24 bytes from the middle of each coded picture, read by FFmpeg."""
    command = [FFMPEG, "-nostdin", "-v", "error", "-i", str(path), "-map", "0:v:0", "-c", "copy"]
    sizes = subprocess.run(
        [*command, "-f", "framecrc", "-"], capture_output=True, timeout=60, check=False
    )
    whole = subprocess.run([*command, "-f", "data", "-"], capture_output=True, timeout=60).stdout
    start = 0
    for line in sizes.stdout.decode().splitlines():
        if not line.startswith("#"):
            size = int(line.split(",")[4])
            middle = start + size // 2
            yield whole[middle : middle + 24] if size > 64 else b""
            start += size


def make_feed(
    path: Path,
    frames: int,
    *,
    seed: int = 1,
    moves: int = 2,
    kind: type[Feed] = Feed,
    options: Sequence[object] = ("-c:v", "libx264", "-preset", "fast", "-qp", "0", "-g", "5"),
) -> Feed:
    """Paint a feed and encode it, without loss unless asked otherwise."""
    feed = kind(path, frames, seed, moves)
    raw = path.with_suffix(".yuv")
    with raw.open("wb") as file:
        for seq in range(frames):
            for plane in feed.picture(seq):
                file.write(plane.tobytes())
    ffmpeg("-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", f"{WIDTH}x{HEIGHT}", "-r", RATE,
           "-i", raw, *options, path)  # fmt: skip
    raw.unlink()
    return feed


def decoded(path: Path) -> NDArray[np.uint8]:
    """Return the luma of all frames that an independent decoder finds, at the feed's size."""
    command = [FFMPEG, "-nostdin", "-v", "quiet", "-noautorotate", "-i", str(path)]
    command += ["-map", "0:v:0", "-fps_mode", "passthrough", "-vf"]
    command += [f"scale={WIDTH}:{HEIGHT}:flags=area,format=yuv420p,extractplanes=y"]
    done = subprocess.run(
        [*command, "-f", "rawvideo", "-"], capture_output=True, timeout=60, check=False
    )
    whole = len(done.stdout) // (WIDTH * HEIGHT) * WIDTH * HEIGHT
    return np.frombuffer(done.stdout[:whole], np.uint8).reshape(-1, HEIGHT, WIDTH)


def shown(feed: Feed, pictures: NDArray[np.uint8]) -> list[tuple[int, int, float]]:
    """Return ``(picture, code, likeness)`` for every code that a picture shows."""
    if not len(pictures):
        return []
    codes = _sharp(feed.codes)
    strength = np.sqrt((codes**2).sum(1))
    found = []
    cells = np.stack(
        [
            pictures[:, y : y + SIDE, x : x + SIDE]
            .reshape(-1, CELLS, CELL, CELLS, CELL)
            .mean((2, 4))
            for x, y in sorted(set(feed.places))
        ],
        1,
    )
    sharp = _sharp(cells.reshape(-1, CELLS, CELLS))
    norm = np.sqrt((sharp**2).sum(1))
    product = sharp @ codes.T
    alike = product / np.maximum(norm[:, None] * strength, 1e-9)
    strong = product / (strength**2)
    for row, code in np.argwhere((alike > _ALIKE) & (strong > _STRONG)):
        found.append((int(row) // cells.shape[1], int(code), float(alike[row, code])))
    return found


def _sharp(cells: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return cells less what is around them, so that smooth shading is like no code."""
    smooth = np.stack([cv2.blur(each, (3, 3)) for each in cells.astype(np.float64)])
    return (cells - smooth).reshape(len(cells), -1)


def hits(feed: Feed, artefacts: Iterator[tuple[str, bytes | Path]]) -> list[Hit]:
    """Search everything that was left behind: files by decoder and bytes, texts by bytes."""
    found = []
    for name, what in artefacts:
        content = what.read_bytes() if isinstance(what, Path) else what
        for code, kind, needle in feed.needles + feed.packets:
            at = content.find(needle)
            if at >= 0:
                found.append(Hit(name, f"{kind} at byte {at}", code))
        for label, part in _inner(content):
            found += [Hit(name, f"{label}, likeness {like:.2f}", code)
                      for _, code, like in shown(feed, part)]  # fmt: skip
        if isinstance(what, Path) and len(content) > 64:
            found += [Hit(name, f"decoded picture {n}, likeness {like:.2f}", code)
                      for n, code, like in shown(feed, decoded(what))]  # fmt: skip
    return found


def _inner(content: bytes) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    """Yield pictures hidden in bytes: JPEG, PNG, and planes compressed by zlib."""
    for kind, magic in (("JPEG", b"\xff\xd8\xff"), ("PNG", b"\x89PNG\r\n")):
        at = content.find(magic)
        while at >= 0:
            coded = np.frombuffer(content[at:], np.uint8)
            picture = cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE)
            if picture is not None and min(picture.shape) >= 16:
                scaled = cv2.resize(picture, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
                yield f"{kind} at byte {at}", np.asarray(scaled, np.uint8)[None]
            at = content.find(magic, at + 1)
    for magic in (b"\x78\x9c", b"\x78\x01", b"\x78\xda"):
        at = content.find(magic)
        while at >= 0:
            try:
                plain = zlib.decompressobj().decompress(content[at:], 1 << 22)
            except zlib.error:
                plain = b""
            count = len(plain) // (WIDTH * HEIGHT)
            if count:
                planes = np.frombuffer(plain[: count * WIDTH * HEIGHT], np.uint8)
                yield f"zlib at byte {at}", planes.reshape(-1, HEIGHT, WIDTH)
            at = content.find(magic, at + 1)
