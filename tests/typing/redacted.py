"""Lines that must not type-check: each is a way to write a picture that was not redacted.

``warn_unused_ignores`` makes the type check fail as soon as one of them is allowed.
"""

from __future__ import annotations

from pathlib import Path

from blurcam.detect.detector import Accounted, Answered, Finding, Unanswered
from blurcam.encode.encoder import Encoder, RedactedPacket
from blurcam.media.frames import Frame
from blurcam.media.picture import PictureTraits
from blurcam.media.regions import Coverage, Region
from blurcam.redact.effects import Effect
from blurcam.redact.gate import RedactedFrame, redact
from blurcam.runs.chain import ShownFrame
from blurcam.runs.outputs import EncodedOutput
from blurcam.sinks.file import FileSink
from blurcam.sinks.picture import write_picture


def a_frame_is_not_encoded(encoder: Encoder, frame: Frame) -> None:
    encoder.encode(frame)  # type: ignore[arg-type]


def a_frame_is_not_written(sink: FileSink, frame: Frame, redacted: RedactedFrame) -> None:
    sink.write(frame)  # type: ignore[arg-type]
    sink.write(redacted)  # type: ignore[arg-type]


def a_frame_is_not_written_as_a_picture(
    path: Path, frame: Frame, redacted: RedactedFrame, traits: PictureTraits
) -> None:
    write_picture(path, frame, None, traits, overwrite=False)  # type: ignore[arg-type]
    write_picture(path, redacted, frame, traits, overwrite=False)  # type: ignore[arg-type]


def packets_come_from_the_encoder(sink: FileSink, data: bytes) -> None:
    sink.write(data)  # type: ignore[arg-type]
    RedactedPacket(data)  # type: ignore[call-arg]


def frames_do_not_pass_the_gate(
    frame: Frame, redacted: RedactedFrame, coverage: Coverage, output: EncodedOutput
) -> None:
    ShownFrame(frame, 0, 0.0, coverage)  # type: ignore[arg-type]
    output.write(frame)  # type: ignore[arg-type]
    output.write(redacted)  # type: ignore[arg-type]


def regions_are_not_a_coverage(frame: Frame, regions: tuple[Region, ...], effect: Effect) -> None:
    redact(frame, regions, effect)  # type: ignore[arg-type]
    redact(frame, None, effect)  # type: ignore[arg-type]


def what_is_not_known_is_not_empty(finding: Finding, unanswered: Unanswered) -> None:
    finding.detections  # type: ignore[union-attr]
    answered: Answered = unanswered  # type: ignore[assignment]
    accounted: Accounted = answered  # type: ignore[assignment]
    del accounted


def a_redacted_frame_does_not_change(redacted: RedactedFrame, frame: Frame) -> None:
    frame.planes = redacted.planes  # type: ignore[misc]


def coverage_does_not_shrink(coverage: Coverage) -> None:
    coverage.regions = ()  # type: ignore[misc]
    coverage.minus(())  # type: ignore[attr-defined]
