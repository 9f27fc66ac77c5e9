"""What may stand in a report: anything else was put there by another hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

FORMAT: Final = 2
# So many faults are told at most.
_MOST: Final = 20


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Moment(_Part):
    time: float
    until: float | None = None
    what: str = ""
    track: int | None = None
    box: tuple[int, int, int, int] | None = None
    confidence: float | None = None


class _Reason(_Part):
    text: str
    moments: list[_Moment]


class _Hash(_Part):
    of: Literal["output", "input", "earlier output"]
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class _Timeline(_Part):
    start: int
    step: int
    faces: list[int]
    whole: list[int]


class _Verification(_Part):
    detector: str
    sees_from: int | None
    planted: int
    planted_found: int
    sampled: int


class _ReviewStep(_Part):
    at: str
    by: str
    what: str
    why: str
    before: str
    after: str


class _Entry(_Part):
    source: str
    output: str
    output_base64: str | None = None
    state: str
    verdict: str | None
    frames: int | None
    covered_whole: int | None
    lost: int | None
    tracks: int | None
    duration_s: float | None
    wall_s: float | None
    exposure_s: float | None
    attempts: int
    error: str | None
    hashes: list[_Hash]
    reasons: list[_Reason]
    doubts: list[_Moment] = []
    doubts_count: int = 0
    detector: str | None = None
    threshold: float | None = None
    smallest_face: int | None = None
    covered_whole_reasons: dict[str, int] | None = None
    timeline: _Timeline | None = None
    faces_per_minute: float | None = None
    verification: _Verification | None = None
    review: list[_ReviewStep] = []
    hash: str


class _Counts(_Part):
    files: int
    done: int
    review: int
    failed: int
    left: int
    unchanged: int


class _Header(_Part):
    by: str
    format: int
    version: str
    job: str
    made_at: str
    out: str
    settings: dict[str, Any]
    is_cosmetic: bool
    counts: _Counts
    frames: int
    hours: float


class _Signature(_Part):
    algorithm: str
    public_key: str
    value: str


class _Document(_Part):
    header: _Header
    header_hash: str
    files: list[_Entry]
    head: str
    page_sha256: str
    seal: str
    signature: _Signature | None = None


def unknown_fields(document: dict[str, Any]) -> Iterator[str]:
    """Yield a fault for each field that blurcam does not write, and each that is not as it is.

    Fields that the chain of hashes does not cover are found, too.
    """
    if document["header"].get("format") != FORMAT:
        return  # of another version, whose fields are not known here
    try:
        _Document.model_validate_json(json.dumps(document))
    except ValidationError as exc:
        for error in exc.errors()[:_MOST]:
            place = ".".join(str(each) for each in error["loc"])
            if error["type"] == "extra_forbidden":
                yield f"holds a field that blurcam does not write: {place}"
            else:
                yield f"its field {place} is not as blurcam writes it"
