"""The sound of a recording with its redacted frames: copied, encoded anew, or distorted."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Final, Protocol

import av

from blurcam.runtime.counts import FrameCounts
from blurcam.settings.redaction import AudioPolicy
from blurcam.sinks.muxer import Muxer
from blurcam.sinks.voice import VoiceDistorter
from blurcam.sources.sound import SoundTrack

# Sound that can be copied. Any other sound, such as G.711, is encoded anew.
COPIED: Final = {
    "mp4": {"aac", "mp3", "opus", "ac3", "eac3", "alac", "flac"},
    "mov": {"aac", "mp3", "ac3", "eac3", "alac", "pcm_s16le", "pcm_s16be", "pcm_mulaw", "pcm_alaw"},
    "matroska": {"aac", "mp3", "mp2", "opus", "vorbis", "ac3", "eac3", "flac", "pcm_s16le"},
    "mpegts": {"aac", "mp3", "mp2", "ac3", "eac3", "opus"},
    "webm": {"opus", "vorbis"},
}
"""The codecs of sound that can be copied into each container."""

# The layouts that FFmpeg's AAC and Opus encoders accept, by the number of channels; more channels
# are mixed down.
_LAYOUTS: Final = ("mono", "stereo", "3.0", "4.0", "5.0", "5.1")
_DISTORTED_RATE: Final = 16000


class _CopiedSound:
    """Sound that is copied packet by packet."""

    def __init__(self, muxer: Muxer, sound: SoundTrack) -> None:
        self._container = muxer.container
        self._sound = sound
        self._stream = self._container.add_stream_from_template(sound.stream)
        context = sound.stream.codec_context
        # AAC in a transport stream has its parameters in every packet (ADTS), in MP4 once.
        is_adts = context.codec.canonical_name == "aac" and not context.extradata
        self._filter = None
        if is_adts and muxer.container_name in ("mp4", "mov"):
            self._filter = av.BitStreamFilterContext("aac_adtstoasc", sound.stream)

    def write_until(self, time: Fraction | None) -> None:
        """Write what comes before ``time``; all that is left for ``None``."""
        for packet in self._sound.until(time):
            for made in [packet] if self._filter is None else self._filter.filter(packet):
                made.stream = self._stream
                self._container.mux_one(made)


class _Effect(Protocol):
    """A change to sound before it is encoded."""

    def feed(self, frame: Any) -> list[Any]:
        """Return the frames that this one gives; ``None`` stands for the end."""


class _EncodedSound:
    """Sound that is encoded anew."""

    def __init__(
        self, muxer: Muxer, sound: SoundTrack, codec: str, layout: str, rate: int, effect: _Effect
    ) -> None:
        self._container = muxer.container
        self._sound = sound
        self._effect = effect
        self._stream = self._container.add_stream(codec, rate=rate)
        self._stream.layout = layout
        self._resampler = av.AudioResampler(
            format=self._stream.format, layout=layout, rate=rate, frame_size=0
        )

    def write_until(self, time: Fraction | None) -> None:
        """Write what comes before ``time``; all that is left for ``None``."""
        for packet in self._sound.until(time):
            for frame in packet.decode():
                self._encode(self._effect.feed(frame))
        if time is None:
            self._encode([*self._effect.feed(None), None])
            for made in self._stream.encode(None):
                self._container.mux_one(made)

    def _encode(self, frames: list[Any]) -> None:
        for frame in frames:
            for ready in self._resampler.resample(frame):
                for made in self._stream.encode(ready):
                    self._container.mux_one(made)


class _AsItIs:
    """No effect."""

    def feed(self, frame: Any) -> list[Any]:
        return [] if frame is None else [frame]


def add_sound(
    muxer: Muxer, sound: SoundTrack, policy: AudioPolicy, counts: FrameCounts
) -> _CopiedSound | _EncodedSound:
    """Add the sound to a container: copied if the container accepts it, else encoded anew."""
    copied = COPIED[muxer.container_name]
    codec = "libopus" if "vorbis" in copied else "aac"
    if policy == "distort":
        effect = VoiceDistorter(_DISTORTED_RATE)
        return _EncodedSound(muxer, sound, codec, "mono", _DISTORTED_RATE, effect)
    own = sound.stream.codec_context.codec.canonical_name
    if own in copied:
        return _CopiedSound(muxer, sound)
    rate = 48000 if codec == "libopus" else max(8000, sound.stream.rate)
    channels = sound.stream.channels
    is_kept = channels <= len(_LAYOUTS)
    layout = _LAYOUTS[channels - 1] if is_kept else "stereo"
    mixed = "" if is_kept else f", and its {channels} channels are mixed down to {layout}"
    counts.notice(
        f"{sound.name}: its sound ({own}) is encoded anew as {codec.removeprefix('lib')}, since "
        f"{muxer.container_name} cannot hold it{mixed}"
    )
    return _EncodedSound(muxer, sound, codec, layout, rate, _AsItIs())
