"""What a camera is doing right now, as values: the joint of service, page, health and metrics."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields
from typing import Annotated, Any, ClassVar, Final, Literal, Protocol, get_args

from pydantic import Field, Strict

from blurcam.runtime.json_values import from_json, to_json

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

Count = Annotated[int, Strict(), Field(ge=0)]

# What pydantic checks where a status is read: exactly these keys, and numbers that are finite.
_EXACT: Final[dict[str, Any]] = {"extra": "forbid", "allow_inf_nan": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """What a recording output keeps: bytes on disk, bytes free there, its oldest picture's time.

    ``oldest`` is in seconds since 1970, ``None`` where nothing is kept yet.
    """

    __pydantic_config__: ClassVar = _EXACT

    kept: Count
    free: Count
    oldest: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputStatus:
    """One output of a camera. ``error`` says in one line why it is not ``up``, secrets masked.

    ``bytes`` is how much was handed to it; ``storage`` is ``None`` unless it keeps recordings.
    """

    __pydantic_config__: ClassVar = _EXACT

    name: str
    up: Annotated[bool, Strict()]
    error: str | None = None
    bytes: Count = 0
    storage: Storage | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraStatus:
    """What one camera is doing, and what has happened to its frames.

    Times are seconds since 1970, durations seconds. Counters never step back, unless the camera's
    process was replaced, when they may begin at 0 again (as Prometheus counters may).

    ``since`` is when ``state`` began; ``next_try`` when the next attempt is due in ``backoff`` and
    ``refused``. ``frames_in`` = ``redacted`` + ``covered_whole`` (by the text painted on the
    frame, :class:`~blurcam.media.regions.Reason`'s value) + ``dropped`` + ``frozen`` + what is on
    its way. ``ignored`` detections were left uncovered since they lie in a polygon to ignore.
    ``faces`` are covered on the newest frame, ``tracks`` have been followed so far.
    ``last_detection`` is when the detector last answered, ``None`` if it never has.
    ``smallest_face`` is the height in pixels of the smallest face that can be seen now,
    ``plan_for`` the one that must be; ``overload`` says what overload takes. Latency is from a
    frame's arrival to its leaving, over the last half minute. ``queue_fill`` is the fullest
    buffer, 0 to 1; ``stages`` the seconds that each stage takes for a frame; ``reconnects`` are
    counted by reason; ``packet_loss`` is in packets. ``last_error`` is one line with secrets
    masked.
    """

    __pydantic_config__: ClassVar = _EXACT

    name: str
    state: State
    since: float
    next_try: float | None = None
    frames_in: Count = 0
    redacted: Count = 0
    covered_whole: dict[str, Count] = field(default_factory=dict)
    dropped: Count = 0
    frozen: Count = 0
    faces: Count = 0
    tracks: Count = 0
    ignored: Count = 0
    last_detection: float | None = None
    smallest_face: float | None = None
    plan_for: float | None = None
    overload: Overload = "none"
    latency_p50: float | None = None
    latency_p99: float | None = None
    queue_fill: Annotated[float, Field(ge=0, le=1)] = 0.0
    stages: dict[str, float] = field(default_factory=dict)
    reconnects: dict[str, Count] = field(default_factory=dict)
    packet_loss: Count = 0
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
        return to_json(self)

    @classmethod
    def from_json(cls, text: str | bytes) -> CameraStatus:
        """Read what :meth:`to_json` wrote.

        Raises ValueError, naming the key, where one is unknown, missing or of the wrong kind.
        """
        values = json.loads(text)
        if isinstance(values, dict):
            for each in fields(cls):
                if each.name not in values:
                    raise ValueError(f'status: key "{each.name}" is missing')
        return from_json(cls, text, "status")


class Board(Protocol):
    """Where the page finds the cameras. Every method answers at once, from any thread."""

    def statuses(self) -> tuple[CameraStatus, ...]:
        """Return what every camera is doing, in the order of the configuration."""

    def still(self, name: str) -> bytes | None:
        """Return a JPEG made from the camera's newest RedactedFrame; ``None`` if there is none."""

    def restart(self, name: str) -> None:
        """Have the camera's process replaced; KeyError if no camera has this name."""
