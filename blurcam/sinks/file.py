"""Files of redacted video, under their name only when they are complete."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av

from blurcam.encode.encoder import Encoder, RedactedPacket
from blurcam.errors import ConfigError, SinkOpenError, SinkWriteError
from blurcam.runtime.files import StagedFile, refuse_existing, sha256_of
from blurcam.sinks.audio import add_sound
from blurcam.sinks.ts_padding import stuff
from blurcam.sources.recording import AudioTrack

_FORMATS: Final = {".mp4": "mp4", ".mkv": "matroska", ".ts": "mpegts", ".webm": "webm"}


def container_for(path: Path) -> str:
    """Return FFmpeg's name of the container that the suffix stands for; ConfigError for none."""
    if path.suffix.lower() not in _FORMATS:
        raise ConfigError(
            f"{path}: cannot tell the container from its name; end it in {', '.join(_FORMATS)}"
        )
    return _FORMATS[path.suffix.lower()]


def open_file(
    path: Path, encoder: Encoder, *, overwrite: bool = False, audio: AudioTrack | None = None
) -> FileSink:
    """Return a file that gets its name when it is finished.

    Raises :class:`~blurcam.errors.ConfigError` where the file exists already or the name says
    nothing, :class:`~blurcam.errors.SinkOpenError` where it cannot be written.
    """
    name = container_for(path)
    refuse_existing(path, overwrite=overwrite)
    codec = encoder.template.codec_context.codec.canonical_name
    if name == "webm" and codec != "av1":
        raise ConfigError(f"{path}: WebM holds AV1, not {codec}; use .mkv, or --codec av1")
    return FileSink(path, name, encoder, overwrite=overwrite, audio=audio)


class FileSink:
    """A container on disk, written under a temporary name beside the final one.

    MP4 is written in fragments of two seconds, so that a killed run leaves something playable, and
    turned into a plain indexed file when it is finished.
    """

    def __init__(
        self,
        path: Path,
        container: str,
        encoder: Encoder,
        *,
        overwrite: bool,
        audio: AudioTrack | None,
    ) -> None:
        """Open the temporary file and write the header; use :func:`open_file`."""
        self.path = path
        self._staged = StagedFile(path, overwrite=overwrite)
        self.part = self._staged.part
        self._container_name = container
        self._count = 0
        self._first: Fraction | None = None
        self._end = Fraction(0)
        self._finished = False
        self.output_sha256 = ""
        with self._border(SinkOpenError):
            options = muxer_options(container, encoder.time_base)
            self._container: Any = av.open(
                f"file:{self.part}", "w", format=container, container_options=options
            )
        try:
            self._add_streams(container, encoder, audio)
        except BaseException:
            self.close()
            raise

    def _add_streams(self, container: str, encoder: Encoder, audio: AudioTrack | None) -> None:
        with self._border(SinkOpenError):
            self._stream = self._container.add_stream_from_template(encoder.template)
            self._stream.time_base = encoder.time_base
            self._stream.set_display_matrix(encoder.info.display_matrix)
            self._sound = None
            if audio is not None:
                self._sound = add_sound(self._container, container, audio)
            self._container.start_encoding()

    def write(self, packet: RedactedPacket) -> None:
        """Write a packet, after the sound that comes before it."""
        start = packet.pts * packet.time_base
        self._first = start if self._first is None else min(self._first, start)
        self._end = max(self._end, start + packet.duration * packet.time_base)
        self._count += 1
        with self._border(SinkWriteError):
            if self._sound is not None:
                self._sound.write_until(packet.dts * packet.time_base)
            self._container.mux_one(self._muxable(packet))

    def _muxable(self, packet: RedactedPacket) -> Any:
        made = av.Packet(packet.data)
        made.pts, made.dts, made.duration = packet.pts, packet.dts, packet.duration
        made.time_base = packet.time_base
        made.is_keyframe = packet.is_key
        made.stream = self._stream
        return made

    @property
    def duration(self) -> Fraction:
        """Seconds of media time written."""
        return self._end - (self._first or 0)

    def finish(self) -> None:
        """Complete the file, have it on disk, read it back, and give it its name.

        Raises :class:`~blurcam.errors.SinkWriteError`; the file then keeps its temporary name.
        """
        with self._border(SinkWriteError):
            if self._sound is not None:
                self._sound.write_until(None)
            self._container.close()
            stuff(self.part, self._container_name)
        self._verify()
        self.output_sha256 = self._digest()
        self._publish()
        self._finished = True

    def _verify(self) -> None:
        """Read the file back: as many pictures as were written, over as long a time."""
        count, first, last = 0, None, None
        with self._border(SinkWriteError), av.open(f"file:{self.part}") as container:
            stream = container.streams.video[0]
            for packet in container.demux(stream):
                # What an edit list hides is in the file, but no player shows it.
                if packet.size and packet.pts is not None and not packet.is_discard:
                    time = packet.pts * (stream.time_base or Fraction(1, 1000))
                    first = time if first is None else min(first, time)
                    last = time if last is None else max(last, time)
                    count += 1
        if count != self._count:
            raise SinkWriteError(
                f"{self.part}: holds {count} frames where {self._count} were written; kept as it is"
            )
        last_written = self._end - (self._first or 0)
        if first is None or last is None or abs((last - first) - last_written) > 1:
            raise SinkWriteError(
                f"{self.part}: lasts other than the {float(last_written):.3f} s that were written"
            )

    def _digest(self) -> str:
        with self._border(SinkWriteError):
            return sha256_of(self.part)

    def _publish(self) -> None:
        with self._border(SinkWriteError):
            self._staged.publish()

    def close(self) -> None:
        """Release the file; unfinished, it keeps its temporary name, or goes if it is empty."""
        with suppress(av.FFmpegError, OSError, ValueError):  # a full disk, said already
            self._container.close()
        if not self._finished and not self._count:
            self._staged.discard()

    @contextmanager
    def _border(self, kind: type[SinkOpenError] | type[SinkWriteError]) -> Iterator[None]:
        try:
            yield
        except FileExistsError as exc:
            raise SinkWriteError(
                f"{self.path}: has appeared meanwhile; the video is in {self.part}"
            ) from exc
        except (av.FFmpegError, OSError, ValueError) as exc:
            text = getattr(exc, "strerror", None) or str(exc)
            raise kind(f"{self.path}: cannot be written: {text}") from exc


def muxer_options(container: str, time_base: Fraction, *, live: bool = False) -> dict[str, str]:
    """Return FFmpeg's options for a file that can be played while it is written.

    Of a ``live`` one at most a second is lost if it is cut off.
    """
    if container in ("matroska", "webm"):
        # A cluster is written when the next one begins, by default with the next key frame.
        clusters = {"cluster_time_limit": "500"} if live else {}
        return clusters | {"flush_packets": "1"}
    if container != "mp4":
        return {"flush_packets": "1"}
    # Edit lists hold the start, and the delay of reordered frames, and count in the movie's time
    # scale; at its default of 1000 every pts would be up to half a millisecond off.
    # A fragment ends where a group of pictures does: FFmpeg reckons the duration of the last one
    # only, so that a fragment which began among B-frames made the edit list hide the picture that
    # they had waited for (126 pictures of one recording were written, and 125 shown).
    # A live encoder makes no B-frames.
    scale = _time_scale(time_base)
    fragments = {"frag_duration": "1000000"} if live else {}
    return fragments | {
        "movflags": "+hybrid_fragmented+delay_moov+frag_keyframe",
        "use_editlist": "1",
        "video_track_timescale": str(scale),
        "movie_timescale": str(scale),
        "flush_packets": "1",
    }


def _time_scale(time_base: Fraction) -> int:
    """Return how many units a second MP4 needs to count in this time base exactly."""
    scale = time_base.denominator
    while scale < 1000:
        scale *= 10
    return scale
