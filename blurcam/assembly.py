"""From settings to objects: the only module that names a concrete source, detector or sink."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from blurcam import __version__
from blurcam.buffering import prefetch
from blurcam.config import Config, Cover, Detect, EffectName, Polygon
from blurcam.detection import Detector, Finding
from blurcam.effects import make_effect
from blurcam.encoding import Coding, codec_for, open_encoder
from blurcam.errors import ConfigError, SourceReadError
from blurcam.frames import Frame
from blurcam.pipeline import redact_all, until_fault, write_all
from blurcam.plans import PROFILES, detector_of, looks_for, plan_of, smallest_face
from blurcam.regionfile import Header, RegionReader, RegionWriter
from blurcam.regions import Coverage
from blurcam.scan import scan
from blurcam.search import Looks, Search
from blurcam.selftest import prove
from blurcam.sinks import FileSink, open_file, refuse_same
from blurcam.sources import FileSource, open_audio, open_source
from blurcam.stats import Tally
from blurcam.streams import PIXEL_FORMATS, StreamInfo
from blurcam.summary import Summary
from blurcam.tracking import Reach, cover
from blurcam.views import Viewpoint
from blurcam.weights import load
from blurcam.zones import burn_in, ignore

# Decoded pictures that may wait for the detector: a few, since each 4K one takes 12 MB.
READER_DEPTH = 4

Covered = Iterator[tuple[Frame, Coverage]]


def open_detector(detect: Detect) -> Detector:
    """Return the detector that the settings name, loaded and proven on a known face.

    Raises :class:`~blurcam.errors.ModelError` for weights that are missing or not the pinned
    ones, and for a detector that does not find the known face.
    """
    detector = _DETECTORS[detector_of(detect)](detect)
    prove(detector)
    return detector


def _centerface(detect: Detect) -> Detector:
    from blurcam.detectors import centerface

    # What one pass only suspects, several may agree on: it reports more than counts in the end.
    asked = detect.threshold or PROFILES[detect.profile].looks.threshold
    threshold = min(asked, centerface.SUSPICION)
    return centerface.open_centerface(load("centerface"), threshold=threshold, device=detect.device)


def _mediapipe(detect: Detect) -> Detector:
    from blurcam.detectors import mediapipe

    threshold = detect.threshold or mediapipe.DEFAULT_THRESHOLD
    weights = load(f"mediapipe-{detect.range}")
    return mediapipe.open_mediapipe(weights, threshold=threshold, range=detect.range)


def _yunet(detect: Detect) -> Detector:
    from blurcam.detectors import yunet

    threshold = detect.threshold or yunet.DEFAULT_THRESHOLD
    return yunet.open_yunet(load("yunet"), threshold=threshold, device=detect.device)


_DETECTORS: dict[str, Callable[[Detect], Detector]] = {
    "centerface": _centerface,
    "mediapipe": _mediapipe,
    "yunet": _yunet,
}


class Run:
    """One redaction under way: exhaust :meth:`steps`, then :meth:`finish`."""

    def __init__(
        self,
        config: Config,
        info: StreamInfo,
        steps: Iterator[Fraction],
        finish: Callable[[], Summary],
    ) -> None:
        """Made by :func:`open_run` alone."""
        self.config = config
        self.info = info
        self._steps = steps
        self._finish = finish

    def steps(self) -> Iterator[Fraction]:
        """Redact and write; yield the media time, in seconds, of each frame handed over.

        When it ends, the video is complete under its final name.
        """
        return self._steps

    def finish(self) -> Summary:
        """Write the files that go beside the video, and return what was done."""
        return self._finish()


@contextmanager
def open_run(config: Config) -> Iterator[Run]:
    """Open everything a redaction of one recording needs, and release it at the end.

    Left without :meth:`Run.steps` exhausted, nothing is under the final names.
    """
    with ExitStack() as stack:
        yield _open_run(config, stack)


def _open_run(config: Config, stack: ExitStack) -> Run:
    started = time.monotonic()
    tally = Tally()
    for path in (config.output, config.regions, config.summary):
        if path is not None:
            _refuse_output(config, path)
    source = stack.enter_context(closing(open_source(config.input, tally)))
    frames = until_fault(prefetch(source.frames(), READER_DEPTH), tally)
    stack.callback(frames.close)
    origin = _Origin(config, source.info, tally, stack)
    covering = origin.covered(frames)
    writer = None
    if config.regions is not None:
        writer = RegionWriter(config.regions, overwrite=config.encode.overwrite)
        stack.callback(writer.close)
        covering = writer.record(covering)
    sink, steps = _open_output(config, source, covering, tally, stack)

    def finish() -> Summary:
        digest = sha256_of(config.input)
        summary = _summary(config, origin, sink, tally, digest, time.monotonic() - started)
        if writer is not None:
            writer.finish(_header(config, source.info, tally, digest, summary))
        if config.summary is not None:
            config.summary.write_text(summary.to_json() + "\n", encoding="utf-8")
        return summary

    return Run(config, source.info, steps, finish)


def _refuse_output(config: Config, path: Path) -> None:
    refuse_same(config.input, path)
    if path.exists() and not config.encode.overwrite:
        raise ConfigError(f"{path}: exists already; choose another name or add --overwrite")
    if not path.absolute().parent.is_dir():
        raise ConfigError(f"{path}: the folder {path.parent} does not exist; make it first")


class _Origin:
    """Where coverage comes from: a detector, or a regions file."""

    def __init__(self, config: Config, info: StreamInfo, tally: Tally, stack: ExitStack) -> None:
        self._config = config
        self._info = info
        self._tally = tally
        self.reader: RegionReader | None = None
        self.detector: Detector | None = None
        self.looks: Looks | None = None
        if config.render_from is not None:
            self.reader = RegionReader(config.render_from)
            stack.callback(self.reader.close)
            _refuse_foreign(config, self.reader.header, info)
        else:
            self.detector = open_detector(config.detect)
            stack.callback(self.detector.close)
            self.looks = looks_for(config.detect, self.detector.threshold, info.width, info.height)

    def covered(self, frames: Iterable[Frame]) -> Covered:
        """Yield every frame with its coverage."""
        masks = self._config.cover.masks
        if self.reader is not None:
            return burn_in(self.reader.redraw(frames, self._tally), masks)
        assert self.detector is not None
        found = searched(
            frames, self._info, self.detector, self._config.detect, self._config.cover.lead
        )
        return covered(found, self._config.cover, self._tally)


def searched(
    frames: Iterable[Frame], info: StreamInfo, detector: Detector, detect: Detect, lead: float
) -> Iterator[tuple[Frame, Finding]]:
    """Yield every frame with what the search says of it."""
    viewpoint = Viewpoint(info.sample_aspect_ratio, info.rotation)
    looks = looks_for(detect, detector.threshold, info.width, info.height)
    plan = plan_of(detect, detector.threshold, lead)
    return scan(frames, Search(detector, viewpoint, looks), plan)


def covered(
    found: Iterable[tuple[Frame, Finding]], settings: Cover, tally: Tally
) -> Iterator[tuple[Frame, Coverage]]:
    """Yield every frame with its coverage: tracked, and zones burnt in."""
    reach = Reach(settings.lead, settings.hold, settings.bridge, settings.margin)
    return burn_in(cover(ignore(found, settings.ignores), reach, tally), settings.masks)


def _refuse_foreign(config: Config, header: Header, info: StreamInfo) -> None:
    if (header.width, header.height) != (info.width, info.height) or (
        header.input_sha256 != sha256_of(config.input)
    ):
        raise ConfigError(
            f"{config.render_from}: made for another input than {config.input} "
            f"(SHA-256 {header.input_sha256[:12]}…, {header.width}x{header.height})"
        )


def _open_output(
    config: Config, source: FileSource, covering: Covered, tally: Tally, stack: ExitStack
) -> tuple[FileSink, Iterator[Fraction]]:
    asked = config.encode
    codec = codec_for(source.info, config.output.suffix, asked.codec)
    reorder = config.output.suffix.lower() != ".ts"
    coding = Coding(codec, asked.encoder, asked.crf, asked.preset, reorder)
    encoder = stack.enter_context(closing(open_encoder(source.info, coding, tally)))
    audio = open_audio(config.input) if asked.audio == "copy" else None
    if audio is not None:
        stack.callback(audio.close)
    sink = stack.enter_context(
        closing(open_file(config.output, encoder, overwrite=asked.overwrite, audio=audio))
    )
    redacted = redact_all(covering, make_effect(config.effect), tally)
    steps = write_all(redacted, encoder, (sink,), tally)
    stack.callback(steps.close)
    return sink, steps


def _summary(
    config: Config, origin: _Origin, sink: FileSink, tally: Tally, digest: str, wall: float
) -> Summary:
    detector, reader, looks = origin.detector, origin.reader, origin.looks
    return Summary(
        version=__version__,
        input=str(config.input),
        output=str(config.output),
        complete=tally.complete,
        frames_in=tally.frames_in,
        frames_redacted=tally.redacted,
        frames_covered_whole=sum(tally.covered_whole.values()),
        frames_dropped=tally.dropped,
        frames_frozen=tally.frozen,
        frames_lost=tally.lost,
        tracks=tally.tracks,
        detector=detector.name if detector else str(config.render_from),
        threshold=looks.threshold if looks else None,
        smallest_face=smallest_face(looks, detector.smallest_face) if looks and detector else None,
        effect=config.effect,
        duration_s=round(float(sink.duration), 6),
        wall_s=round(wall, 3),
        input_sha256=digest,
        output_sha256=sink.output_sha256,
        covered_whole_reasons={r.value: n for r, n in tally.covered_whole.items()},
        regions_removed=reader.removed if reader else 0,
        regions_added=reader.added if reader else 0,
        fault=None if tally.fault is None else str(tally.fault),
        notices=tuple(tally.notices),
    )


def _header(
    config: Config, info: StreamInfo, tally: Tally, digest: str, summary: Summary
) -> Header:
    settings = {
        "detector": summary.detector,
        "threshold": summary.threshold,
        "effect": config.effect,
        "profile": config.detect.profile,
        "scale": config.detect.scale,
        **asdict(config.cover),
    }
    return Header(digest, info.width, info.height, tally.frames_in, settings, __version__)


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as exc:
        raise SourceReadError(f"{path}: {exc.strerror}") from exc


def redact_pictures(
    pictures: Iterable[NDArray[np.uint8]],
    *,
    rate: Fraction,
    effect: EffectName,
    detect: Detect,
    cover: Cover,
) -> Iterator[NDArray[np.uint8]]:
    """Yield BGR pictures redacted; see :func:`blurcam.redact_frames`."""
    if rate <= 0:
        raise ConfigError(f"rate: {rate} is not a number of pictures a second")
    tally = Tally()
    info: StreamInfo | None = None
    arrays = iter(pictures)
    first = next(arrays, None)
    if first is None:
        return
    _check_picture(first, np.shape(first))
    info = StreamInfo(
        "numpy", first.shape[1], first.shape[0], PIXEL_FORMATS["gbrp"], 1 / rate, rate
    )
    with closing(open_detector(detect)) as detector:
        frames = _frames_of(first, arrays, info.time_base, tally)
        found = searched(frames, info, detector, detect, cover.lead)
        for redacted in redact_all(covered(found, cover, tally), make_effect(effect), tally):
            green, blue, red = redacted.planes
            yield np.dstack((blue, green, red)).astype(np.uint8, copy=False)


def _frames_of(
    first: NDArray[np.uint8], rest: Iterator[NDArray[np.uint8]], time_base: Fraction, tally: Tally
) -> Iterator[Frame]:
    seq = 0
    picture: NDArray[np.uint8] | None = first
    while picture is not None:
        _check_picture(picture, first.shape)
        planes = tuple(picture[..., i].copy() for i in (1, 0, 2))
        tally.frames_in += 1
        yield Frame(planes, PIXEL_FORMATS["gbrp"], seq, seq, time_base)
        seq += 1
        picture = next(rest, None)


def _check_picture(picture: NDArray[np.uint8], shape: tuple[int, ...]) -> None:
    if (
        picture.ndim != 3
        or picture.shape[2] != 3
        or picture.dtype != np.uint8
        or picture.shape != shape
    ):
        raise ConfigError(
            f"frames: a picture of {picture.shape} {picture.dtype}; blurcam takes uint8 arrays "
            f"(rows, columns, 3) of one size, channels in the order B, G, R"
        )


__all__ = ["Polygon", "Run", "open_detector", "open_run", "redact_pictures", "sha256_of"]
