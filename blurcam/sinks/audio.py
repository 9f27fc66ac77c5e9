"""The sound of a recording beside its redacted pictures: copied, or encoded anew."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Final

import av

from blurcam.sinks.muxer import Muxer
from blurcam.sources.recording import AudioTrack

# Sound that can be copied; anything else, G.711 first of all, is transcoded.
_COPIED: Final = {
    "mp4": {"aac", "mp3", "opus", "ac3", "eac3", "alac", "flac"},
    "mov": {"aac", "mp3", "ac3", "eac3", "alac", "pcm_s16le", "pcm_s16be", "pcm_mulaw", "pcm_alaw"},
    "matroska": {"aac", "mp3", "opus", "vorbis", "ac3", "eac3", "flac", "pcm_s16le"},
    "mpegts": {"aac", "mp3", "mp2", "ac3", "eac3", "opus"},
    "webm": {"opus", "vorbis"},
}


class _CopiedSound:
    """Sound, packet by packet as it was."""

    def __init__(self, container: Any, audio: AudioTrack) -> None:
        self._container = container
        self._packets = audio.packets()
        self._stream = container.add_stream_from_template(audio.stream)
        self._next: Any = next(self._packets, None)

    def write_until(self, time: Fraction | None) -> None:
        """Write what comes before ``time``; all that is left for ``None``."""
        while self._next is not None:
            packet = self._next
            if time is not None and packet.dts * packet.time_base > time:
                return
            packet.stream = self._stream
            self._container.mux_one(packet)
            self._next = next(self._packets, None)


class _TranscodedSound:
    """Sound that the container cannot hold, encoded anew."""

    def __init__(self, container: Any, audio: AudioTrack, codec: str) -> None:
        self._container = container
        self._packets = audio.packets()
        rate = 48000 if codec == "libopus" else max(8000, audio.stream.rate)
        self._stream = container.add_stream(codec, rate=rate)
        self._stream.layout = "mono" if audio.stream.channels == 1 else "stereo"
        self._resampler = av.AudioResampler(
            format=self._stream.format, layout=self._stream.layout, rate=rate, frame_size=0
        )
        self._next: Any = next(self._packets, None)

    def write_until(self, time: Fraction | None) -> None:
        """Write what comes before ``time``; all that is left for ``None``."""
        while self._next is not None:
            packet = self._next
            if time is not None and packet.dts * packet.time_base > time:
                return
            for frame in packet.decode():
                self._encode(frame)
            self._next = next(self._packets, None)
        if time is None:
            self._encode(None)
            for made in self._stream.encode(None):
                self._container.mux_one(made)

    def _encode(self, frame: Any) -> None:
        for ready in self._resampler.resample(frame):
            for made in self._stream.encode(ready):
                self._container.mux_one(made)


def add_sound(muxer: Muxer, audio: AudioTrack) -> _CopiedSound | _TranscodedSound:
    """Give a container the sound: copied where it can hold it, else encoded anew."""
    copied = _COPIED[muxer.container_name]
    if audio.stream.codec_context.name in copied:
        return _CopiedSound(muxer.container, audio)
    return _TranscodedSound(muxer.container, audio, "libopus" if "vorbis" in copied else "aac")
