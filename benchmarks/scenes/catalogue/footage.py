"""Real footage whose faces are labelled, and what cameras and players do to it.

A window moves and shakes over it, it is darkened, sped up, stamped anew, mirrored and turned.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from benchmarks.footage import recording
from benchmarks.scenes.effects import Dim, Effect
from benchmarks.scenes.values import Camera, Clock, Filmed, Keys, Scene, Stored, still

RECORDING, _LABELS = "towncentre.mp4", "towncentre-faces.csv"
_SECONDS: Final = 5.0
_CLOCK, _STORED = Clock(), Stored()
# Where most of the labelled people walk.
_WINDOW: Final = (960, 540)
_PLACE: Final = (560.0, 660.0, 1.0, 0.0)


def is_there() -> bool:
    """Whether the recording is."""
    return recording(RECORDING) is not None


def scenes() -> Iterator[Scene]:
    """Yield the scenes of this kind, none where the recording is not."""
    if not is_there():
        return
    yield _whole("real")
    yield _whole("real-turned-180-mirrored", stored=Stored(rotation=180, is_mirrored=True))
    yield _whole("real-dense", clock=Clock(dense=20))
    yield _window("real-window", Camera(still(*_PLACE)))
    yield _window("real-dark", Camera(still(*_PLACE)), effects=(Dim(0.15, 4.0),))
    follow = Keys(((0, 480, 500, 1, 0), (2.5, 800, 640, 1, 0), (5, 480, 800, 1, 0)))
    yield _window("real-pan", Camera(follow))
    yield _window("real-shake", Camera(still(*_PLACE), shake=15))
    fast = Keys(tuple((0.5 * k, 520 + (0, 300)[k % 2], 660, 1, 0) for k in range(11)))
    yield _window("real-swing", Camera(fast, shake=3))
    yield _whole("real-every-5th", clock=Clock(rate=5))
    yield _whole("real-sped-up-5", clock=Clock(speed=5))
    yield _window("real-jitter", Camera(still(*_PLACE)), clock=Clock(rate=12.5, jitter=0.9))
    yield _window("real-upside-down", Camera(still(*_PLACE[:3], 180)))
    along = Keys(((0, 930, 420, 2, 0), (5, 320, 860, 2, 0)))
    yield _window("real-large", Camera(along))


def _whole(name: str, *, clock: Clock = _CLOCK, stored: Stored = _STORED) -> Scene:
    shot = Filmed(_SECONDS, RECORDING, _LABELS)
    return Scene(
        name, "real", (shot,), size=(1920, 1080), clock=clock, stored=stored,
        is_live=stored == _STORED and clock.dense == 1,
    )  # fmt: skip


def _window(
    name: str, camera: Camera, *, clock: Clock = _CLOCK, effects: tuple[Effect, ...] = ()
) -> Scene:
    shot = Filmed(_SECONDS, RECORDING, _LABELS, camera=camera)
    return Scene(name, "real", (shot,), size=_WINDOW, clock=clock, effects=effects)
