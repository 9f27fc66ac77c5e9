"""The statuses as Prometheus metrics, described in docs/reference/metrics.md."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal, get_args

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

from blurcam import __version__
from blurcam.media.clock import Clock
from blurcam.runtime.status import Board, CameraStatus, OutputStatus, Overload, State, Storage
from blurcam.serve.camera_health import CameraHealth, judge

Values = Iterator[tuple[tuple[str, ...], float | None]]


@dataclass(frozen=True, slots=True)
class Definition:
    """One metric: its name, kind, meaning, labels besides the camera's, and its reader.

    ``read`` yields label values and the figure; figures that are ``None`` are not exported.
    """

    name: str
    kind: Literal["counter", "gauge"]
    help: str
    labels: tuple[str, ...]
    read: Callable[[CameraStatus, float], Values]


def _one(read: Callable[[CameraStatus], float | None]) -> Callable[[CameraStatus, float], Values]:
    return lambda status, now: iter([((), read(status))])


def _redacting(status: CameraStatus, now: float) -> Values:
    yield (), float(judge(status, now).is_redacting)


def _kept(read: Callable[[CameraHealth], bool | None]) -> Callable[[CameraStatus, float], Values]:
    def values(status: CameraStatus, now: float) -> Values:
        answer = read(judge(status, now))
        yield (), None if answer is None else float(answer)

    return values


def _age(status: CameraStatus, now: float) -> Values:
    if status.last_detection is not None:
        yield (), max(0.0, now - status.last_detection)


def _states(status: CameraStatus, now: float) -> Values:
    del now
    for state in get_args(State):
        yield (state,), float(state == status.state)


def _overload(status: CameraStatus, now: float) -> Values:
    del now
    for step in get_args(Overload):
        yield (step,), float(step == status.overload)


def _latency(status: CameraStatus, now: float) -> Values:
    del now
    yield ("0.5",), status.latency_p50
    yield ("0.99",), status.latency_p99


def _each(
    read: Callable[[CameraStatus], Mapping[str, float]],
) -> Callable[[CameraStatus, float], Values]:
    return lambda status, now: (((key,), value) for key, value in read(status).items())


def _outputs(
    read: Callable[[OutputStatus], float | None],
) -> Callable[[CameraStatus, float], Values]:
    return lambda status, now: (((each.name,), read(each)) for each in status.outputs)


def _stored(read: Callable[[Storage], float | None]) -> Callable[[CameraStatus, float], Values]:
    return _outputs(lambda output: read(output.storage) if output.storage else None)


DEFINITIONS: Final = (
    Definition(
        "camera_redacting",
        "gauge",
        "1 while the camera is live and its detector answered within the last 5 seconds; else 0.",
        (),
        _redacting,
    ),
    Definition(
        "camera_recording",
        "gauge",
        "1 while what the camera sees is recorded, else 0; absent where nothing is to be.",
        (),
        _kept(lambda health: health.is_recording),
    ),
    Definition(
        "camera_publishing",
        "gauge",
        "1 while what the camera sees is published, else 0; absent where nothing is to be.",
        (),
        _kept(lambda health: health.is_publishing),
    ),
    Definition("camera_state", "gauge", "1 for the state the camera is in.", ("state",), _states),
    Definition(
        "camera_state_since_timestamp_seconds",
        "gauge",
        "When the camera's state began.",
        (),
        _one(lambda status: status.since),
    ),
    Definition(
        "last_detection_age_seconds",
        "gauge",
        "Time since the detector last answered; absent until it first has.",
        (),
        _age,
    ),
    Definition(
        "frames_in", "counter", "Frames decoded.", (), _one(lambda status: status.frames_in)
    ),
    Definition(
        "frames_redacted",
        "counter",
        "Frames that left with their faces covered.",
        (),
        _one(lambda status: status.redacted),
    ),
    Definition(
        "frames_covered_whole",
        "counter",
        "Frames that were fully covered, by the reason written on them.",
        ("reason",),
        _each(lambda status: status.covered_whole),
    ),
    Definition(
        "frames_dropped",
        "counter",
        "Frames left out before the search, which was too slow.",
        (),
        _one(lambda status: status.dropped),
    ),
    Definition(
        "frames_frozen",
        "counter",
        "Frames in whose place the last redacted frame was shown again.",
        (),
        _one(lambda status: status.frozen),
    ),
    Definition("faces", "gauge", "Faces covered on the newest frame.", (), _one(lambda s: s.faces)),
    Definition("tracks", "counter", "Tracks of faces so far.", (), _one(lambda s: s.tracks)),
    Definition(
        "smallest_face_pixels",
        "gauge",
        "Height of the smallest face that can be found now.",
        (),
        _one(lambda status: status.smallest_face),
    ),
    Definition(
        "planned_face_pixels",
        "gauge",
        "Height of the smallest face that must be found (plan_for).",
        (),
        _one(lambda status: status.plan_for),
    ),
    Definition(
        "overload",
        "gauge",
        "1 for what overload takes now: nothing, the rate of searches, their resolution, frames.",
        ("step",),
        _overload,
    ),
    Definition(
        "latency_seconds",
        "gauge",
        "From a frame's arrival to the encoder, redacted; over the last half minute.",
        ("quantile",),
        _latency,
    ),
    Definition(
        "queue_fill_ratio",
        "gauge",
        "How full the fullest buffer is, 0 to 1.",
        (),
        _one(lambda status: status.queue_fill),
    ),
    Definition(
        "stage_seconds",
        "gauge",
        "Time that a stage takes for a frame; of detect, waiting for the answer.",
        ("stage",),
        _each(lambda status: status.stages),
    ),
    Definition(
        "reconnects",
        "counter",
        "Connections begun anew, by reason.",
        ("reason",),
        _each(lambda status: status.reconnects),
    ),
    Definition(
        "packet_loss",
        "counter",
        "Packets known to be lost on the way here.",
        (),
        _one(lambda status: status.packet_loss),
    ),
    Definition(
        "output_up",
        "gauge",
        "1 while the output takes frames.",
        ("output",),
        _outputs(lambda output: float(output.up)),
    ),
    Definition(
        "output_bytes",
        "counter",
        "Bytes handed to the output.",
        ("output",),
        _outputs(lambda output: output.bytes),
    ),
    Definition(
        "storage_kept_bytes",
        "gauge",
        "Bytes that a recorder keeps on disk.",
        ("output",),
        _stored(lambda storage: storage.kept),
    ),
    Definition(
        "storage_free_bytes",
        "gauge",
        "Bytes free where a recorder writes.",
        ("output",),
        _stored(lambda storage: storage.free),
    ),
    Definition(
        "storage_oldest_timestamp_seconds",
        "gauge",
        "When the oldest recording that is kept began.",
        ("output",),
        _stored(lambda storage: storage.oldest),
    ),
)
"""Every metric but ``blurcam_build_info``; each has the label ``camera`` before its own."""


class _Cameras(Collector):
    """Makes the metrics from the statuses at the time of each fetch."""

    def __init__(self, board: Board, clock: Clock) -> None:
        self._board = board
        self._clock = clock

    def collect(self) -> Iterator[Metric]:
        """Yield every metric with a sample for each camera."""
        build = GaugeMetricFamily("blurcam_build_info", "The version.", labels=("version",))
        build.add_metric((__version__,), 1)
        yield build
        statuses, now = self._board.statuses(), self._clock.wall()
        for each in DEFINITIONS:
            family = _FAMILIES[each.kind](
                f"blurcam_{each.name}", each.help, labels=("camera", *each.labels)
            )
            for status in statuses:
                for labels, value in each.read(status, now):
                    if value is not None:
                        family.add_metric((status.name, *labels), value)
            yield family


_FAMILIES: Final = {"counter": CounterMetricFamily, "gauge": GaugeMetricFamily}


class Metrics:
    """The text that Prometheus fetches."""

    content_type: Final = "text/plain; version=0.0.4; charset=utf-8"

    def __init__(self, board: Board, clock: Clock) -> None:
        """Read ``board`` on every fetch, with a registry that has nothing else."""
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(_Cameras(board, clock))

    def text(self) -> bytes:
        """Return the metrics in Prometheus' text format."""
        return generate_latest(self._registry)
