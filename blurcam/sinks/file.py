"""Files of redacted video; a file gets its name when it is complete."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

from blurcam.encode.encoder import Encoder, RedactedPacket
from blurcam.errors import ConfigError, SinkOpenError, SinkWriteError
from blurcam.runtime.counts import FrameCounts, counted
from blurcam.runtime.files import StagedFile, refuse_existing, sha256_of
from blurcam.settings.redaction import AudioPolicy
from blurcam.sinks.audio import add_sound
from blurcam.sinks.containers import TELLS_SHAPE, format_of, muxer_options
from blurcam.sinks.matroska_shape import set_pixel_shape
from blurcam.sinks.muxer import Muxer, SoundWriter, translating_errors
from blurcam.sinks.ts_padding import stuff
from blurcam.sources.open import open_path
from blurcam.sources.sound import SoundTrack

_ADVICE: Final = {
    "webm": "WebM holds AV1, not {}; use .mkv, or --codec av1",
    "mpegts": "MPEG-TS holds H.264 and H.265, not {}; use .mkv or .mp4",
}
# The difference allowed between written and read times: some containers count in milliseconds.
_TOLERANCE: Final = Fraction(1, 500)


@dataclass(frozen=True, slots=True)
class SoundOptions:
    """The sound for a file, what to do with it, and the counts that get the notices."""

    track: SoundTrack
    policy: AudioPolicy
    counts: FrameCounts


def open_file(
    path: Path, encoder: Encoder, *, overwrite: bool = False, audio: SoundOptions | None = None
) -> FileSink:
    """Return a file that gets its name when it is finished.

    Raises :class:`~blurcam.errors.ConfigError` if the file exists already or its suffix is unknown,
    and :class:`~blurcam.errors.SinkOpenError` if it cannot be written.
    """
    wanted = format_of(path)
    refuse_existing(path, overwrite=overwrite)
    codec = encoder.codec
    if codec not in wanted.codecs:
        raise ConfigError(f"{path}: {_ADVICE[wanted.name].format(codec)}")
    return FileSink(path, wanted.name, encoder, overwrite=overwrite, audio=audio)


class FileSink:
    """A container on disk, written under a temporary name beside the final one.

    MP4 is written in fragments of two seconds, so that a killed run leaves a playable file. At the
    end it becomes a plain indexed file.
    """

    def __init__(
        self,
        path: Path,
        container: str,
        encoder: Encoder,
        *,
        overwrite: bool,
        audio: SoundOptions | None,
    ) -> None:
        """Open the temporary file and write the header; use :func:`open_file`."""
        self.path = path
        self._staged = StagedFile(path, overwrite=overwrite)
        self.part = self._staged.part
        self._info, self._codec = encoder.info, encoder.codec
        self._count = self._offset = 0
        self._first: Fraction | None = None
        self._last = self._end = Fraction(0)
        self._finished = False
        self.output_sha256 = ""
        with translating_errors(path, SinkOpenError):
            self._muxer = Muxer(
                f"file:{self.part}",
                container,
                encoder.template,
                encoder.time_base,
                options=muxer_options(container, encoder.time_base),
                display_matrix=encoder.info.display_matrix,
            )
        try:
            with translating_errors(path, SinkOpenError):
                self._muxer.begin(None if audio is None else self._add_sound(encoder, audio))
        except BaseException:
            self.close()
            raise

    def _add_sound(self, encoder: Encoder, audio: SoundOptions) -> SoundWriter:
        """Add the sound; if it begins before the frames, both are delayed by the difference."""
        start = audio.track.start
        if start is not None and start < 0:
            self._offset = math.ceil(-start / encoder.time_base)
            audio.track.delay(self._offset * encoder.time_base)
        return add_sound(self._muxer, audio.track, audio.policy, audio.counts)

    def write(self, packet: RedactedPacket) -> None:
        """Write a packet, after the sound that comes before it."""
        start = packet.pts * packet.time_base
        self._first = start if self._first is None else min(self._first, start)
        self._last = max(self._last, start)
        self._end = max(self._end, start + packet.duration * packet.time_base)
        self._count += 1
        with translating_errors(self.path, SinkWriteError):
            self._muxer.write(packet, offset=self._offset)

    @property
    def duration(self) -> Fraction:
        """Seconds of media time written, to the end of the last frame."""
        return self._end - (self._first or 0)

    def finish(self) -> None:
        """Complete the file, sync it to disk, read it back, and give it its name.

        Raises :class:`~blurcam.errors.SinkWriteError`; the file then keeps its temporary name.
        """
        with translating_errors(self.path, SinkWriteError):
            self._muxer.end()
            stuff(self.part, self._muxer.container_name)
            self._say_shape()
        self._verify()
        self.output_sha256 = self._digest()
        self._publish()
        self._finished = True

    def _say_shape(self) -> None:
        """Write the sample aspect ratio into a Matroska file whose video cannot declare it."""
        info, shape = self._info, self._info.sample_aspect_ratio
        is_matroska = self._muxer.container_name in ("matroska", "webm")
        if is_matroska and shape != 1 and self._codec not in TELLS_SHAPE:
            set_pixel_shape(self.part, info.width, info.height, shape)

    def _verify(self) -> None:
        """Read the file back: it must have all frames that were written, over the same time."""
        count, first, last = 0, None, None
        with translating_errors(self.path, SinkWriteError), open_path(self.part) as container:
            stream = container.streams.video[0]
            for packet in container.demux(stream):
                # A frame that an edit list hides is in the file, but no player shows it.
                if packet.size and packet.pts is not None and not packet.is_discard:
                    time = packet.pts * (stream.time_base or Fraction(1, 1000))
                    first = time if first is None else min(first, time)
                    last = time if last is None else max(last, time)
                    count += 1
        if count != self._count:
            raise SinkWriteError(
                f"{self.part}: holds {counted(count, 'frame')} where {self._count} were written; "
                "kept as it is"
            )
        written = self._last - (self._first or 0)
        if first is None or last is None or abs((last - first) - written) > _TOLERANCE:
            raise SinkWriteError(
                f"{self.part}: its last frame is shown at another time than the "
                f"{float(written):.3f} s that were written"
            )

    def _digest(self) -> str:
        with translating_errors(self.path, SinkWriteError):
            return sha256_of(self.part)

    def _publish(self) -> None:
        with translating_errors(self.path, SinkWriteError):
            try:
                self._staged.publish()
            except FileExistsError as exc:
                raise SinkWriteError(
                    f"{self.path}: has appeared meanwhile; the video is in {self.part}"
                ) from exc

    def close(self) -> None:
        """Release the file; an unfinished one keeps its temporary name, an empty one is removed."""
        self._muxer.close()
        if not self._finished and not self._count:
            self._staged.discard()
