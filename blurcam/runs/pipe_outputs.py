"""What a redacted stream is written to: the pipe or file it was made for, and a recording of it."""

from __future__ import annotations

from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path

from blurcam.encode.choice import codec_for, open_encoder
from blurcam.encode.encoder import Encoder
from blurcam.encode.encoder_options import EncoderOptions
from blurcam.encode.upright import note_upright
from blurcam.media.formats import StreamInfo
from blurcam.runs.chain import FrameOutput
from blurcam.runs.outputs import (
    EncodedOutput,
    OnFailure,
    Output,
    PacketSink,
    PlainOutput,
    output_to,
)
from blurcam.runtime.counts import FrameCounts
from blurcam.settings.pipe import PipeSettings
from blurcam.sinks.containers import STREAMS, format_of
from blurcam.sinks.descriptor import OutputDescriptor
from blurcam.sinks.file import FileSink, open_file
from blurcam.sinks.pipe import PipeSink, RawVideoSink


def open_outputs(
    settings: PipeSettings,
    info: StreamInfo,
    descriptor: OutputDescriptor | None,
    counts: FrameCounts,
    stack: ExitStack,
) -> list[FrameOutput]:
    """Open all that a stream is written to, ``descriptor`` or a file first; ``stack`` closes them.

    What is recorded beside it is encoded once with it, where one encoder suits both.
    """
    if descriptor is not None and settings.to in ("raw", "y4m"):
        note_upright(info, counts)
        raw = RawVideoSink(descriptor, settings.to, info)
        return [PlainOutput(raw), *_recording(settings, info, counts, stack)]
    shared = settings.tee is not None and not _is_single(settings)
    tee = settings.tee if shared else None
    encoder = _opened(info, _coding(settings, info, tee, to_file=descriptor is None), counts, stack)
    first: PacketSink = (
        _file(settings, settings.output, encoder, stack)
        if descriptor is None
        else stack.enter_context(closing(PipeSink(descriptor, settings.to, encoder)))
    )
    outputs = [output_to(first, counts)]
    if tee is None:
        return [EncodedOutput(encoder, outputs), *_recording(settings, info, counts, stack)]
    outputs.append(_beside(settings, tee, encoder, counts, stack))
    return [EncodedOutput(encoder, outputs)]


def _recording(
    settings: PipeSettings, info: StreamInfo, counts: FrameCounts, stack: ExitStack
) -> tuple[FrameOutput, ...]:
    """Return the recording beside a stream, with an encoder of its own, where one is wanted."""
    if settings.tee is None:
        return ()
    encoder = _opened(info, _coding_of_file(settings, settings.tee, info), counts, stack)
    return (EncodedOutput(encoder, (_beside(settings, settings.tee, encoder, counts, stack),)),)


def _beside(
    settings: PipeSettings, path: Path, encoder: Encoder, counts: FrameCounts, stack: ExitStack
) -> Output:
    """Return a recording beside a stream: where it fails, it fails alone."""
    return output_to(_file(settings, path, encoder, stack), counts, OnFailure.GIVE_UP)


def _is_single(settings: PipeSettings) -> bool:
    """Return whether every frame is coded on its own, which no recording is."""
    return settings.to == "mjpeg" or (settings.to == "nut" and settings.encode.codec is None)


def _coding(
    settings: PipeSettings, info: StreamInfo, tee: Path | None, *, to_file: bool
) -> EncoderOptions:
    asked = settings.encode
    says = tee is None or format_of(tee).turns
    if to_file:
        options = _coding_of_file(settings, settings.output, info)
        return replace(options, upright=options.upright or not says)
    upright = not (says and STREAMS[settings.to].turns)
    plain = EncoderOptions("raw", reorder=False, live=True, upright=upright)
    if settings.to == "mjpeg":
        return replace(plain, codec="mjpeg", crf=asked.crf)
    if settings.to == "nut" and asked.codec is None:
        return plain
    codec = codec_for(info, "", asked.codec)
    return replace(plain, codec=codec, encoder=asked.encoder, crf=asked.crf, preset=asked.preset)


def _coding_of_file(settings: PipeSettings, path: Path, info: StreamInfo) -> EncoderOptions:
    asked = settings.encode
    upright = not format_of(path).turns
    codec = codec_for(info, path.suffix, asked.codec)
    return EncoderOptions(
        codec, asked.encoder, asked.crf, asked.preset, reorder=False, upright=upright
    )


def _opened(
    info: StreamInfo, coding: EncoderOptions, counts: FrameCounts, stack: ExitStack
) -> Encoder:
    return stack.enter_context(closing(open_encoder(info, coding, counts)))


def _file(settings: PipeSettings, path: Path, encoder: Encoder, stack: ExitStack) -> FileSink:
    overwrite = settings.encode.overwrite
    return stack.enter_context(closing(open_file(path, encoder, overwrite=overwrite)))
