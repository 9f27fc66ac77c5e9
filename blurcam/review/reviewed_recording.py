"""One recording that somebody reviews: its frames as edits have them, and its file of edits."""

from __future__ import annotations

import getpass
import hashlib
import socket
import time
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Final

from blurcam.batch.review_steps import ReviewStep
from blurcam.errors import BlurcamError, ConfigError
from blurcam.media.regions import Box, Coverage
from blurcam.review.edited_regions import EditPlan
from blurcam.review.edits import (
    UNCOVERING,
    Edit,
    MergeEdit,
    ReviewEdits,
    edits_path,
    parse_edits,
    write_edits,
)
from blurcam.review.frame_reader import RedactedReader
from blurcam.review.region_index import RegionIndex
from blurcam.review.review_queue import ReviewItem
from blurcam.review.review_words import what, why
from blurcam.runs.regions_header import config_of
from blurcam.runtime.files import sha256_of
from blurcam.sinks.jpeg import cutout_of, jpeg_of

# Drafts that are kept: the page asks for the newest, and soon after for those before.
_DRAFTS: Final = 16
_WIDEST: Final = 1280
_TRACK_SIDE: Final = 160
# So much of the frame is shown about a track, as a multiple of its cover.
_AROUND: Final = 2.5


class EditsRefused(BlurcamError):
    """Somebody else saved edits of the recording meanwhile."""


class DraftForgotten(BlurcamError):
    """Frames were asked for as a draft has them that is not known any more: send it again."""


class ReviewedRecording:
    """A recording under review. One thread uses it."""

    def __init__(self, item: ReviewItem) -> None:
        """Open it; raises BlurcamError where it cannot be reviewed."""
        if item.regions is None:
            raise ConfigError(
                f"{item.name}: its regions are not on file, so that it cannot be edited; redact it "
                "again"
            )
        self.item = item
        self._drafts: OrderedDict[str, EditPlan] = OrderedDict()
        self._saved: ReviewEdits | None = None
        self.saved_sha256 = ""
        with ExitStack() as stack:
            self.index = stack.enter_context(closing(RegionIndex(item.regions)))
            self.refusal = self._refusal()
            self.reload()
            self._player, self._pictures = self._reader(), self._reader()
            stack.pop_all()  # from here on it is for close()

    def _refusal(self) -> str | None:
        """Return why no edit can be applied, ``None`` where all can."""
        source = self.item.source
        if source is None or not source.is_file():
            named = "" if source is None else f" ({source})"
            return (
                f"The recording that it was made from{named} is not there, so that edits cannot be "
                "applied. What is shown is the redacted output."
            )
        if sha256_of(source) != self.index.header.input_sha256:
            return (
                f"{source} is not the recording that it was made from, so that edits cannot be "
                "applied. What is shown is the redacted output."
            )
        return None

    def _reader(self) -> RedactedReader:
        header, count = self.index.header, len(self.index)
        size = header.width, header.height
        if self.refusal is not None:  # covered once more, since it might be any file
            return RedactedReader(self.item.output, size, count, "solid")
        assert self.item.source is not None
        config = config_of(header, self.item.source, self.item.output)
        return RedactedReader(
            self.item.source, size, count, config.effect, config.read_options, self.index.pts
        )

    # Edits.

    def reload(self) -> None:
        """Read the edits that are saved; raises ConfigError where they are of other regions."""
        path = edits_path(self.item.output)
        try:
            content = path.read_bytes()
        except OSError:
            self._saved, self.saved_sha256 = None, ""
            self._set_floor()
            return
        found = parse_edits(content, path)
        if found.regions_sha256 != self.index.sha256:
            raise ConfigError(
                f"{path}: was made for other regions than those of {self.item.name}; move it away "
                "to begin anew"
            )
        self._saved, self.saved_sha256 = found, hashlib.sha256(content).hexdigest()
        self._set_floor()

    def _set_floor(self) -> None:
        """Work out what is covered whatever a draft says: all that no saved edit takes away."""
        kinds = (*UNCOVERING, MergeEdit)
        on_record = [each for each in self.saved.edits if isinstance(each, kinds)]
        self._floor = EditPlan(on_record, self.index.spans)

    @property
    def saved(self) -> ReviewEdits:
        """The edits on file; none where nothing was saved."""
        return self._saved or self._edits("", ())

    def _edits(self, reviewer: str, edits: Sequence[Edit]) -> ReviewEdits:
        return ReviewEdits(
            input_sha256=self.index.header.input_sha256,
            regions_sha256=self.index.sha256,
            reviewer=reviewer,
            saved_at=time.strftime("%Y-%m-%dT%H:%M:%S%z"),
            edits=tuple(edits),
        )

    def draft(self, edits: Sequence[Edit]) -> str:
        """Take edits that are not saved; return the name by which frames show them."""
        text = "\n".join(each.model_dump_json() for each in edits)
        name = hashlib.sha256(text.encode()).hexdigest()[:16]
        self._drafts[name] = EditPlan(edits, self.index.spans)
        self._drafts.move_to_end(name)
        while len(self._drafts) > _DRAFTS:
            self._drafts.popitem(last=False)
        return name

    def plan(self, draft: str) -> EditPlan:
        """Return a draft; raises DraftForgotten."""
        try:
            return self._drafts[draft]
        except KeyError:
            raise DraftForgotten("this draft is not known any more; send it again") from None

    def save(self, reviewer: str, edits: Sequence[Edit], based_on: str) -> list[ReviewStep]:
        """Write the edits; return the steps that take cover away, which go on record.

        Raises EditsRefused where the file is not the one that the edits were ``based_on``.
        """
        before = self.saved
        self.reload()
        if self.saved_sha256 != based_on:
            raise EditsRefused(
                f"{self.saved.reviewer or 'Somebody'} saved edits of this recording at "
                f"{self.saved.saved_at or 'a time that is not known'}"
            )
        made = self._edits(reviewer, edits)
        self.saved_sha256 = write_edits(edits_path(self.item.output), made)
        self._saved = made
        self._set_floor()
        takes_away = any(isinstance(each, UNCOVERING) for each in made.edits)
        kinds = (*UNCOVERING, MergeEdit) if takes_away else ()
        new = [e for e in made.edits if isinstance(e, kinds) and e not in before.edits]
        return [self.step(made, what(each), why(each)) for each in new]

    def step(self, edits: ReviewEdits, said: str, reason: str, after: str = "") -> ReviewStep:
        """Return a step of this review."""
        digest = self.item.digest or ""
        return ReviewStep(edits.saved_at, edits.reviewer, said, reason, digest, after or digest)

    # Pictures.

    def coverage(self, frame: int, draft: str) -> Coverage:
        """Return the coverage of a frame as a draft has it.

        What takes cover away does so only once it is saved, and so on record.
        """
        made = self.index.coverage(frame)
        edited = self.plan(draft).edited(made)
        there = set(edited.regions)
        return edited.plus(each for each in self._floor.edited(made).regions if each not in there)

    def frame(self, number: int, draft: str) -> bytes:
        """Return a frame as JPEG, redacted as a draft has it."""
        return jpeg_of(self._player.redacted(self.coverage(number, draft)), _WIDEST)

    def track(self, track: int, draft: str) -> bytes:
        """Return a small picture about a track on its best frame; KeyError for no track."""
        facts = self.index.tracks[track]
        redacted = self._pictures.redacted(self.coverage(facts.best, draft))
        return cutout_of(redacted, facts.best_box.grown(_AROUND), _TRACK_SIDE)

    def finding(self, frame: int, box: Box, draft: str) -> bytes:
        """Return a small picture about a place on a frame."""
        redacted = self._pictures.redacted(self.coverage(frame, draft))
        return cutout_of(redacted, box.grown(_AROUND), _TRACK_SIDE)

    def close(self) -> None:
        """Release the files; safe to call twice."""
        self._player.close()
        self._pictures.close()
        self.index.close()


def usual_reviewer() -> str:
    """Return the name of the account that runs this process, as far as the system knows it."""
    try:
        name = getpass.getuser()
    except (OSError, KeyError):
        name = "somebody"
    return f"{name}@{socket.gethostname()}"


def edits_beside(output: Path) -> bool:
    """Whether edits of an output are saved."""
    return edits_path(output).exists()
