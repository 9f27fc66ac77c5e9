"""What a scene is: who is where when, how the camera moves, and what becomes of the picture.

All of it is frozen values without behaviour of their own, so that a scene is known by its text.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from benchmarks.scenes.effects import Effect

Portrait = Literal["hopper", "collins"]
Backdrop = Literal["street", "hall"]
Container = Literal["mp4", "mkv", "ts"]


@dataclass(frozen=True, slots=True)
class Keys:
    """Values at moments; straight lines between them, constant before and after.

    Each point is ``(second, value, …)``, in the order of time.
    """

    points: tuple[tuple[float, ...], ...]

    def at(self, time: float) -> tuple[float, ...]:
        """Return the values at a moment."""
        after = bisect_right([point[0] for point in self.points], time)
        if after == 0 or after == len(self.points):
            return self.points[min(after, len(self.points) - 1)][1:]
        a, b = self.points[after - 1], self.points[after]
        share = (time - a[0]) / (b[0] - a[0])
        return tuple(x + (y - x) * share for x, y in zip(a[1:], b[1:], strict=True))


def still(*values: float) -> Keys:
    """Return values that do not change."""
    return Keys(((0.0, *values),))


def line(seconds: float, start: tuple[float, ...], end: tuple[float, ...]) -> Keys:
    """Return a straight line from second 0 on."""
    return Keys(((0.0, *start), (seconds, *end)))


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody in a shot: the middle and the height of the face, in pixels of the world.

    ``yaw`` turns the head about its own axis and ``roll`` turns the person in the plane of the
    frame, in degrees. The person with the larger ``depth`` stands in front; by default that is the
    person with the larger face.
    """

    portrait: Portrait
    path: Keys
    enters: float = 0.0
    leaves: float = 1e9
    yaw: Keys = field(default_factory=lambda: still(0.0))
    roll: Keys = field(default_factory=lambda: still(0.0))
    is_mirrored: bool = False
    tone: float = 1.0
    depth: float | None = None


@dataclass(frozen=True, slots=True)
class Post:
    """A lamp post that hides the people whose face is smaller than ``hides_under``."""

    x: int
    y: int
    width: int
    height: int
    hides_under: float


@dataclass(frozen=True, slots=True)
class Camera:
    """What of the world is seen: the middle (x, y), the zoom, and the roll in degrees.

    ``shake`` is how far, in pixels, it is off at most to each side, anew on every frame.
    """

    path: Keys
    shake: float = 0.0


@dataclass(frozen=True, slots=True)
class Shot:
    """What one camera shows without a cut.

    ``world`` is the size of the backdrop. ``is_combed`` takes every second line half a frame later.
    """

    seconds: float
    people: tuple[Person, ...]
    backdrop: Backdrop = "street"
    world: tuple[int, int] = (640, 360)
    camera: Camera | None = None
    posts: tuple[Post, ...] = ()
    is_combed: bool = False


@dataclass(frozen=True, slots=True)
class Filmed:
    """What a window of a labelled recording shows, at most so many people in it.

    Without a camera all of it is shown.
    """

    MOST_PEOPLE: ClassVar[int] = 100

    seconds: float
    recording: str
    labels: str
    rate: float = 25.0
    camera: Camera | None = None


@dataclass(frozen=True, slots=True)
class Clock:
    """When frames are taken, and which time stamps they get.

    ``rate`` frames a second of presentation. A step varies by up to ``jitter`` of itself. Frames
    come in bursts of ``burst`` with ``pause`` seconds between, or with one ``gap`` of so many
    seconds in the middle. ``speed`` is how much faster than life the scene runs; stamps are
    ``dense`` times too close together; in the middle they jump by ``jump`` seconds while the scene
    goes on.
    """

    rate: float = 25.0
    jitter: float = 0.0
    burst: int = 0
    pause: float = 0.0
    gap: float = 0.0
    speed: float = 1.0
    dense: float = 1.0
    jump: float = 0.0


@dataclass(frozen=True, slots=True)
class Stored:
    """How a scene is stored: what is done to the samples, and the display matrix undoes.

    The samples are turned by ``rotation`` degrees and mirrored, and players show the scene as it
    was drawn. ``is_spliced`` stores the second half as a stream of its own, behind the first, with
    time stamps that begin again.
    """

    container: Container = "mp4"
    rotation: Literal[0, 90, 180, 270] = 0
    is_mirrored: bool = False
    is_spliced: bool = False


@dataclass(frozen=True, slots=True)
class Scene:
    """A drawn scene; shots follow one another, with ``dissolve`` seconds of both between."""

    name: str
    kind: str
    shots: tuple[Shot | Filmed, ...]
    size: tuple[int, int] = (640, 360)
    clock: Clock = field(default_factory=Clock)
    effects: tuple[Effect, ...] = ()
    stored: Stored = field(default_factory=Stored)
    dissolve: float = 0.0
    is_live: bool = True
    options: tuple[str, ...] = ()
