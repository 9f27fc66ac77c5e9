"""What light, weather, lenses and transmission do to a frame after it was drawn.

The truth about faces is taken before: an effect can make a face unrecognisable, which the control
then shows, but it does not move it. What an effect lays over the picture is no part of a face.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Moment:
    """Which frame it is, and at what second of the scene."""

    number: int
    time: float

    def random(self, seed: int) -> np.random.Generator:
        """Return random numbers that are the same for the same frame."""
        return np.random.default_rng((seed, self.number))


class Effect(Protocol):
    """Changes pictures (BGR)."""

    def apply(self, picture: Picture, moment: Moment) -> Picture:
        """Return the picture changed."""

    def hidden(self, shape: tuple[int, int], moment: Moment) -> Mask | None:
        """Return which pixels it lays something over, ``None`` for none."""


class _Transparent:
    """An effect behind which everything can still be seen."""

    __slots__ = ()

    def hidden(self, shape: tuple[int, int], moment: Moment) -> Mask | None:
        """Return that it lays nothing over the picture."""
        del shape, moment
        return None


def _clipped(values: NDArray[np.float32]) -> Picture:
    return np.asarray(np.clip(values + 0.5, 0, 255), np.uint8)


@dataclass(frozen=True, slots=True)
class Dim(_Transparent):
    """Little light: all levels times ``gain``, plus the noise of the sensor (σ in levels)."""

    gain: float
    noise: float
    seed: int = 1

    def apply(self, picture: Picture, moment: Moment) -> Picture:
        """Return it darker and noisier."""
        grain = moment.random(self.seed).standard_normal(picture.shape[:2], np.float32)
        made = picture.astype(np.float32) * np.float32(self.gain)
        return _clipped(made + np.float32(self.noise) * grain[..., None])


@dataclass(frozen=True, slots=True)
class InfraRed(_Transparent):
    """From ``since`` on the camera sees by infra-red: grey, flat, brighter in the middle, noisy."""

    since: float
    until: float = 1e9

    def apply(self, picture: Picture, moment: Moment) -> Picture:
        """Return it as the camera sees it by infra-red, once it does."""
        if not self.since <= moment.time < self.until:
            return picture
        high, wide = picture.shape[:2]
        grey = 0.2 * picture[..., 0] + 0.2 * picture[..., 1] + 0.6 * picture[..., 2]
        y, x = np.mgrid[-1 : 1 : high * 1j, -1 : 1 : wide * 1j]
        grain = moment.random(3).standard_normal((high, wide), np.float32)
        lit = (40 + 0.7 * grey) * (1.05 - 0.5 * (x * x + y * y) / 2) + 3 * grain
        return np.repeat(_clipped(lit.astype(np.float32))[..., None], 3, axis=2)


@dataclass(frozen=True, slots=True)
class Haze(_Transparent):
    """Fog in the air: so much of each pixel is one light grey."""

    share: float

    def apply(self, picture: Picture, moment: Moment) -> Picture:
        """Return it paler."""
        del moment
        return _clipped(picture.astype(np.float32) * (1 - self.share) + 190 * self.share)


@dataclass(frozen=True, slots=True)
class Flicker(_Transparent):
    """Light that swings by ``depth`` of itself, ``hertz`` times a second, in ``bands`` stripes."""

    depth: float
    hertz: float
    bands: float = 0.0

    def apply(self, picture: Picture, moment: Moment) -> Picture:
        """Return it as bright as the lamp is now."""
        rows = np.linspace(0, self.bands, picture.shape[0], dtype=np.float32)[:, None, None]
        swing = np.sin(2 * math.pi * (self.hertz * moment.time + rows))
        return _clipped(picture * (1 + np.float32(self.depth) * swing).astype(np.float32))


@dataclass(frozen=True, slots=True)
class Rain(_Transparent):
    """So many streaks on every frame, others on the next."""

    drops: int

    def apply(self, picture: Picture, moment: Moment) -> Picture:
        """Return it in the rain."""
        rng, made = moment.random(5), picture.copy()
        high, wide = picture.shape[:2]
        for x, y, length in rng.uniform((0, -20, 8), (wide, high, 26), (self.drops, 3)):
            start, end = (int(x), int(y)), (int(x + length * 0.15), int(y + length))
            cv2.line(made, start, end, (205, 200, 195), 1, cv2.LINE_AA)
        mixed = cv2.addWeighted(picture, 0.45, made, 0.55, 0)
        return np.asarray(mixed, np.uint8)


@dataclass(frozen=True, slots=True)
class Snow(_Transparent):
    """So many flakes that sink and sway."""

    flakes: int

    def apply(self, picture: Picture, moment: Moment) -> Picture:
        """Return it in the snow."""
        high, wide = picture.shape[:2]
        rng, made = np.random.default_rng(6), picture.copy()
        for x, y, speed, size in rng.uniform(
            (0, 0, 40, 1), (wide, high, 150, 3.6), (self.flakes, 4)
        ):
            sway = 8 * math.sin(moment.time * 2 + x)
            where = (int((x + sway) % wide), int((y + speed * moment.time) % high))
            cv2.circle(made, where, round(size), (245, 245, 245), -1, cv2.LINE_AA)
        return made


@dataclass(frozen=True, slots=True)
class Letterbox:
    """Black bars of so many rows above and below, columns at the sides."""

    rows: int
    columns: int = 0

    def apply(self, picture: Picture, moment: Moment) -> Picture:
        """Return it with bars."""
        made = picture.copy()
        made[self.hidden(picture.shape[:2], moment)] = 16
        return made

    def hidden(self, shape: tuple[int, int], moment: Moment) -> Mask:
        """Return the bars."""
        del moment
        mask = np.ones(shape, np.bool_)
        mask[self.rows : shape[0] - self.rows, self.columns : shape[1] - self.columns] = False
        return mask


@dataclass(frozen=True, slots=True)
class Caption:
    """Letters burnt into the picture; ``%`` in them stands for the second of the scene."""

    text: str
    x: int
    y: int
    size: float
    opacity: float = 1.0

    def apply(self, picture: Picture, moment: Moment) -> Picture:
        """Return it with the letters on it."""
        over = picture.copy()
        self._write(over, moment, (20, 20, 20), 4)
        self._write(over, moment, (250, 250, 250), 2)
        if self.opacity == 1:
            return over
        return np.asarray(cv2.addWeighted(over, self.opacity, picture, 1 - self.opacity, 0))

    def hidden(self, shape: tuple[int, int], moment: Moment) -> Mask:
        """Return the letters and their outline."""
        ink = np.zeros((*shape, 3), np.uint8)
        self._write(ink, moment, (255, 255, 255), 6)
        return np.asarray(ink[..., 0] > 0, np.bool_)

    def _write(self, on: Picture, moment: Moment, colour: tuple[int, int, int], width: int) -> None:
        text = self.text.replace("%", f"{moment.time:06.3f}")
        thick = max(1, round(width * self.size))
        cv2.putText(
            on, text, (self.x, self.y), cv2.FONT_HERSHEY_SIMPLEX, self.size, colour, thick,
            cv2.LINE_AA,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Number:
    """The number of the frame as light and dark blocks at the lower edge, with a check sum.

    For outputs that leave frames out: see :func:`read_number`.
    """

    BLOCK: ClassVar[int] = 8
    BITS: ClassVar[int] = 12
    CHECK: ClassVar[int] = 61

    def apply(self, picture: Picture, moment: Moment) -> Picture:
        """Return it with its number."""
        made = picture.copy()
        coded = moment.number << 6 | moment.number % self.CHECK
        for bit in range(self.BITS + 6):
            block = made[-self.BLOCK :, bit * self.BLOCK : (bit + 1) * self.BLOCK]
            block[:] = 225 if coded >> bit & 1 else 30
        return made

    def hidden(self, shape: tuple[int, int], moment: Moment) -> Mask:
        """Return where the number is."""
        del moment
        mask = np.zeros(shape, np.bool_)
        mask[-self.BLOCK :, : (self.BITS + 6) * self.BLOCK] = True
        return mask


def read_number(luma: Picture) -> int | None:
    """Return the number of a frame, ``None`` where it cannot be read for certain."""
    size, bits = Number.BLOCK, Number.BITS + 6
    strip = luma[-size + 2 : -2, : bits * size].reshape(size - 4, bits, size)[:, :, 2:-2]
    means = strip.mean(axis=(0, 2))
    if ((means > 80) & (means < 170)).any():
        return None
    coded = sum(1 << bit for bit, mean in enumerate(means) if mean > 127)
    number = coded >> 6
    return number if coded & 63 == number % Number.CHECK else None


@dataclass(frozen=True, slots=True)
class Noise(_Transparent):
    """The noise of a sensor by day (σ in levels)."""

    sigma: float

    def apply(self, picture: Picture, moment: Moment) -> Picture:
        """Return it noisier."""
        grain = moment.random(7).standard_normal(picture.shape[:2], np.float32)
        return _clipped(picture.astype(np.float32) + np.float32(self.sigma) * grain[..., None])
