"""How long each stage of a run works and waits: a stopwatch around the generators between them.

A chain of generators is a chain of calls: the stage that asks for a frame waits while every stage
above works for it. So a stage's time is that of its ``next`` without that of the ``next`` of its
own input. Every thread of the chain has a stopwatch of its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from blurcam.detect.detector import Answer, Detection, Detector
from blurcam.detect.sheets import Searchable
from blurcam.encode.encoder import RedactedPacket
from blurcam.redact.gate import RedactedFrame
from blurcam.runs.outputs import FrameEncoder, PacketSink

T = TypeVar("T")


@dataclass(slots=True)
class StageTime:
    """What one stage took: ``seconds`` by the clock, ``cpu`` seconds of its thread alone.

    What a codec or a detector does in threads of its own is in ``seconds``, as waiting.
    """

    seconds: float = 0.0
    cpu: float = 0.0


def _now() -> tuple[float, float]:
    return time.perf_counter(), time.thread_time()


class Stopwatch:
    """Times the stages of one thread, each without those that it calls."""

    def __init__(self, now: Callable[[], tuple[float, float]] = _now) -> None:
        """Start with nothing spent; ``now`` gives seconds by the clock, and of this thread."""
        self.spent: dict[str, StageTime] = {}
        self._now = now
        self._below = (0.0, 0.0)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Count what happens inside as time of the stage."""
        spent = self.spent.setdefault(name, StageTime())
        outer, self._below = self._below, (0.0, 0.0)
        began = self._now()
        try:
            yield
        finally:
            clock, cpu = (after - before for after, before in zip(self._now(), began, strict=True))
            spent.seconds += clock - self._below[0]
            spent.cpu += cpu - self._below[1]
            self._below = (outer[0] + clock, outer[1] + cpu)

    def timed(
        self, name: str, items: Iterable[T], count: Callable[[], None]
    ) -> Generator[T, None, None]:
        """Yield ``items``, counting the time that each took to come; ``count`` each."""
        iterator = iter(items)
        try:
            while True:
                with self.stage(name):
                    try:
                        item = next(iterator)
                    except StopIteration:
                        return
                count()
                yield item
        finally:
            close = getattr(iterator, "close", None)
            if close is not None:
                close()


@dataclass(slots=True)
class QueueFill:
    """How many items wait in a queue, looked at whenever one is taken.

    What its producer holds ready and has no room for counts too. Each count is written by one
    thread alone.
    """

    put: int = 0
    taken: int = 0
    waiting: int = 0

    def take(self) -> None:
        """Note that one was taken."""
        self.taken += 1
        self.waiting += max(0, self.put - self.taken)

    @property
    def mean(self) -> float:
        """How many others waited when one was taken, on average."""
        return self.waiting / max(1, self.taken)


class Untimed:
    """In place of :class:`Stages` where nobody asks: everything as it is."""

    def timed(self, name: str, items: Iterator[T]) -> Iterator[T]:
        """Return ``items``."""
        del name
        return items

    def detector(self, detector: Detector) -> Detector:
        """Return the detector."""
        return detector

    def encoder(self, encoder: FrameEncoder) -> FrameEncoder:
        """Return the encoder."""
        return encoder

    def sink(self, sink: PacketSink) -> PacketSink:
        """Return the sink."""
        return sink

    def values(self, frames: int) -> None:
        """Return nothing: nothing was timed."""
        del frames


# The stages in the order of the chain, and the thread that each is in. "wait" is for a decoded
# frame, "hand over" for room in front of the encoder, "detect" mostly for the detector's answer.
_THREADS: Final = {
    "decode": "reader",
    "wait": "main",
    "scan": "main",
    "detect": "main",
    "cover": "main",
    "redact": "main",
    "hand over": "main",
    "encode": "writer",
    "mux": "writer",
    "finish": "writer",
}


class Stages:
    """The stopwatches of a run, one a thread, and the queues between them."""

    def __init__(self) -> None:
        """Start with nothing spent."""
        self._watches = {thread: Stopwatch() for thread in ("reader", "main", "writer")}
        self._decoded, self._redacted = QueueFill(), QueueFill()

    def timed(self, name: str, items: Iterable[T]) -> Iterator[T]:
        """Yield ``items``, counting the time that the stage takes for them."""
        count = {"decode": self._put_decoded, "wait": self._decoded.take, "redact": self._put}
        return self.watch(name).timed(name, items, count.get(name, _nothing))

    def _put_decoded(self) -> None:
        self._decoded.put += 1

    def _put(self) -> None:
        self._redacted.put += 1

    def watch(self, name: str) -> Stopwatch:
        """Return the stopwatch of the thread that a stage is in."""
        return self._watches[_THREADS[name]]

    def detector(self, detector: Detector) -> Detector:
        """Return the detector, timed."""
        return TimedDetector(detector, self.watch("detect"))

    def encoder(self, encoder: FrameEncoder) -> FrameEncoder:
        """Return the encoder, timed."""
        return TimedEncoder(encoder, self.watch("encode"), self._redacted)

    def sink(self, sink: PacketSink) -> PacketSink:
        """Return the sink, timed."""
        return TimedSink(sink, self.watch("mux"))

    def seconds(self, names: Sequence[str]) -> dict[str, float]:
        """Return how many seconds by the clock these stages took so far, if they took any."""
        spent = {name: self.watch(name).spent.get(name) for name in names}
        return {name: each.seconds for name, each in spent.items() if each is not None}

    def values(self, frames: int) -> dict[str, Any]:
        """Return the breakdown under stable keys, as JSON takes it: seconds for each frame."""
        each = max(1, frames)
        spent = {
            name: {
                "thread": thread,
                "wall": round(self._watches[thread].spent[name].seconds / each, 7),
                "cpu": round(self._watches[thread].spent[name].cpu / each, 7),
            }
            for name, thread in _THREADS.items()
            if name in self._watches[thread].spent
        }
        fill = {"decoded": round(self._decoded.mean, 3), "redacted": round(self._redacted.mean, 3)}
        return {"seconds_per_frame": spent, "queue_fill": fill}


Timing = Stages | Untimed
"""What may time a run."""


def _nothing() -> None:
    """Count nothing."""


class TimedDetector:
    """A detector whose work and whose answers are timed as the stage ``detect``."""

    def __init__(self, detector: Detector, watch: Stopwatch) -> None:
        """Take over the detector."""
        self._detector = detector
        self._watch = watch
        self.name = detector.name
        self.threshold = detector.threshold
        self.smallest_face = detector.smallest_face

    def start(self, views: Sequence[Searchable]) -> Answer:
        """Begin to search."""
        with self._watch.stage("detect"):
            return _TimedAnswer(self._detector.start(views), self._watch)

    def close(self) -> None:
        """Release the detector."""
        self._detector.close()


@dataclass(frozen=True, slots=True)
class _TimedAnswer:
    answer: Answer
    watch: Stopwatch

    @property
    def is_ready(self) -> bool:
        return self.answer.is_ready

    def wait(self, timeout: float) -> tuple[Detection, ...]:
        with self.watch.stage("detect"):
            return self.answer.wait(timeout)


class TimedEncoder:
    """An encoder whose work is timed as the stage ``encode``."""

    def __init__(self, encoder: FrameEncoder, watch: Stopwatch, fill: QueueFill) -> None:
        """Wrap the encoder, which the caller closes; ``fill`` is the queue before it."""
        self._encoder = encoder
        self._watch = watch
        self._fill = fill

    def encode(self, frame: RedactedFrame, pts: int | None = None) -> Iterator[RedactedPacket]:
        """Yield the packets that are ready."""
        self._fill.take()
        yield from self._watch.timed("encode", self._encoder.encode(frame, pts), _nothing)

    def flush(self) -> Iterator[RedactedPacket]:
        """Yield what is left."""
        yield from self._watch.timed("encode", self._encoder.flush(), _nothing)


class TimedSink:
    """A sink whose work is timed as the stages ``mux`` and ``finish``."""

    def __init__(self, sink: PacketSink, watch: Stopwatch) -> None:
        """Wrap the sink, which the caller closes."""
        self._sink = sink
        self._watch = watch

    def write(self, packet: RedactedPacket) -> None:
        """Write one packet."""
        with self._watch.stage("mux"):
            self._sink.write(packet)

    def finish(self) -> None:
        """Complete the output and publish it."""
        with self._watch.stage("finish"):
            self._sink.finish()

    def close(self) -> None:
        """Release the sink."""
        self._sink.close()
