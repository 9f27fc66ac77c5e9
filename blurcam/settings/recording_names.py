"""The names of a camera's recordings: what a strftime pattern makes, and what it recognises."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Final

from blurcam.errors import ConfigError
from blurcam.settings.name_forms import (
    KNOWN,
    MONTHS,
    NUMBERED,
    NamePiece,
    expression_of,
    have_common_name,
    literal,
    pieces_of,
    spelled_out,
)

# Moments whose names must be recognised again: fields at their least and at their greatest.
_PROBES: Final = (
    datetime(2001, 1, 1, 0, 0, 0, 0, UTC),
    datetime(2026, 9, 21, 14, 13, 20, 123456, UTC),
    datetime(2032, 12, 31, 23, 59, 59, 999999, UTC),
)


@dataclass(frozen=True, slots=True)
class NamePattern:
    """A strftime pattern for recordings: makes names, recognises them, and reads their time.

    Times are in UTC; with ``%z`` in the pattern in local time with its offset, so that no hour is
    written twice. A pattern without any directive is the name of a single file, and recognises
    nothing.
    """

    text: str
    root: Path = field(init=False)
    """The folder above the first directive: nothing outside it is ever touched."""
    _pieces: tuple[NamePiece, ...] = field(init=False, repr=False)
    _expression: re.Pattern[str] = field(init=False, repr=False)
    _folders: tuple[re.Pattern[str], ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Refuse a pattern whose names could not be recognised again, naming what is wrong."""
        path = Path(self.text)
        folders = path.parts[:-1]
        fixed = next((n for n, part in enumerate(folders) if "%" in part), len(folders))
        object.__setattr__(self, "root", Path(*folders[:fixed]))
        below = Path(*path.parts[fixed:])
        if ".." in below.parts:
            raise ConfigError(f'{self.text}: ".." may stand before the first directive only')
        try:
            stem = tuple(pieces_of(str(below).removesuffix(path.suffix)))
        except ValueError as exc:
            raise ConfigError(
                f"{self.text}: {exc} in a name cannot be recognised again, so that recordings "
                f"would never be deleted; use {' '.join(KNOWN)}"
            ) from None
        parts = spelled_out(str(below)).split("/")
        prefixes = ("/".join(parts[:length]) for length in range(1, len(parts)))
        folders_below = tuple(re.compile(expression_of(tuple(pieces_of(p)))) for p in prefixes)
        object.__setattr__(self, "_folders", folders_below)
        pieces = (*stem, NUMBERED, literal(path.suffix))
        object.__setattr__(self, "_pieces", pieces)
        object.__setattr__(self, "_expression", re.compile(expression_of(pieces)))
        self._prove()

    @property
    def is_pattern(self) -> bool:
        """Whether the clock changes the name."""
        return "%" in self.text

    def name_at(self, wall_time: float) -> Path:
        """Return the name of a recording that begins then."""
        return self._name(datetime.fromtimestamp(wall_time, UTC))

    def _name(self, moment: datetime) -> Path:
        local = moment.astimezone() if "%z" in self.text else moment
        return Path(local.strftime(self.text))

    def recognises(self, path: Path) -> bool:
        """Return whether the pattern makes this name at some moment, with a number or without."""
        return self._found(path) is not None

    def time_of(self, path: Path) -> float | None:
        """Return the time that a name tells; ``None`` if it is no name, or tells no whole date."""
        found = self._found(path)
        if found is None:
            return None
        pieces = enumerate(self._pieces)
        told = {p.directive[-1]: found[f"_{n}"] for n, p in pieces if p.directive}
        try:
            return _moment(told)
        except (ValueError, OverflowError):  # such as the 31st of February
            return None

    def _found(self, path: Path) -> re.Match[str] | None:
        if not self.is_pattern or not path.is_relative_to(self.root):
            return None
        return self._expression.fullmatch(str(path.relative_to(self.root)))

    def may_hold(self, folder: str) -> bool:
        """Return whether recordings may lie in a folder, given relative to the root, or below."""
        depth = folder.count("/")
        return depth < len(self._folders) and self._folders[depth].fullmatch(folder) is not None

    def overlaps(self, other: NamePattern) -> bool:
        """Return whether some name could belong to both: each would delete the other's files.

        Compares all names that the two can make, with symbolic links in their roots resolved.
        """
        return have_common_name(self._resolved(), other._resolved())

    def _resolved(self) -> tuple[NamePiece, ...]:
        root = os.path.realpath(self.root).rstrip("/") + "/"
        return (literal(root), *self._pieces)

    def _prove(self) -> None:
        """Make names, and read them again: the C library writes them, not this module."""
        for moment in _PROBES if self.is_pattern else ():
            name = self._name(moment)
            numbered = name.with_name(f"{name.stem}-12{name.suffix}")
            if not (self.recognises(name) and self.recognises(numbered)):
                raise ConfigError(f"{self.text}: makes the name {name}, and does not recognise it")
            told = self.time_of(name)
            if told is not None and not 0 <= moment.timestamp() - told < 86_400:
                raise ConfigError(f"{self.text}: makes the name {name}, and reads another day")


def share_names(one: str, other: str) -> bool:
    """Return whether two places of outputs are the same, or two patterns can make one name."""
    if "://" in one or "://" in other:
        return one == other
    return NamePattern(one).overlaps(NamePattern(other))


def _moment(told: dict[str, str]) -> float | None:
    """Return the time that the fields of a name tell, ``None`` where the date is not whole."""
    numbers = {key: int(text) for key, text in told.items() if text.strip().isdecimal()}
    year, month = _year(numbers), numbers.get("m", _month(told))
    day = numbers.get("d", numbers.get("e"))
    if year is None:
        return None
    if "j" in numbers:
        date = datetime(year, 1, 1, tzinfo=UTC) + timedelta(days=numbers["j"] - 1)
    elif day is not None and month is not None:
        date = datetime(year, month, day, tzinfo=UTC)
    else:
        return None
    moment = date.replace(
        hour=_hour(numbers, told),
        minute=numbers.get("M", 0),
        second=min(59, numbers.get("S", 0)),
        microsecond=numbers.get("f", 0),
        tzinfo=_zone(told.get("z", "+0000")),
    )
    return moment.timestamp()


def _year(numbers: dict[str, int]) -> int | None:
    if "Y" in numbers:
        return numbers["Y"]
    if "y" not in numbers:
        return None
    century = numbers.get("C", 19 if numbers["y"] >= 69 else 20)  # POSIX
    return 100 * century + numbers["y"]


def _month(told: dict[str, str]) -> int | None:
    name = told.get("b", told.get("B", ""))[:3]
    return next((n for n, month in enumerate(MONTHS, 1) if month[:3] == name), None)


def _hour(numbers: dict[str, int], told: dict[str, str]) -> int:
    hour = numbers.get("H", numbers.get("k"))
    if hour is not None:
        return hour
    is_afternoon = told.get("p", told.get("P", "")).lower() == "pm"
    return numbers.get("I", numbers.get("l", 12)) % 12 + 12 * is_afternoon


def _zone(offset: str) -> timezone:
    ahead = timedelta(hours=int(offset[1:3]), minutes=int(offset[3:]))
    return timezone(-ahead if offset[0] == "-" else ahead)
