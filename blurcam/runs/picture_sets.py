"""Picture sets: a name stands for one picture, a folder, a pattern or a numbered row of them."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from blurcam.errors import ConfigError, SourceOpenError
from blurcam.sources.picture import is_picture

_NUMBER = re.compile(r"%0?(\d*)d")


@dataclass(frozen=True, slots=True)
class PictureSet:
    """Pictures with their outputs; ``left_out`` are other files of the same folder."""

    pairs: tuple[tuple[Path, Path], ...]
    left_out: int = 0


def is_set(given: Path) -> bool:
    """Return whether a name stands for many pictures, or for a folder."""
    if given.is_dir():
        return True
    if os.path.lexists(given):
        return False
    return glob.has_magic(os.fspath(given)) or _NUMBER.search(given.name) is not None


def picture_set(given: Path, out: Path) -> PictureSet:
    """Return the pictures that a name stands for, and their outputs below the folder ``out``.

    Raises SourceOpenError if there are none, ConfigError for an output that is not a folder.
    """
    if out.is_file():
        raise ConfigError(f"{out}: is a file; many pictures need a folder")
    found = sorted(_found(given))
    pictures = [(path, name) for path, name in found if is_picture(path)]
    if not pictures:
        raise SourceOpenError(f"{given}: holds no picture; recordings in a folder: blurcam batch")
    pairs = tuple((path, out / name) for path, name in pictures)
    twice = len(pairs) - len({target for _, target in pairs})
    if twice:
        raise ConfigError(f"{given}: pictures of one name from several folders; name the folder")
    return PictureSet(pairs, len(found) - len(pairs))


def _found(given: Path) -> Iterator[tuple[Path, Path]]:
    """Yield every file that the name may stand for, with its place below the output."""
    if given.is_dir():
        for path in given.rglob("*"):
            if path.is_file() and not path.name.startswith("."):
                yield path, path.relative_to(given)
        return
    number = _NUMBER.search(given.name)
    if number is None:
        for each in glob.glob(os.fspath(given), recursive=True):  # noqa: PTH207 - absolute too
            if Path(each).is_file():
                yield Path(each), Path(Path(each).name)
        return
    digits = rf"\d{{{number[1]}}}" if number[1] else r"\d+"
    before, after = given.name[: number.start()], given.name[number.end() :]
    pattern = re.compile(re.escape(before) + digits + re.escape(after))
    if given.parent.is_dir():
        for path in given.parent.iterdir():
            if pattern.fullmatch(path.name):
                yield path, Path(path.name)
