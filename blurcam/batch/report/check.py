"""Whether a report, and the files that it speaks of, are as blurcam wrote them."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from blurcam.batch.output_folder import PRIVATE
from blurcam.batch.output_names import EDITS, shown
from blurcam.batch.report.contents import unknown_fields
from blurcam.batch.report.document import DOCUMENT, PAGE
from blurcam.batch.report.hash_chain import faults
from blurcam.errors import ConfigError, SourceOpenError
from blurcam.runtime.counts import counted

# So many files that the report does not know are named; the others are counted.
_NAMED: Final = 50


def read_report(path: Path) -> dict[str, Any]:
    """Return a report; raises ConfigError for what is none, or says one thing twice."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=_once)
    except OSError as exc:
        raise SourceOpenError(f"{path}: cannot be read: {exc.strerror}") from exc
    except ValueError as exc:
        raise ConfigError(f"{path}: cannot be read as a report: {exc}") from exc
    if not isinstance(document, dict) or not isinstance(document.get("header"), dict):
        raise ConfigError(f"{path}: is not a report of blurcam")
    return document


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object of JSON. A name that stands twice could mean either value."""
    values = dict(pairs)
    if len(values) < len(pairs):
        raise ValueError("a field stands twice in one object")
    return values


def report_faults(path: Path, document: dict[str, Any], key: Path | None) -> Iterator[str]:
    """Yield all that shows the report was changed; ``key`` must have signed it, where given."""
    page = path.with_suffix(Path(PAGE).suffix)
    yield from faults(document, page.read_bytes() if page.exists() else None, key)
    yield from unknown_fields(document)


def file_faults(document: dict[str, Any], root: Path) -> Iterator[str]:
    """Yield which outputs were changed, and which files in the folder the report does not know."""
    known = set()
    for entry in document["files"]:
        for digest, is_earlier in _digests(entry):
            name = _name(entry)
            known |= {name, name + EDITS}
            yield from _changed(root / name, entry["output"], digest, is_earlier=is_earlier)
    yield from _unknown(root, known)


def _digests(entry: dict[str, Any]) -> Iterator[tuple[str, bool]]:
    """Yield the SHA-256 that the output must have, and whether it is an earlier redaction's."""
    if "hashes" not in entry:  # of a report of format 1
        if entry["state"] == "done":
            yield entry["output_sha256"], False
        return
    for each in entry["hashes"]:
        if each["of"] in ("output", "earlier output"):
            yield each["sha256"], each["of"] == "earlier output"


def _changed(path: Path, told: str, digest: str, *, is_earlier: bool) -> Iterator[str]:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                yield f"{told} is not a file"
            elif hashlib.file_digest(file, "sha256").hexdigest() != digest:
                yield f"{told} was changed"
    except FileNotFoundError:
        if not is_earlier:
            yield f"{told} cannot be read: it is not there"
    except OSError as exc:
        yield f"{told} cannot be read: {exc.strerror}"


def _unknown(root: Path, known: set[str]) -> Iterator[str]:
    count = 0
    for name in _names(root):
        if name in known or name in (DOCUMENT, PAGE):
            continue
        count += 1
        if count <= _NAMED:
            yield f"{shown(name)} is not in the report"
    if count > _NAMED:
        yield f"{counted(count - _NAMED, 'more file')} not in the report"


def _names(root: Path) -> Iterator[str]:
    """Yield all that lies below a folder but folders, without what blurcam keeps for itself."""
    for folder, folders, files in os.walk(root):
        if Path(folder) == root and PRIVATE in folders:
            folders.remove(PRIVATE)
        folders.sort()
        links = [each for each in folders if Path(folder, each).is_symlink()]
        for name in sorted([*files, *links]):
            yield os.fspath(Path(folder, name).relative_to(root))


def _name(entry: dict[str, Any]) -> str:
    """Return the name of an output as it is on disk, where it need be no text."""
    if "output_base64" in entry:
        return os.fsdecode(base64.b64decode(entry["output_base64"]))
    return str(entry["output"])
