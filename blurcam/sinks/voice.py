"""The voice distorter: speech stays intelligible, and no longer tells who speaks.

A shift of pitch alone can be undone. Here nothing of the voice's own vibration is left. The
loudness of a few bands of frequency, smeared over time and moved to other frequencies, modulates
noise (a channel vocoder, Dudley 1939; with noise, Shannon et al. 1995). The noise comes from the
system's randomness, and is stored nowhere.
"""

from __future__ import annotations

import secrets
from typing import Any, Final

import av
import numpy as np
from numpy.typing import NDArray

_Samples = NDArray[np.float32]

_WINDOW: Final = 512
_HOP: Final = 128
# Bands so wide that the harmonics of a voice cannot be told apart: the pitch is not transmitted.
_EDGES_HZ: Final = (
    80, 350, 600, 850, 1100, 1400, 1750, 2150, 2650, 3250, 4000, 5000, 6000, 7000,
)  # fmt: skip
_BANDS: Final = len(_EDGES_HZ) - 1
# The loudness of a band follows its input over about 50 ms.
_SMEAR: Final = 0.85
# Bands move up or down by a factor between these, and drift around it within a few per cent.
_LEAST, _MOST = 1.12, 1.3
_DRIFT: Final = 0.05
_GAP_SECONDS: Final = 0.1
_FULL_SCALE: Final = 32767


class VoiceDistorter:
    """Distorts speech in FFmpeg's audio frames: mono, at one rate."""

    def __init__(self, rate: int) -> None:
        """Distort at this rate, with noise and shift drawn anew."""
        self._rate = rate
        self._resampler = av.AudioResampler(format="flt", layout="mono", rate=rate)
        self._noise = np.random.default_rng(secrets.randbits(128))
        factor = self._noise.uniform(_LEAST, _MOST)
        self._factor = factor if self._noise.random() < 0.5 else 1 / factor
        self._drift = 0.0
        self._edges = np.array(_EDGES_HZ, np.float64)
        self._hz = np.fft.rfftfreq(_WINDOW, 1 / rate)
        self._taper = np.hanning(_WINDOW + 1)[:-1].astype(np.float32)
        self._pts: int | None = None
        self._begin()

    def _begin(self) -> None:
        self._waiting: _Samples = np.zeros(_WINDOW - _HOP, np.float32)
        self._tail: _Samples = np.zeros(_WINDOW, np.float32)
        self._loudness = np.zeros(_BANDS)
        self._early = _WINDOW - _HOP  # samples that come out before the first that went in

    def feed(self, frame: Any) -> list[Any]:
        """Return the distorted frames that a frame completes; ``None``: all that are left."""
        made: list[Any] = []
        for ready in self._resampler.resample(frame):
            if self._pts is None or self._is_gap(ready.pts):
                made += self._rest()
                self._begin()
                self._pts = ready.pts or 0
            made += self._framed(self._distorted(ready.to_ndarray().ravel().astype(np.float32)))
        return made if frame is not None else made + self._rest()

    def _is_gap(self, pts: int | None) -> bool:
        if pts is None or self._pts is None:
            return False
        expected = self._pts + len(self._waiting) - self._early
        return abs(pts - expected) > _GAP_SECONDS * self._rate

    def _rest(self) -> list[Any]:
        """Return what is left: zeros push the last samples out."""
        if self._pts is None:
            return []
        return self._framed(self._distorted(np.zeros(_WINDOW, np.float32)))

    def _distorted(self, samples: _Samples) -> _Samples:
        self._waiting = np.concatenate([self._waiting, samples])
        made = []
        while len(self._waiting) >= _WINDOW:
            self._tail = self._tail + self._voiced(self._waiting[:_WINDOW])
            made.append(self._tail[:_HOP])
            self._tail = np.concatenate([self._tail[_HOP:], np.zeros(_HOP, np.float32)])
            self._waiting = self._waiting[_HOP:]
        out = np.concatenate(made) if made else np.zeros(0, np.float32)
        dropped = min(self._early, len(out))
        self._early -= dropped
        return out[dropped:]

    def _voiced(self, window: _Samples) -> _Samples:
        """Return noise with the loudness of this window in each band, smeared over time."""
        power = np.abs(np.fft.rfft(window * self._taper)) ** 2
        for band in range(_BANDS):
            low, high = self._edges[band], self._edges[band + 1]
            inside = (self._hz >= low) & (self._hz < high)
            mean = float(power[inside].mean()) if inside.any() else 0.0
            self._loudness[band] += (1 - _SMEAR) * (mean - self._loudness[band])
        self._drift = 0.98 * self._drift + 0.02 * self._noise.normal(0, 4 * _DRIFT)
        factor = self._factor * (1 + float(np.clip(self._drift, -_DRIFT, _DRIFT)))
        middles = np.sqrt(self._edges[:-1] * self._edges[1:]) * factor
        gain = np.interp(self._hz, middles, np.sqrt(self._loudness))
        gain[(self._hz < self._edges[0]) | (self._hz > self._edges[-1])] = 0
        shape = (len(self._hz),)
        phase = self._noise.normal(size=shape) + 1j * self._noise.normal(size=shape)
        noise = np.fft.irfft(gain * phase / np.sqrt(2), _WINDOW)
        # Hann windows that overlap by three quarters add up to 1.5 when applied twice.
        return (noise * self._taper / 1.5).astype(np.float32)

    def _framed(self, samples: _Samples) -> list[Any]:
        if not len(samples) or self._pts is None:
            return []
        whole = (np.clip(samples, -1, 1) * _FULL_SCALE).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(whole[None], format="s16", layout="mono")
        frame.sample_rate = self._rate
        frame.pts = self._pts
        self._pts += len(samples)
        return [frame]
