"""Paths under test: ways to send a feed through blurcam, and all that each leaves behind.

A path runs the real command, with a fault, in a process of its own, and collects every artefact:
files of any name, standard output and error, and whatever else it answers (HTTP bodies, logs).
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from tests.clips import ffmpeg
from tests.proof.canary import Feed
from tests.proof.faults import Fault
from tests.proof.zygote import End, Order, Pool


@dataclass(frozen=True, slots=True)
class Attempt:
    """One run of a path: how it ended, and where everything lies that it left behind.

    ``output`` is the final name, ``counts`` the summary, ``None`` where there is none. ``answers``
    are what was said other than by files, by name. ``heard``: standard error could be
    written to; ``named``: having failed, it may have given a complete output its name.
    """

    path: str
    kind: str
    at: int
    feed: Feed
    end: End
    struck: bool
    codes: frozenset[int]
    covers: bool
    named: bool
    folder: Path
    output: Path
    input: Path
    stderr: bytes
    counts: dict[str, Any] | None
    heard: bool = True
    answers: dict[str, bytes] = field(default_factory=dict)

    def artefacts(self) -> Iterator[tuple[str, bytes | Path]]:
        """Yield everything that was left behind, but the input."""
        yield "standard error", self.stderr
        yield from self.answers.items()
        for path in sorted(self.folder.parent.rglob("*")):
            if path.is_file() and not path.is_symlink() and path != self.input:
                yield path.name, path

    def __str__(self) -> str:
        return f"{self.path}: {self.kind} at {self.at}"


class PathUnderTest(Protocol):
    """A way through blurcam that faults can be injected into."""

    name: str

    def attempt(
        self, pool: Pool, feed: Feed, fault: Fault, at: int, breaks: Sequence[str], room: Path
    ) -> Attempt:
        """Run it once in the empty folder ``room``."""


class Run:
    """``blurcam run``: one recording to one file."""

    name = "run"

    def __init__(self, suffix: str = ".mp4", argv: Sequence[str] = ()) -> None:
        self.suffix = suffix
        self.argv = argv

    def attempt(
        self, pool: Pool, feed: Feed, fault: Fault, at: int, breaks: Sequence[str], room: Path
    ) -> Attempt:
        """Run it once in the empty folder ``room``."""
        inputs, folder, temporary = room / "in", room / "left" / "out", room / "left" / "tmp"
        for each in (inputs, folder, temporary):
            each.mkdir(parents=True)
        given = inputs / f"feed{feed.path.suffix}"
        shutil.copy(feed.path, given)
        if fault.spoil is not None:
            given = spoiled(feed, fault.spoil, at, given)
        output, summary = folder / f"redacted{self.suffix}", folder / "summary.json"
        argv = ["run", given, output, "--summary", summary, "--regions", folder / "regions.jsonl"]
        stderr = room / "stderr"
        end = pool.run(
            Order(
                argv=[*map(str, argv), "--lead", "0.2", "--hold", "0.2", "--bridge", "0.2",
                      "--preset", "ultrafast", *self.argv, *fault.argv],
                stderr=fault.stderr or str(stderr),
                fault=fault.kind,
                at=at,
                breaks=list(breaks),
                oracle=not fault.real,
                env={"PROOF_INPUT": str(inputs), "PROOF_OUTPUT": str(folder.parent),
                     "TMPDIR": str(temporary)},
                signals=[(after * (1 + at / 4), number) for after, number in fault.signals],
                limits=fault.limits,
            )
        )  # fmt: skip
        for moved in folder.parent.glob("moved/redacted*"):
            output = moved
        return Attempt(
            path=self.name,
            kind=fault.kind,
            at=at,
            feed=feed,
            end=end,
            struck=end.fired or bool(fault.spoil or fault.limits or fault.signals or fault.stderr),
            codes=fault.codes,
            covers=fault.covers,
            named=fault.named,
            folder=folder,
            output=output,
            input=given,
            stderr=stderr.read_bytes() if stderr.exists() else b"",
            counts=_summary(summary),
            heard=fault.stderr is None,
        )


def _summary(path: Path) -> dict[str, Any] | None:
    try:
        counts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return counts


def spoiled(feed: Feed, how: str, at: int, given: Path) -> Path:
    """Spoil the copy of a feed that a run is given; return its path."""
    if how == "flipped":
        content = bytearray(given.read_bytes())
        seq, _, piece = feed.packets[at % len(feed.packets)]
        del seq
        start = content.find(piece)
        for offset in range(0, 24, 3):
            content[start + offset] ^= 0x55
        given.write_bytes(content)
    elif how == "cut":
        matroska = given.with_suffix(".mkv")
        ffmpeg("-i", given, "-c", "copy", matroska)
        given.unlink()
        os.truncate(matroska, matroska.stat().st_size * (at + 1) // 14)
        return matroska
    elif how in ("resized", "reformatted"):
        second = "scale=160:96" if how == "resized" else "format=yuv444p"
        changed = given.with_suffix(".ts")
        parts = []
        for name, span, kept in (("a", f"lt(n,{at})", "null"), ("b", f"gte(n,{at})", second)):
            part = given.with_name(f"{name}.h264")
            ffmpeg("-i", given, "-vf", f"select='{span}',{kept}", "-fps_mode", "passthrough",
                   "-c:v", "libx264", "-qp", "0", "-preset", "ultrafast", part)  # fmt: skip
            parts.append(part.read_bytes())
            part.unlink()
        joined = given.with_name("joined.h264")
        joined.write_bytes(b"".join(parts))
        ffmpeg("-f", "h264", "-r", "25", "-i", joined, "-c", "copy", changed)
        joined.unlink()
        given.unlink()
        return changed
    elif how == "jumped":
        changed = given.with_suffix(".nut")
        ffmpeg("-i", given, "-c", "copy", "-bsf:v", f"setts=ts=TS+gte(N\\,{at})*3600/TB", changed)
        given.unlink()
        return changed
    elif how == "stepped":
        # Two recordings one after the other in one file: the time of the second begins anew.
        changed = given.with_suffix(".ts")
        content = b""
        for span in (f"lt(n,{at})", f"gte(n,{at})"):
            ffmpeg("-i", given, "-fps_mode", "passthrough",
                   "-bf", "0", "-c:v", "libx264", "-qp", "0", "-preset", "ultrafast",
                   "-vf", f"select='{span}',setpts=N/25/TB", changed)  # fmt: skip
            content += changed.read_bytes()
        changed.write_bytes(content)
        given.unlink()
        return changed
    return given
