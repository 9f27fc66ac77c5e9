"""The border to FFmpeg's muxers: only this module builds packets, headers and trailers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from fractions import Fraction
from typing import Any, Final, Protocol

import av

from blurcam.errors import SinkError, SinkOpenError, SinkWriteError, SourceOpenError

FAULTS: Final = (av.FFmpegError, OSError, ValueError)
"""The errors that PyAV raises when FFmpeg cannot write."""


class CodedFrame(Protocol):
    """A redacted frame in coded form; its times are in the time base of its stream."""

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
    """Writes sound between the frames of a container."""

    def write_until(self, time: Fraction | None) -> None:
        """Write the sound before ``time``; ``None``: all that is left."""


class Muxer:
    """One container that is being written: first its header, then packets, at last the trailer."""

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

        :meth:`begin` writes the header. Raises one of :data:`FAULTS`, or the error of ``write()``:
        see :func:`translating_errors`.
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
                # The tag names the layout of the samples, and PyAV drops it: then NUT guesses.
                self._stream.codec_context.codec_tag = template.codec_context.codec_tag
            self._stream.set_display_matrix(display_matrix)
        except BaseException:
            self.close()
            raise

    def begin(self, sound: SoundWriter | None = None) -> None:
        """Write the header; ``sound`` must have added its stream before."""
        self._sound = sound
        self.container.start_encoding()

    def write(self, frame: CodedFrame, *, offset: int = 0) -> None:
        """Write a frame, delayed by ``offset`` ticks, after the sound that comes before it."""
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
        """Release it, finished or not; an error here was raised before."""
        with suppress(*FAULTS, SinkError):
            self.container.close()


@contextmanager
def translating_errors(name: object, kind: type[SinkOpenError | SinkWriteError]) -> Iterator[None]:
    """Translate any error of FFmpeg's writing into one of ``kind`` that names the output."""
    try:
        yield
    except SinkError:
        raise
    except (SourceOpenError, *FAULTS) as exc:  # SourceOpenError: the file cannot be read back
        text = getattr(exc, "strerror", None) or str(exc)
        raise kind(f"{name}: cannot be written: {text}") from exc
