"""Distorted speech: the words are left, the voice is not."""

from __future__ import annotations

from itertools import pairwise

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from blurcam.sinks.voice import VoiceDistorter

RATE = 16000
Samples = NDArray[np.float64]


def distorted(samples: Samples, piece: int = 1024) -> Samples:
    distorter = VoiceDistorter(RATE)
    made = []
    for start in range(0, len(samples), piece):
        whole = (samples[start : start + piece] * 32767).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(whole[None], format="s16", layout="mono")
        frame.sample_rate, frame.pts = RATE, start
        made += distorter.feed(frame)
    made += distorter.feed(None)
    pts = [frame.pts for frame in made]
    assert pts == sorted(set(pts))
    return np.concatenate([frame.to_ndarray().ravel() for frame in made]) / 32767


def voice(pitch: float, seconds: float = 2.0) -> Samples:
    """A buzz of this pitch, in the way of a vowel."""
    at = np.arange(round(seconds * RATE)) / RATE
    tones = [np.sin(2 * np.pi * pitch * n * at) / n for n in range(1, int(3500 / pitch))]
    made = np.sum(tones, axis=0)
    return 0.5 * made / np.abs(made).max()


def tonality(samples: Samples) -> float:
    """How far the strongest line stands out of what is around it, in the spectrum."""
    middle = samples[RATE // 2 : RATE // 2 + 16384] * np.hanning(16384)
    power = np.abs(np.fft.rfft(middle)) ** 2
    around = np.convolve(power, np.ones(101) / 101, mode="same")
    return float((power / (around + 1e-12))[200:6000].max())


def periodicity(samples: Samples) -> float:
    """How alike the sound is to itself one period of a voice later."""
    middle = samples[RATE // 2 : RATE // 2 + 8192]
    middle = middle - middle.mean()
    power = np.abs(np.fft.rfft(middle, 16384)) ** 2
    alike = np.fft.irfft(power)
    return float(alike[RATE // 400 : RATE // 70].max() / alike[0])


def test_nothing_of_a_pitch_is_left() -> None:
    """Which is what a shift back would need: no factor makes a period where there is none."""
    for pitch in (95, 130, 210, 260):
        before, after = voice(pitch), distorted(voice(pitch))
        assert periodicity(before) > 0.8
        assert periodicity(after) < 0.4
        assert tonality(before) > 30
        assert tonality(after) < 15  # as of any noise


@pytest.mark.parametrize("factor", [0.7, 0.8, 0.9, 1.1, 1.25, 1.4])
def test_no_shift_brings_the_voice_back(factor: float) -> None:
    before = voice(120)
    after = distorted(before)
    at = np.arange(0, len(after) - 1, factor)
    shifted = np.interp(at, np.arange(len(after)), after)
    count = min(len(shifted), len(before)) // 2
    a, b = before[:count] - before[:count].mean(), shifted[:count] - shifted[:count].mean()
    size = 1 << (2 * count - 1).bit_length()
    cross = np.fft.irfft(np.fft.rfft(a, size) * np.conj(np.fft.rfft(b, size)))
    assert np.abs(cross).max() / np.sqrt((a**2).sum() * (b**2).sum()) < 0.2


def test_two_runs_differ() -> None:
    one, two = distorted(voice(120)), distorted(voice(120))
    assert abs(np.corrcoef(one[:RATE], two[:RATE])[0, 1]) < 0.2


def test_words_come_when_they_came_and_as_loud() -> None:
    """Syllables of a fifth of a second, with pauses between."""
    sound = voice(120, 3.0)
    gate = (np.arange(len(sound)) // (RATE // 5)) % 2
    after = distorted(sound * gate)
    assert abs(len(after) - len(sound)) <= 512
    after = after[: len(sound)]
    loud = np.sqrt(np.mean(after[gate[: len(after)] == 1] ** 2))
    quiet = np.sqrt(np.mean(after[gate[: len(after)] == 0] ** 2))
    assert quiet < 0.7 * loud
    assert 0.3 < loud / np.sqrt(np.mean(sound**2)) < 3


def test_silence_stays_silent() -> None:
    assert np.abs(distorted(np.zeros(RATE))).max() < 1e-3


def test_a_gap_is_kept() -> None:
    distorter = VoiceDistorter(RATE)
    made = []
    for start in (0, 1024, 2048, 5 * RATE, 5 * RATE + 1024):
        whole = (voice(120)[:1024] * 32767).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(whole[None], format="s16", layout="mono")
        frame.sample_rate, frame.pts = RATE, start
        made += distorter.feed(frame)
    made += distorter.feed(None)
    starts = [frame.pts for frame in made]
    assert any(start == 5 * RATE for start in starts)
    assert all(b > a for a, b in pairwise(starts))
