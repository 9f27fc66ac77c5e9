"""The names of redacted recordings."""

from __future__ import annotations

import os
import string
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from blurcam.errors import ConfigError, SinkWriteError
from blurcam.sinks.picture import SUFFIXES as PICTURES

# The containers that blurcam writes. Any other input becomes the first of these.
CONTAINERS: Final = (".mp4", ".mkv", ".ts", ".webm")
# What a picture becomes that is read and not written: a GIF has no loss.
_PICTURE_EXT: Final = {".gif": ".png"}
EDITS: Final = ".edits.json"
"""What the name of an output is followed by in that of its edits, which a reviewer saves."""
REVIEW: Final = ".review.json"
"""The same of the record of its review, where it is of no job."""
_FIELDS: Final = frozenset({"stem", "suffix", "ext"})
# The longest name that most file systems take, in bytes.
_LONGEST: Final = 255


def shown(path: Path | str) -> str:
    """Return a path as printable text on one line, also where its bytes are no text."""
    text = os.fsencode(path).decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def check_template(template: str) -> None:
    """Raise ConfigError for a template that makes no name, or that has an unknown field."""
    said = shown(template)
    try:
        parsed = [each for each in string.Formatter().parse(template) if each[1] is not None]
    except ValueError as exc:
        raise ConfigError(f'name: "{said}" is not a template: {exc}') from exc
    fields = [name for _, name, _, _ in parsed]
    unknown = [name for name in fields if name not in _FIELDS]
    if unknown:
        named = shown(str(unknown[0]))
        raise ConfigError(f'name: there is no "{{{named}}}"; use {{stem}}, {{suffix}} and {{ext}}')
    if any(spec or conversion for _, _, spec, conversion in parsed):
        raise ConfigError(f'name: "{said}" has a format in it; write the fields alone')
    if "stem" not in fields:
        raise ConfigError(f'name: "{said}" gives all recordings one name; it needs {{stem}}')
    if "/" in template or "\0" in template:
        raise ConfigError(f'name: "{said}" is more than a name; folders are mirrored as they are')


def keeps_suffix(place: Path, *, is_picture: bool = False) -> bool:
    """Whether a redaction has the suffix of its input."""
    return place.suffix.lower() in (PICTURES if is_picture else CONTAINERS)


def names_for(template: str, place: Path, *, is_picture: bool = False) -> tuple[Path, Path]:
    """Return where, below the output folder, the redaction of a recording or picture goes.

    The second is for where the first is taken: ``a.avi`` and ``a.mov`` cannot both be ``a.mp4``.
    Raises ConfigError where that is no name, or a name that no file system takes.
    """
    suffix = place.suffix
    allowed = sorted(PICTURES) if is_picture else CONTAINERS
    ext = _PICTURE_EXT.get(suffix.lower(), ".jpg") if is_picture else CONTAINERS[0]
    if keeps_suffix(place, is_picture=is_picture):
        ext = suffix.lower()
    made = []
    for stem in (place.stem, place.name.replace(".", "_")):
        name = template.format(stem=stem, suffix=suffix, ext=ext)
        if Path(name).suffix.lower() not in allowed:
            raise ConfigError(
                f'name: "{shown(template)}" makes {shown(name)}; it has to end in {{ext}} or one '
                f"of {', '.join(allowed)}"
            )
        if name in ("", ".", "..") or "/" in name or len(os.fsencode(name)) > _LONGEST:
            raise ConfigError(f'name: "{shown(template)}" makes no usable name of {shown(place)}')
        made.append(place.with_name(name))
    return made[0], made[1]


@contextmanager
def translating_errors(path: Path) -> Iterator[None]:
    """Raise errors of the system as SinkWriteError, naming the path."""
    try:
        yield
    except OSError as exc:
        raise SinkWriteError(f"{shown(path)}: cannot be written: {exc.strerror}") from exc
