"""Paths under test: ways to send a feed through blurcam, and all that each leaves behind.

A path runs the real command, with a fault, in a process of its own, and collects every artefact:
files of any name, standard output and error, and whatever else it answers (HTTP bodies, logs).
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import socket
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from tests.proof.canary import Feed
from tests.proof.faults import FAULTS, Fault, faults_of, faults_of_review
from tests.proof.zygote import End, Order, Pool
from tests.support.clips import ffmpeg


@dataclass(frozen=True, slots=True)
class Attempt:
    """One run of a path: how it ended, and where everything lies that it left behind.

    ``output`` is the final name, ``counts`` the summary, ``None`` where there is none. ``answers``
    are what was said other than by files, by name. ``heard``: standard error could be
    written to; ``named``: having failed, it may have given a complete output its name.
    ``is_stream``: what is written is gone at once, so that a failed run leaves a part of it;
    ``ends_early``: an end that was asked for, before that of the feed, is a good end. ``usual`` are
    the names that may be left behind, by their beginning.
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
    is_stream: bool = False
    ends_early: bool = False
    usual: tuple[str, ...] = ("redacted.", "summary.json", "regions.jsonl", ".redacted.",
                              ".regions.jsonl.")  # fmt: skip

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
    faults: Mapping[str, Fault]
    # At which calls of its stage a fault strikes; none: at every one within its reach.
    calls: Sequence[int]

    def attempt(
        self, pool: Pool, feed: Feed, fault: Fault, at: int, breaks: Sequence[str], room: Path
    ) -> Attempt:
        """Run it once in the empty folder ``room``."""


QUICK = ("--lead", "0.2", "--hold", "0.2", "--bridge", "0.2", "--preset", "ultrafast")


@dataclass(frozen=True, slots=True)
class Room:
    """The folders of one attempt: what goes in, and all that may be left behind."""

    root: Path
    inputs: Path
    out: Path
    temporary: Path

    @classmethod
    def of(cls, root: Path) -> Room:
        """Make them."""
        made = cls(root, root / "in", root / "left" / "out", root / "left" / "tmp")
        for each in (made.inputs, made.out, made.temporary):
            each.mkdir(parents=True)
        return made

    @property
    def stderr(self) -> Path:
        return self.root / "stderr"

    @property
    def struck(self) -> Path:
        return self.root / "struck"

    def lay_in(self, feed: Feed, name: str) -> Path:
        """Return a copy of the feed among what goes in."""
        return Path(shutil.copy(feed.path, self.inputs / f"{name}{feed.path.suffix}"))

    def order(
        self, argv: Sequence[object], fault: Fault, at: int, breaks: Sequence[str], **more: Any
    ) -> Order:
        """Return what to run."""
        env = {"PROOF_INPUT": str(self.inputs), "PROOF_OUTPUT": str(self.out.parent),
               "PROOF_BOOKS": str(self.root), "TMPDIR": str(self.temporary)}  # fmt: skip
        return Order(
            argv=[*map(str, argv)],
            stderr=fault.stderr or str(self.stderr),
            fault=fault.kind,
            at=at,
            breaks=list(breaks),
            oracle=not fault.real,
            env=env,
            signals=[(after * (1 + at / 4), number) for after, number in fault.signals],
            limits=fault.limits,
            **more,
        )

    def attempt(self, path: str, feed: Feed, fault: Fault, at: int, end: End, output: Path,
                given: Path, counts: dict[str, Any] | None, **more: Any) -> Attempt:  # fmt: skip
        """Return what came of it."""
        by_itself = fault.spoil or fault.limits or fault.signals or fault.stderr
        return Attempt(
            path=path,
            kind=fault.kind,
            at=at,
            feed=feed,
            end=end,
            struck=end.fired or self.struck.exists() or bool(by_itself),
            codes=fault.codes,
            covers=fault.covers,
            named=fault.named,
            folder=self.out,
            output=output,
            input=given,
            stderr=self.stderr.read_bytes() if self.stderr.exists() else b"",
            counts=counts,
            heard=fault.stderr is None,
            **more,
        )


class Run:
    """``blurcam run``: one recording to one file."""

    name = "run"
    faults: Mapping[str, Fault] = FAULTS
    calls: Sequence[int] = ()

    def __init__(self, suffix: str = ".mp4", argv: Sequence[str] = ()) -> None:
        self.suffix = suffix
        self.argv = argv

    def attempt(
        self, pool: Pool, feed: Feed, fault: Fault, at: int, breaks: Sequence[str], room: Path
    ) -> Attempt:
        """Run it once in the empty folder ``room``."""
        folders = Room.of(room)
        given = folders.lay_in(feed, "feed")
        if fault.spoil is not None:
            given = spoiled(feed, fault.spoil, at, given)
        output, summary = folders.out / f"redacted{self.suffix}", folders.out / "summary.json"
        argv = ["run", given, output, "--summary", summary, "--regions",
                folders.out / "regions.jsonl", *QUICK, *self.argv, *fault.argv]  # fmt: skip
        end = pool.run(folders.order(argv, fault, at, breaks))
        for moved in folders.out.parent.glob("moved/redacted*"):
            output = moved
        return folders.attempt(self.name, feed, fault, at, end, output, given, _summary(summary))


class Pipe:
    """``blurcam pipe``: a stream on standard input to a stream on standard output."""

    name = "pipe"
    faults: Mapping[str, Fault] = faults_of("pipe")
    calls: Sequence[int] = (2, 9)

    def attempt(
        self, pool: Pool, feed: Feed, fault: Fault, at: int, breaks: Sequence[str], room: Path
    ) -> Attempt:
        """Run it once in the empty folder ``room``."""
        folders = Room.of(room)
        given = folders.inputs / "feed.ts"
        ffmpeg("-i", feed.path, "-c", "copy", given)
        output, summary = folders.out / "redacted.ts", folders.out / "summary.json"
        argv = ["pipe", "--summary", summary, "--regions", folders.out / "regions.jsonl",
                *QUICK, *fault.argv]  # fmt: skip
        order = folders.order(argv, fault, at, breaks, path=self.name, stdin=str(given),
                              stdout=str(output))  # fmt: skip
        end = pool.run(order)
        return folders.attempt(
            self.name, feed, fault, at, end, output, given, _summary(summary),
            is_stream=True, ends_early=fault.kind.startswith("SIG"),
        )  # fmt: skip


class Batch:
    """``blurcam batch``: a recording redacted by a worker of a job, which is tried twice."""

    name = "batch"
    faults: Mapping[str, Fault] = faults_of("batch")
    calls: Sequence[int] = (9,)

    def attempt(
        self, pool: Pool, feed: Feed, fault: Fault, at: int, breaks: Sequence[str], room: Path
    ) -> Attempt:
        """Run it once in the empty folder ``room``."""
        folders = Room.of(room)
        given = folders.lay_in(feed, "redacted")
        argv = ["batch", given, "--out", folders.out, "--jobs", 1, *QUICK, *fault.argv]
        order = folders.order(
            argv, fault, at, breaks, path=self.name, struck=str(folders.struck), patience=60.0
        )
        end = pool.run(order)
        return folders.attempt(
            self.name, feed, fault, at, end, folders.out / given.name, given,
            self._counts(folders.out),
            usual=("redacted.", "report.", "ledger.", "workers.log", "lock", "job", ".job"),
        )  # fmt: skip

    @staticmethod
    def _counts(out: Path) -> dict[str, Any] | None:
        """Return the summary that the ledger keeps of the recording, if it is done."""
        ledger = out / ".blurcam" / "ledger.sqlite3"
        if not ledger.exists():
            return None
        with closing(sqlite3.connect(ledger)) as db:
            kept = db.execute("SELECT state, summary FROM files").fetchone()
        return json.loads(kept[1]) if kept and kept[0] == "done" else None


class Serve:
    """``blurcam serve``: a camera in a process of its own, recorded, and shown on the page."""

    name = "serve"
    faults: Mapping[str, Fault] = faults_of("serve")
    calls: Sequence[int] = (3, 12)

    def attempt(
        self, pool: Pool, feed: Feed, fault: Fault, at: int, breaks: Sequence[str], room: Path
    ) -> Attempt:
        """Run it once in the empty folder ``room``."""
        folders = Room.of(room)
        given = folders.lay_in(feed, "feed")
        port = _free_port()
        options = dict(zip(fault.argv[::2], fault.argv[1::2], strict=True))
        cover = {"lead": options.get("--lead", "0.2"), "hold": options.get("--hold", "0.2")}
        (room / "cameras.yaml").write_text(
            f"cameras:\n  front:\n    source: {given}\n    loop: true\n"
            f"    lead: {cover['lead']}\n    hold: {cover['hold']}\n    outputs:\n"
            f"      - record: {folders.out}/redacted.%H-%M-%S.ts\n        segment: 1h\n"
            f"web:\n  port: {port}\n",
            encoding="utf-8",
        )
        order = folders.order(
            ["serve", "--config", room / "cameras.yaml"], fault, at, breaks, path=self.name,
            struck=str(folders.struck), patience=120.0,
        )  # fmt: skip
        with _visitor(port) as heard:
            end = pool.run(order)
        return folders.attempt(
            self.name, feed, fault, at, end, folders.out / "redacted.ts", given, None,
            answers={f"HTTP answer {n}": body for n, body in enumerate(sorted(heard))},
            # The lock of a process that was killed holds nothing and nobody up.
            usual=("redacted.", ".blurcam-"),
        )  # fmt: skip


class Review:
    """``blurcam review``: a page on which every frame is redacted as it is asked for."""

    name = "review"
    faults: Mapping[str, Fault] = faults_of_review()
    calls: Sequence[int] = (2,)

    def attempt(
        self, pool: Pool, feed: Feed, fault: Fault, at: int, breaks: Sequence[str], room: Path
    ) -> Attempt:
        """Redact the feed, then have all of it asked for; in the empty folder ``room``."""
        folders = Room.of(room)
        given = folders.lay_in(feed, "feed")
        output, summary = folders.out / "redacted.mp4", folders.out / "summary.json"
        regions = folders.out / "redacted.mp4.regions.jsonl"
        run = folders.order(["run", given, output, "--summary", summary, "--regions", regions,
                             *QUICK], fault, at, ())  # fmt: skip
        assert pool.run(replace(run, fault=None)).code == 0
        port = _free_port()
        argv = ["review", output, "--input", given, "--no-browser", "--port", port]
        order = folders.order(argv, fault, at, breaks, path=self.name, patience=90.0)
        env = order.env | {"BLURCAM_REVIEW_TOKEN": _TOKEN}
        with _reviewer(port, feed.frames) as heard:
            end = pool.run(replace(order, env=env))
        return folders.attempt(
            self.name, feed, fault, at, end, output, given, _summary(summary), answers=heard
        )


_TOKEN = "a-token-of-the-proof-0123456789"


@contextmanager
def _reviewer(port: int, frames: int) -> Iterator[dict[str, bytes]]:
    """Ask for everything that a review shows, then have it end; give the answers by their names."""
    heard: dict[str, bytes] = {}

    def ask(path: str, method: str = "GET", values: object = None) -> bytes:
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
            body = None if values is None else json.dumps(values)
            connection.request(method, path, body, {"Authorization": f"Bearer {_TOKEN}"})
            answer = connection.getresponse().read()
        heard[f"{method} {path} {len(heard)}"] = answer
        return answer

    def visit() -> None:
        while not heard:
            if over.is_set():  # it ended before it answered
                return
            with suppress(OSError, http.client.HTTPException):
                ask("/queue.json")
            over.wait(0.1)
        facts = json.loads(ask("/recordings/1/facts.json"))
        tracks = [each["track"] for each in facts["tracks"]]
        shape = {"op": "draw", "keys": [{"frame": 0, "box": [0, 0, 9, 9]}]}
        shown = [{"op": "spare", "track": track, "by": "nobody", "reason": "none",
                  "confirmed": True} for track in tracks]  # fmt: skip
        hidden = [{"op": "hide", "track": track, "note": "a lamp"} for track in tracks]
        for edits in ([], [shape], [shape, *shown], hidden):
            sent = ask("/recordings/1/draft", "PUT", {"edits": edits})
            draft = json.loads(sent)["draft"]
            for frame in (*range(frames), frames // 2):
                ask(f"/recordings/1/frames/{frame}.jpg?draft={draft}")
            ask(f"/recordings/1/frames/0.json?draft={draft}")
            for track in tracks:
                ask(f"/recordings/1/tracks/{track}.jpg?draft={draft}")
        ask("/queue.json?end=1")

    over = threading.Event()
    visiting = threading.Thread(target=visit)
    visiting.start()
    try:
        yield heard
    finally:
        over.set()
        visiting.join()


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


_PAGES = ("status.json", "cameras/front/still.jpg", "metrics", "history.json", "healthz", "")


@contextmanager
def _visitor(port: int) -> Iterator[set[bytes]]:
    """Ask for every page, over and over, while the block lasts; give all different answers."""
    heard: set[bytes] = set()
    over = threading.Event()

    def visit() -> None:
        while not over.wait(0.15):
            for page in _PAGES:
                with suppress(OSError, http.client.HTTPException):
                    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
                    with closing(connection):
                        connection.request("GET", f"/{page}")
                        heard.add(connection.getresponse().read())

    visiting = threading.Thread(target=visit)
    visiting.start()
    try:
        yield heard
    finally:
        over.set()
        visiting.join()


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
