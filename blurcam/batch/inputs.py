"""The inputs of a job: files, folders, patterns and lists, as found on disk."""

from __future__ import annotations

import glob
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from blurcam.batch.output_names import shown
from blurcam.errors import ConfigError, SourceOpenError
from blurcam.sources.picture import SUFFIXES as PICTURES
from blurcam.sources.picture import is_picture

# The suffixes of video. A file with any other suffix is tried only if an input names it.
_NAMES: Final = (
    "264 265 3g2 3gp asf av1 avi dav divx dv f4v flv gif h264 h265 hevc ivf m2ts m2v m4v mjpeg "
    "mjpg mkv mov mp4 mpeg mpg mts mxf nut ogv ps rm rmvb trp ts vob webm wmv y4m"
)
_OURS: Final = "holds what blurcam writes"
SUFFIXES: Final = frozenset(f".{name}" for name in _NAMES.split())


@dataclass(frozen=True, slots=True)
class InputFile:
    """A file to redact: its path, its place below the root, and what shows a change of it.

    It ``is_picture`` if it is a picture and not an animation.
    """

    path: Path
    place: Path
    size: int
    modified_ns: int
    is_picture: bool = False


@dataclass(frozen=True, slots=True)
class SkippedInput:
    """A file that is not redacted, and why; ``is_by_age`` if it is a recording of another time."""

    path: Path
    why: str
    is_by_age: bool = False


@dataclass(frozen=True, slots=True)
class AgeWindow:
    """The range of times, in seconds since 1970, of the last change of the recordings."""

    since: float = float("-inf")
    until: float = float("inf")

    def __contains__(self, modified_ns: int) -> bool:
        """Whether a file that last changed then is in the range."""
        return self.since <= modified_ns / 1e9 < self.until


def select(
    inputs: Iterable[Path], kept_out: Iterable[Path], window: AgeWindow | None = None
) -> Iterator[InputFile | SkippedInput]:
    """Yield every recording among the inputs once, in order, and every file that is skipped.

    Inputs are files, folders (with all below them) and patterns. The place of a recording is its
    path below the folder that all inputs share. Nothing below a folder of ``kept_out`` is read.
    Raises ConfigError for an input that does not exist.
    """
    starts = [start for each in inputs for start in _expanded(each)]
    if not starts:
        return
    root = _root(starts)
    walls = {_identity(folder) for folder in kept_out if folder.is_dir()}
    seen: set[Path] = set()
    for start in starts:
        if walls & set(_lineage(start if start.is_dir() else start.parent)):
            yield SkippedInput(start, _OURS)
            continue
        for found in _below(start, walls):
            if isinstance(found, InputFile):
                if found.path in seen:
                    continue
                seen.add(found.path)
                if window is not None and found.modified_ns not in window:
                    yield SkippedInput(found.path, "is not of the time asked for", is_by_age=True)
                    continue
                place = found.path.relative_to(root)
                found = replace(found, place=place)
            yield found


def refuse_nothing(found: Iterable[InputFile | SkippedInput], inputs: list[Path]) -> None:
    """Raise ConfigError if there is no recording of any time among the inputs."""
    if not inputs or any(isinstance(each, InputFile) or each.is_by_age for each in found):
        return
    named = ", ".join(shown(each) for each in inputs[:3]) + (", …" if len(inputs) > 3 else "")
    raise ConfigError(f"{named}: no recording there; nothing was redacted")


def refuse_overlap(inputs: Iterable[Path], out: Path) -> None:
    """Raise ConfigError if the output folder is an input folder, or lies above or below one.

    A redacted tree among raw recordings is soon passed on with them. Files in the output folder
    that match a pattern are not refused: :func:`select` skips them.
    """
    above = set(_lineage(out))
    here = _identity(out) if out.is_dir() else None
    for given in inputs:
        if not given.is_dir():
            continue
        if here == _identity(given):
            what = "is the input itself"
        elif _identity(given) in above:
            what = f"lies in the input {shown(given)}"
        elif here in set(_lineage(given)):
            what = f"holds the input {shown(given)}"
        else:
            continue
        raise ConfigError(f"out: {shown(out)} {what}; choose a folder outside of it")


def _lineage(folder: Path) -> Iterator[tuple[int, int]]:
    """Yield the identities of a folder and of the folders that contain it, if they exist."""
    place = folder.resolve()
    for each in (place, *place.parents):
        with suppress(OSError):
            yield _identity(each)


def _expanded(given: Path) -> list[Path]:
    """Return the input, or the paths that it matches if it is a pattern."""
    if os.path.lexists(given):
        return [_absolute(given)]
    if glob.has_magic(os.fspath(given)):
        matches = sorted(glob.glob(os.fspath(given), recursive=True))  # noqa: PTH207 - absolute too
        if matches:
            return [_absolute(Path(each)) for each in matches]
        raise ConfigError(f"{shown(given)}: matches nothing; quote patterns, or name a folder")
    raise SourceOpenError(
        f"{shown(given)}: does not exist; name a recording, a folder or a pattern"
    )


def _absolute(path: Path) -> Path:
    """Return the path from the root of the file system, without ".."; links stay."""
    return Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow links


def _root(starts: list[Path]) -> Path:
    """Return the folder that all inputs share."""
    folders = [each if each.is_dir() else each.parent for each in starts]
    return Path(os.path.commonpath(folders))


def _identity(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino


def _below(start: Path, walls: set[tuple[int, int]]) -> Iterator[InputFile | SkippedInput]:
    if not start.is_dir():
        yield _judged(start, by_name=False)
        return
    if _identity(start) in walls:
        yield SkippedInput(start, _OURS)
        return
    try:
        entries = sorted(os.scandir(start), key=lambda entry: os.fsencode(entry.name))
    except OSError as exc:
        yield SkippedInput(start, f"cannot be read: {exc.strerror}")
        return
    for entry in entries:
        path = start / entry.name
        if entry.is_dir(follow_symlinks=False):
            yield from _below(path, walls)
        else:
            yield _judged(path, by_name=True)


def _judged(path: Path, *, by_name: bool) -> InputFile | SkippedInput:
    """Return the recording, or why it is none. ``by_name`` asks for a suffix of video."""
    try:
        if by_name and path.is_symlink():
            return SkippedInput(path, "is a symbolic link; name it to have it redacted")
        status = path.stat()
    except OSError as exc:
        return SkippedInput(path, f"cannot be read: {exc.strerror}")
    if not stat.S_ISREG(status.st_mode):
        return SkippedInput(path, "is not a file")
    if by_name and path.suffix.lower() not in SUFFIXES | PICTURES:
        return SkippedInput(
            path, "is neither video nor a picture, by its name; name it to have it tried"
        )
    if by_name and path.name.startswith("."):
        return SkippedInput(path, "is hidden, or not finished; name it to have it redacted")
    return InputFile(path, path, status.st_size, status.st_mtime_ns, is_picture(path))
