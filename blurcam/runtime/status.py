"""What a camera is doing right now, as values: the joint of service, page, health and metrics."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal, NoReturn, Protocol, TypeVar, cast, get_args

State = Literal["starting", "live", "lost", "backoff", "refused", "restarting", "stopped"]
"""What a camera is up to.

``starting``: connecting, or the detector has not answered yet. ``live``: redacted pictures leave.
``lost``: the connection stands but packets are known lost or none come, and ``on_loss`` rules.
``backoff``: between two attempts. ``refused``: the camera said 401 or 403, and is left alone for
a minute and more. ``restarting``: its process is being replaced, as was asked or for new settings.
``stopped``: on purpose.
"""

Overload = Literal["none", "rhythm", "resolution", "frames"]
"""What overload takes from a camera: longer between looks, coarser looks too, whole frames too."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """What a recording output keeps: bytes on disk, bytes free there, its oldest picture's time.

    ``oldest`` is in seconds since 1970, ``None`` where nothing is kept yet.
    """

    kept: int
    free: int
    oldest: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputStatus:
    """One output of a camera. ``error`` says in one line why it is not ``up``, secrets masked.

    ``bytes`` is how much was handed to it; ``storage`` is ``None`` unless it keeps recordings.
    """

    name: str
    up: bool
    error: str | None = None
    bytes: int = 0
    storage: Storage | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraStatus:
    """What one camera is doing, and what has happened to its frames.

    Times are seconds since 1970, durations seconds. Counters never step back, unless the camera's
    process was replaced, when they may begin at 0 again (as Prometheus counters may).

    ``since`` is when ``state`` began; ``next_try`` when the next attempt is due in ``backoff`` and
    ``refused``. ``frames_in`` = ``redacted`` + ``covered_whole`` (by the text painted on the
    frame, :class:`~blurcam.media.regions.Reason`'s value) + ``dropped`` + ``frozen`` + what is on
    its way. ``faces`` are covered on the newest frame, ``tracks`` have been followed so far.
    ``last_detection`` is when the detector last answered, ``None`` if it never has.
    ``smallest_face`` is the height in pixels of the smallest face that can be seen now,
    ``plan_for`` the one that must be; ``overload`` says what overload takes. Latency is from a
    frame's arrival to its leaving, over the last half minute. ``queue_fill`` is the fullest
    buffer, 0 to 1; ``stages`` the seconds that each stage takes for a frame; ``reconnects`` are
    counted by reason; ``packet_loss`` is in packets. ``last_error`` is one line with secrets
    masked.
    """

    name: str
    state: State
    since: float
    next_try: float | None = None
    frames_in: int = 0
    redacted: int = 0
    covered_whole: dict[str, int] = field(default_factory=dict)
    dropped: int = 0
    frozen: int = 0
    faces: int = 0
    tracks: int = 0
    last_detection: float | None = None
    smallest_face: float | None = None
    plan_for: float | None = None
    overload: Overload = "none"
    latency_p50: float | None = None
    latency_p99: float | None = None
    queue_fill: float = 0.0
    stages: dict[str, float] = field(default_factory=dict)
    reconnects: dict[str, int] = field(default_factory=dict)
    packet_loss: int = 0
    outputs: tuple[OutputStatus, ...] = ()
    last_error: str | None = None

    def __post_init__(self) -> None:
        """Refuse what no camera can be doing."""
        if not self.name:
            raise ValueError("status: a camera has a name")
        if self.state not in get_args(State):
            raise ValueError(f'status: there is no state "{self.state}"')
        if self.overload not in get_args(Overload):
            raise ValueError(f'status: there is no overload "{self.overload}"')
        if not 0 <= self.queue_fill <= 1:
            raise ValueError(f"status: queue_fill {self.queue_fill:g} is not between 0 and 1")

    def to_json(self) -> str:
        """Return the status as one line of JSON."""
        return json.dumps(asdict(self), allow_nan=False)

    @classmethod
    def from_json(cls, text: str | bytes) -> CameraStatus:
        """Read what :meth:`to_json` wrote.

        Raises ValueError, naming the key, where one is unknown, missing or of the wrong kind.
        """
        return _built(cls, json.loads(text, parse_constant=_not_finite), "status")


class Board(Protocol):
    """Where the page finds the cameras. Every method answers at once, from any thread."""

    def statuses(self) -> tuple[CameraStatus, ...]:
        """Return what every camera is doing, in the order of the configuration."""

    def still(self, name: str) -> bytes | None:
        """Return a JPEG made from the camera's newest RedactedFrame; ``None`` if there is none."""

    def restart(self, name: str) -> None:
        """Have the camera's process replaced; KeyError if no camera has this name."""


def _not_finite(text: str) -> NoReturn:
    raise ValueError(f"status: {text} is not a finite number")


def _built(cls: type[T], values: object, where: str) -> T:
    """Make the dataclass from exactly its keys."""
    if not isinstance(values, dict):
        raise ValueError(f"{where}: not a JSON object")
    names = [each.name for each in fields(cast(Any, cls))]
    for key in values:
        if key not in names:
            raise ValueError(f'{where}: unknown key "{key}"')
    for name in names:
        if name not in values:
            raise ValueError(f'{where}: key "{name}" is missing')
    return cls(**{name: _KINDS[name](values[name], f"{where}.{name}") for name in names})


def _text(value: object, where: str) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{where}: not a text")
    return value


def _flag(value: object, where: str) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{where}: neither true nor false")
    return value


def _count(value: object, where: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"{where}: not a count")
    return value


def _number(value: object, where: str) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        raise ValueError(f"{where}: not a number")
    return value


def _or_none(read: Callable[[object, str], T]) -> Callable[[object, str], T | None]:
    return lambda value, where: None if value is None else read(value, where)


def _by_name(read: Callable[[object, str], T]) -> Callable[[object, str], dict[str, T]]:
    def named(value: object, where: str) -> dict[str, T]:
        if not isinstance(value, dict):
            raise ValueError(f"{where}: not a JSON object")
        return {key: read(each, f"{where}.{key}") for key, each in value.items()}

    return named


def _outputs(value: object, where: str) -> tuple[OutputStatus, ...]:
    if not isinstance(value, list):
        raise ValueError(f"{where}: not a list")
    return tuple(_built(OutputStatus, each, f"{where}[{n}]") for n, each in enumerate(value))


def _storage(value: object, where: str) -> Storage:
    return _built(Storage, value, where)


_KINDS: dict[str, Callable[[object, str], object]] = {
    **dict.fromkeys(("name", "state", "overload"), _text),
    **dict.fromkeys(("error", "last_error"), _or_none(_text)),
    "up": _flag,
    **dict.fromkeys(("frames_in", "redacted", "dropped", "frozen"), _count),
    **dict.fromkeys(("faces", "tracks", "packet_loss", "bytes", "kept", "free"), _count),
    **dict.fromkeys(("covered_whole", "reconnects"), _by_name(_count)),
    **dict.fromkeys(("since", "queue_fill"), _number),
    **dict.fromkeys(("next_try", "last_detection", "oldest"), _or_none(_number)),
    **dict.fromkeys(("smallest_face", "plan_for"), _or_none(_number)),
    **dict.fromkeys(("latency_p50", "latency_p99"), _or_none(_number)),
    "stages": _by_name(_number),
    "outputs": _outputs,
    "storage": _or_none(_storage),
}
