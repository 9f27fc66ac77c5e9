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
    piping: PipeSettings,
    info: StreamInfo,
    outflow: OutputDescriptor | None,
    tally: FrameCounts,
    stack: ExitStack,
) -> list[FrameOutput]:
    """Open all that a stream is written to, ``outflow`` or a file first; ``stack`` closes them.

    What is recorded beside it is encoded once with it, where one encoder suits both.
    """
    if outflow is not None and piping.to in ("raw", "y4m"):
        note_upright(info, tally)
        raw = RawVideoSink(outflow, piping.to, info)
        return [PlainOutput(raw), *_recording(piping, info, tally, stack)]
    shared = piping.tee is not None and not _is_single(piping)
    tee = piping.tee if shared else None
    encoder = _opened(info, _coding(piping, info, tee, to_file=outflow is None), tally, stack)
    first: PacketSink = (
        _file(piping, piping.output, encoder, stack)
        if outflow is None
        else stack.enter_context(closing(PipeSink(outflow, piping.to, encoder)))
    )
    outputs = [output_to(first, tally)]
    if tee is None:
        return [EncodedOutput(encoder, outputs), *_recording(piping, info, tally, stack)]
    outputs.append(_beside(piping, tee, encoder, tally, stack))
    return [EncodedOutput(encoder, outputs)]


def _recording(
    piping: PipeSettings, info: StreamInfo, tally: FrameCounts, stack: ExitStack
) -> tuple[FrameOutput, ...]:
    """Return the recording beside a stream, with an encoder of its own, where one is wanted."""
    if piping.tee is None:
        return ()
    encoder = _opened(info, _coding_of_file(piping, piping.tee, info), tally, stack)
    return (EncodedOutput(encoder, (_beside(piping, piping.tee, encoder, tally, stack),)),)


def _beside(
    piping: PipeSettings, path: Path, encoder: Encoder, tally: FrameCounts, stack: ExitStack
) -> Output:
    """Return a recording beside a stream: where it fails, it fails alone."""
    return output_to(_file(piping, path, encoder, stack), tally, OnFailure.GIVE_UP)


def _is_single(piping: PipeSettings) -> bool:
    """Whether every picture goes out on its own, which no recording is made of."""
    return piping.to == "mjpeg" or (piping.to == "nut" and piping.encode.codec is None)


def _coding(
    piping: PipeSettings, info: StreamInfo, tee: Path | None, *, to_file: bool
) -> EncoderOptions:
    asked = piping.encode
    says = tee is None or format_of(tee).turns
    if to_file:
        options = _coding_of_file(piping, piping.output, info)
        return replace(options, upright=options.upright or not says)
    upright = not (says and STREAMS[piping.to].turns)
    plain = EncoderOptions("raw", reorder=False, live=True, upright=upright)
    if piping.to == "mjpeg":
        return replace(plain, codec="mjpeg", crf=asked.crf)
    if piping.to == "nut" and asked.codec is None:
        return plain
    codec = codec_for(info, "", asked.codec)
    return replace(plain, codec=codec, encoder=asked.encoder, crf=asked.crf, preset=asked.preset)


def _coding_of_file(piping: PipeSettings, path: Path, info: StreamInfo) -> EncoderOptions:
    asked = piping.encode
    upright = not format_of(path).turns
    codec = codec_for(info, path.suffix, asked.codec)
    return EncoderOptions(
        codec, asked.encoder, asked.crf, asked.preset, reorder=False, upright=upright
    )


def _opened(
    info: StreamInfo, coding: EncoderOptions, tally: FrameCounts, stack: ExitStack
) -> Encoder:
    return stack.enter_context(closing(open_encoder(info, coding, tally)))


def _file(piping: PipeSettings, path: Path, encoder: Encoder, stack: ExitStack) -> FileSink:
    overwrite = piping.encode.overwrite
    return stack.enter_context(closing(open_file(path, encoder, overwrite=overwrite)))
