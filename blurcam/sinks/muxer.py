"""The border to FFmpeg's muxers: the only place that builds packets, headers and trailers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from fractions import Fraction
from typing import Any, Final, Protocol

import av

from blurcam.errors import SinkError, SinkOpenError, SinkWriteError, SourceOpenError

FAULTS: Final = (av.FFmpegError, OSError, ValueError)
"""What PyAV raises when FFmpeg cannot write."""


class CodedFrame(Protocol):
    """A redacted frame in coded form; its times count in the time base of its stream."""

    @property
    def data(self) -> bytes:
        """The coded frame."""

    @property
    def pts(self) -> int:
        """When it is shown."""

    @property
    def dts(self) -> int:
        """When it is decoded."""

    @property
    def duration(self) -> int:
        """How long it is shown."""

    @property
    def is_key(self) -> bool:
        """Whether it can be decoded without others."""


class SoundWriter(Protocol):
    """What puts sound between the frames of a container."""

    def write_until(self, time: Fraction | None) -> None:
        """Write the sound before ``time``; all that is left for ``None``."""


class Muxer:
    """One container that is being written: its header now, packets, and the trailer at the end."""

    def __init__(
        self,
        target: str | object,
        container: str,
        template: Any,
        time_base: Fraction,
        *,
        options: Mapping[str, str],
        display_matrix: tuple[int, ...] | None = None,
        buffer_size: int = 32768,
    ) -> None:
        """Open ``target``, an address or an object with ``write()``; the stream is ``template``'s.

        The header is written by :meth:`begin`. Raises one of :data:`FAULTS`, or what ``write()``
        raises: see :func:`translating_errors`.
        """
        self.container_name = container
        self._time_base = time_base
        self._sound: SoundWriter | None = None
        self.container: Any = av.open(
            target,
            "w",
            format=container,
            container_options=dict(options),
            buffer_size=buffer_size,
        )
        try:
            self._stream = self.container.add_stream_from_template(template)
            self._stream.time_base = time_base
            if template.codec_context.codec.canonical_name == "rawvideo":
                # It says how the samples lie, and PyAV forgets it: NUT guesses otherwise.
                self._stream.codec_context.codec_tag = template.codec_context.codec_tag
            self._stream.set_display_matrix(display_matrix)
        except BaseException:
            self.close()
            raise

    def begin(self, sound: SoundWriter | None = None) -> None:
        """Write the header; ``sound`` has added a stream of its own before."""
        self._sound = sound
        self.container.start_encoding()

    def write(self, frame: CodedFrame, *, offset: int = 0) -> None:
        """Write a frame ``offset`` ticks later than it says, after the sound that comes before."""
        made: Any = av.Packet(frame.data)
        made.pts, made.dts = frame.pts + offset, frame.dts + offset
        made.duration, made.time_base = frame.duration, self._time_base
        made.is_keyframe, made.stream = frame.is_key, self._stream
        if self._sound is not None:
            self._sound.write_until(made.dts * self._time_base)
        self.container.mux_one(made)

    def end(self) -> None:
        """Write the rest of the sound, and the trailer."""
        if self._sound is not None:
            self._sound.write_until(None)
        self.container.close()

    def close(self) -> None:
        """Release it, finished or not; what that fails at was said already."""
        with suppress(*FAULTS, SinkError):
            self.container.close()


@contextmanager
def translating_errors(name: object, kind: type[SinkOpenError | SinkWriteError]) -> Iterator[None]:
    """Turn whatever keeps FFmpeg from writing into an error of ``kind`` that names the output."""
    try:
        yield
    except SinkError:
        raise
    except (SourceOpenError, *FAULTS) as exc:  # what was written cannot be read back
        text = getattr(exc, "strerror", None) or str(exc)
        raise kind(f"{name}: cannot be written: {text}") from exc
