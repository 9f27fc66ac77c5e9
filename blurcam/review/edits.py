"""What a reviewer decided about one recording: values, and the file that lies beside the output.

Times in it are numbers of frames, and boxes are in pixels of the frame as it is stored, as in a
regions file. Tracks are those of the regions file that the edits were made for.
"""

from __future__ import annotations

import hashlib
import json
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from blurcam.batch.output_names import EDITS
from blurcam.errors import ConfigError, SinkWriteError
from blurcam.runtime.files import write_file

FORMAT: Final = 1
_FARTHEST: Final = 1 << 20
_MOST_SAID: Final = 5

Frames = Annotated[int, Field(ge=0, le=1 << 40)]
Pixel = Annotated[int, Field(ge=-_FARTHEST, le=_FARTHEST)]
Track = Annotated[int, Field(ge=0)]
Words = Annotated[str, Field(min_length=1, max_length=500, pattern=r"\S")]
"""A reason, or a name: something that can be read."""
Corners = tuple[Pixel, Pixel, Pixel, Pixel]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ReviewedFinding(_Part):
    """A place that a verification took for a face, as it is told: seconds and a box."""

    time: Annotated[float, Field(ge=0)]
    until: Annotated[float, Field(ge=0)] = 0.0
    box: Corners
    confidence: float | None = None

    @model_validator(mode="after")
    def _has_an_area(self) -> ReviewedFinding:
        _refuse_empty(self.box)
        return self


class AcceptEdit(_Part):
    """A finding is nothing that has to be covered."""

    op: Literal["accept"] = "accept"
    finding: ReviewedFinding
    reason: Literal["not a face", "art", "head from behind", "other"]
    note: Annotated[str, Field(max_length=500)] = ""

    @model_validator(mode="after")
    def _says_what(self) -> AcceptEdit:
        if self.reason == "other" and not self.note.strip():
            raise ValueError("another reason has to be given in words")
        return self


class WatchedEdit(_Part):
    """Somebody has watched the recording from its beginning to its end, and saw no face."""

    op: Literal["watched"] = "watched"
    by: Words
    note: Annotated[str, Field(max_length=500)] = ""


class HideEdit(_Part):
    """A track is no face: it is not covered any more."""

    op: Literal["hide"] = "hide"
    track: Track
    reason: Literal["not a face"] = "not a face"
    note: Words


class MergeEdit(_Part):
    """Tracks are of one face, which is covered also between them."""

    op: Literal["merge"] = "merge"
    tracks: Annotated[tuple[Track, ...], Field(min_length=2, max_length=1000)]


class ExtendEdit(_Part):
    """A track is covered from or to another frame, where it was last seen."""

    op: Literal["extend"] = "extend"
    track: Track
    to: Frames


class GrowEdit(_Part):
    """The cover of a track is so many times as wide and high."""

    op: Literal["grow"] = "grow"
    track: Track
    factor: Annotated[float, Field(gt=1, le=4)]


class SpareEdit(_Part):
    """One person is shown: a track is left uncovered, as somebody has decided."""

    op: Literal["spare"] = "spare"
    track: Track
    by: Words
    reason: Words
    confirmed: Literal[True]


class ShapeKey(_Part):
    """Where a shape is on one frame: the box of an ellipse, or the points of a polygon."""

    frame: Frames
    box: Corners | None = None
    points: Annotated[tuple[tuple[Pixel, Pixel], ...], Field(max_length=200)] = ()

    @model_validator(mode="after")
    def _is_one_shape(self) -> ShapeKey:
        if (self.box is None) == (not self.points):
            raise ValueError("a key has a box or points")
        if self.box is not None:
            _refuse_empty(self.box)
        elif len(self.points) < 3:
            raise ValueError("a polygon has three points or more")
        return self


class DrawEdit(_Part):
    """A shape is covered from ``first`` to ``last``, without which it is on every frame.

    Between two keys it moves along a line; before the first and after the last it stands still.
    ``finding`` is what it covers, where a verification had found it.
    """

    op: Literal["draw"] = "draw"
    keys: Annotated[tuple[ShapeKey, ...], Field(min_length=1, max_length=10_000)]
    first: Frames | None = None
    last: Frames | None = None
    finding: ReviewedFinding | None = None

    @model_validator(mode="after")
    def _fits(self) -> DrawEdit:
        frames = [key.frame for key in self.keys]
        if any(a >= b for a, b in pairwise(frames)):
            raise ValueError("keys are in order, one a frame")
        if len({len(key.points) for key in self.keys}) > 1:
            raise ValueError("the keys of a shape have equally many points")
        if self.first is not None and self.last is not None and self.first > self.last:
            raise ValueError("a shape ends after it begins")
        return self


Edit = Annotated[
    AcceptEdit | WatchedEdit | HideEdit | MergeEdit | ExtendEdit | GrowEdit | SpareEdit | DrawEdit,
    Field(discriminator="op"),
]


UNCOVERING: Final = (HideEdit, SpareEdit)
"""The edits that take cover away."""
JUDGING: Final = (AcceptEdit, WatchedEdit)
"""The edits that change no frame."""


class ReviewEdits(_Part):
    """All edits of one recording, whose they are, and which regions they are about."""

    format: Literal[1] = FORMAT
    input_sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    regions_sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    reviewer: Annotated[str, Field(max_length=200)] = ""
    saved_at: Annotated[str, Field(max_length=40)] = ""
    edits: Annotated[tuple[Edit, ...], Field(max_length=100_000)] = ()

    @property
    def drawn_sha256(self) -> str:
        """A hash of the edits that change a frame; of none, the empty text."""
        changing = [each for each in self.edits if not isinstance(each, JUDGING)]
        if not changing:
            return ""
        texts = sorted(each.model_dump_json() for each in changing)
        return hashlib.sha256("\n".join(texts).encode()).hexdigest()

    def to_json(self) -> str:
        """Return the file's text."""
        return json.dumps(self.model_dump(mode="json", exclude_none=True), indent=1) + "\n"


def _refuse_empty(box: Corners) -> None:
    if not (box[0] < box[2] and box[1] < box[3]):
        raise ValueError("a box is left, top, right, bottom")


def edits_schema() -> dict[str, Any]:
    """Return the JSON Schema of the file."""
    return ReviewEdits.model_json_schema()


def parse_edits(text: str | bytes, name: object) -> ReviewEdits:
    """Return the edits of a file's text; raises ConfigError, which says what is wrong where."""
    try:
        return ReviewEdits.model_validate_json(text)
    except ValidationError as exc:
        raise ConfigError("\n".join(f"{name}: {line}" for line in faults_in(exc))) from exc


def faults_in(error: ValidationError) -> list[str]:
    """Return what is wrong, a line for each fault."""
    lines = []
    for each in error.errors()[:_MOST_SAID]:
        place = ".".join(str(part) for part in each["loc"])
        said = each["msg"].removeprefix("Value error, ")
        lines.append(f"{place}: {said}" if place else said)
    return lines


def edits_path(output: Path) -> Path:
    """Return where the edits of an output lie."""
    return output.with_name(output.name + EDITS)


def read_edits(path: Path) -> ReviewEdits:
    """Read a file of edits; raises ConfigError."""
    try:
        text = path.read_bytes()
    except OSError as exc:
        raise ConfigError(f"{path}: cannot be read: {exc.strerror}") from exc
    return parse_edits(text, path)


def write_edits(path: Path, edits: ReviewEdits) -> str:
    """Write the file at once or not at all; return the SHA-256 of it; raises SinkWriteError."""
    content = edits.to_json().encode()
    try:
        write_file(path, content)
    except OSError as exc:
        raise SinkWriteError(f"{path}: cannot be written: {exc.strerror}") from exc
    return hashlib.sha256(content).hexdigest()
