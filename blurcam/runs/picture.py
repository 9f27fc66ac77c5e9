"""The run of one picture: it is searched as closely as ``thorough`` does, and redacted.

A picture has one chance: no other frame shows the same faces.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict, replace
from fractions import Fraction
from typing import Final, cast

import cv2
import numpy as np

from blurcam import __version__
from blurcam.detect.detector import Answered, Detection, Detector, Finding, merge
from blurcam.detect.profiles import passes_for
from blurcam.errors import ConfigError
from blurcam.media.formats import StreamInfo
from blurcam.media.frames import Frame, Plane
from blurcam.media.regions import Box, Coverage
from blurcam.redact.effects import Filled, make_effect
from blurcam.redact.gate import redact
from blurcam.redact.patches import Patch
from blurcam.runs.perception import covered, open_detector, searched
from blurcam.runs.summary import Summary
from blurcam.runtime.counts import FrameCounts
from blurcam.runtime.files import refuse_existing, refuse_same, sha256_of
from blurcam.settings.recording import Config
from blurcam.settings.redaction import Cover, Detect, Encode
from blurcam.sinks.picture import format_for, write_picture
from blurcam.sources.picture import Picture, read_picture
from blurcam.track.regions_file import Header, RegionReader, RegionWriter
from blurcam.track.zones import burn_in

# Larger pictures are searched in tiles, so that the search takes the same memory at any size. At
# twice the size, as `thorough` searches, a tile makes a view of 6144 pixels a side.
_TIFF: Final = (".tif", ".tiff")
_TILE: Final = 3072
# Every face up to this height lies entirely in some tile. Larger ones are found on the whole
# picture, reduced to the size of a tile.
_OVERLAP: Final = 512
# Settings that have no effect on a picture, by their group.
_OF_VIDEO: Final = {
    "encode": (Encode(), ("codec", "encoder", "crf", "preset", "audio")),
    "cover": (Cover(), ("lead", "hold", "bridge")),
    "detect": (Detect(), ("refresh",)),
}


def for_pictures(detect: Detect) -> Detect:
    """Return the settings for a picture: the profile ``thorough`` in place of the default."""
    is_usual = detect.profile == Detect().profile and detect.detector is None
    return replace(detect, profile="thorough") if is_usual else detect


def find(frame: Frame, detector: Detector, detect: Detect) -> Finding:
    """Return the faces of an upright picture of any size."""
    if max(frame.width, frame.height) <= _TILE + _OVERLAP:
        return _search(frame, detector, detect)
    found: list[Detection] = []
    for part, area, scale in _parts(frame):
        finding = _search(part, detector, detect)
        if not isinstance(finding, Answered):
            return finding
        found += [_in_picture(each, area, scale) for each in finding.detections]
    return Answered(merge(found))


def _search(frame: Frame, detector: Detector, detect: Detect) -> Finding:
    info = StreamInfo("picture", frame.width, frame.height, frame.pixel_format, frame.time_base)
    ((_, finding),) = searched([frame], info, detector, detect)
    return finding


def _parts(frame: Frame) -> Iterator[tuple[Frame, Box, float]]:
    """Yield the tiles of a picture, then the whole picture reduced to the size of a tile."""
    for y in _starts(frame.height):
        for x in _starts(frame.width):
            area = Box(x, y, min(frame.width, x + _TILE), min(frame.height, y + _TILE))
            yield _part(frame, area, 1.0), area, 1.0
    whole = Box(0, 0, frame.width, frame.height)
    scale = _TILE / max(frame.width, frame.height)
    yield _part(frame, whole, scale), whole, scale


def _starts(size: int) -> list[int]:
    if size <= _TILE:
        return [0]
    step = _TILE - _OVERLAP
    return [*range(0, size - _TILE, step), size - _TILE]


def _part(frame: Frame, area: Box, scale: float) -> Frame:
    """Return a part of a picture, whose planes all have one size, as a picture of its own."""
    planes = tuple(plane[area.y0 : area.y1, area.x0 : area.x1] for plane in frame.planes)
    if scale != 1:
        size = (max(1, round(area.width * scale)), max(1, round(area.height * scale)))
        planes = tuple(
            cast(Plane, cv2.resize(plane, size, interpolation=cv2.INTER_AREA)) for plane in planes
        )
    return Frame(planes, frame.pixel_format, 0, 0, frame.time_base)


def _in_picture(found: Detection, area: Box, scale: float) -> Detection:
    box = found.box
    return Detection(
        Box.around(
            area.x0 + box.x0 / scale,
            area.y0 + box.y0 / scale,
            area.x0 + box.x1 / scale,
            area.y0 + box.y1 / scale,
        ),
        found.confidence,
    )


class _Opaque:
    """The effect for alpha channels: covered areas become opaque."""

    name = "opaque"
    reads_face = False

    def fill(self, patches: Sequence[Patch]) -> list[Filled]:
        """Return the greatest value."""
        return [
            tuple(
                np.full(patch.shape, (1 << patch.bits) - 1, plane.dtype) for plane in patch.planes
            )
            for patch in patches
        ]


def _note_losses(config: Config, picture: Picture, counts: FrameCounts) -> None:
    """Note what the output does not keep of the picture."""
    for notice in picture.notices:
        counts.notice(f"{config.input_file}: {notice}")
    is_deep = picture.frame.pixel_format.depth > 8
    if is_deep and picture.traits.profile and config.output.suffix.lower() in _TIFF:
        counts.notice(f"{config.output}: a TIFF of 16 bits is written without the colour profile")


def redact_picture(config: Config, *, detector: Detector | None = None) -> Summary:
    """Redact one picture file; raises a :class:`~blurcam.errors.BlurcamError`.

    A ``detector`` that was opened for these settings is used and stays open.
    """
    _refuse_settings_of_video(config)
    format_for(config.output)
    for path in (config.output, config.regions, config.summary):
        if path is not None:
            refuse_same(config.input_file, path)
            refuse_existing(path, overwrite=config.encode.overwrite)
    started, counts = time.monotonic(), FrameCounts(frames_in=1)
    picture = read_picture(config.input_file)
    _note_losses(config, picture, counts)
    with ExitStack() as stack:
        origin = _Origin(config, counts, detector, stack)
        coverage = origin.coverage(picture.frame)
        redacted = redact(picture.frame, coverage, make_effect(config.effect))
        # The alpha channel may show the outline of a covered face: it goes through the same gate.
        alpha = None
        if picture.alpha is not None and coverage.reason is None:
            alpha = redact(picture.alpha, coverage, _Opaque())
        counts.covered(coverage)
        write_picture(
            config.output, redacted, alpha, picture.traits, overwrite=config.encode.overwrite
        )
        summary = origin.summary(picture.frame, counts, time.monotonic() - started)
    if config.regions is not None:
        _write_regions(config, picture.frame, coverage, summary)
    if config.summary is not None:
        summary.write(config.summary)
    return summary


def _refuse_settings_of_video(config: Config) -> None:
    for group, (usual, names) in _OF_VIDEO.items():
        for name in names:
            if getattr(getattr(config, group), name) != getattr(usual, name):
                raise ConfigError(f"{name}: has no effect on a picture")
    if config.profile_stages:
        raise ConfigError("profile-stages: has no effect on a picture")


class _Origin:
    """Where the coverage of a picture comes from: a detector, or a regions file."""

    def __init__(
        self, config: Config, counts: FrameCounts, lent: Detector | None, stack: ExitStack
    ) -> None:
        self._config = config
        self._counts = counts
        self._detect = for_pictures(config.detect)
        self._reader: RegionReader | None = None
        self._detector: Detector | None = None
        if config.render_from is not None:
            self._reader = RegionReader(config.render_from, config.cover.margin)
            stack.callback(self._reader.close)
        else:
            self._detector = lent or stack.enter_context(closing(open_detector(self._detect)))

    def coverage(self, frame: Frame) -> Coverage:
        """Return what must be covered: everything if the search did not answer."""
        if self._reader is not None:
            self._refuse_foreign(frame, self._reader.header)
            drawn = burn_in(self._reader.redraw([frame], self._counts), self._config.cover.masks)
            ((_, coverage),) = drawn
            return coverage
        assert self._detector is not None
        finding = find(frame, self._detector, self._detect)
        ((_, coverage),) = covered([(frame, finding)], self._config.cover, self._counts)
        return coverage

    def _refuse_foreign(self, frame: Frame, header: Header | None) -> None:
        if header is not None and (
            (header.width, header.height) != (frame.width, frame.height)
            or header.input_sha256 != sha256_of(self._config.input_file)
        ):
            raise ConfigError(
                f"{self._config.render_from}: made for another input than {self._config.input_file}"
            )

    def summary(self, frame: Frame, counts: FrameCounts, wall: float) -> Summary:
        config, detector, reader = self._config, self._detector, self._reader
        passes = None
        if detector is not None:
            passes = passes_for(self._detect, detector.threshold, frame.width, frame.height)
        summary = Summary.of(
            counts,
            detector,
            passes,
            input=config.input,
            output=config.output,
            effect=config.effect,
            duration=Fraction(0),
            wall=wall,
        )
        return replace(
            summary,
            detector=summary.detector or str(config.render_from),
            input_sha256=sha256_of(config.input_file),
            output_sha256=sha256_of(config.output),
            regions_removed=reader.removed if reader else 0,
            regions_added=reader.added if reader else 0,
        )


def _write_regions(config: Config, frame: Frame, coverage: Coverage, summary: Summary) -> None:
    assert config.regions is not None
    with closing(RegionWriter(config.regions, overwrite=config.encode.overwrite)) as writer:
        list(writer.record([(frame, coverage)]))
        settings = {"detector": summary.detector, "effect": config.effect, **asdict(config.cover)}
        digest = summary.input_sha256
        writer.finish(Header(digest, frame.width, frame.height, 1, settings, __version__))
