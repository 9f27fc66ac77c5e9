"""What strftime's directives can write, and whether two patterns can write the same name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_DIGITS: Final = "0123456789"
MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

Form = tuple[str, ...]
"""One way to write something: for each character, the characters that may stand there."""


@dataclass(frozen=True, slots=True)
class NamePiece:
    """A part of a name: all forms that it can take, and the directive that writes it, or ""."""

    forms: tuple[Form, ...]
    directive: str = ""


def _number(width: int, pad: str = "0") -> tuple[Form, ...]:
    """Return the forms of a number; ``pad`` "" for no padding, " " for spaces."""
    full = (_DIGITS,) * width
    if pad == "0":
        return (full,)
    shorter = ((" ",) * (width - n if pad else 0) + full[:n] for n in range(1, width))
    return (*shorter, full)


def _words(*words: str) -> tuple[Form, ...]:
    return tuple(dict.fromkeys(tuple(word) for word in words))


# `%Z`, `%c`, `%x`, `%X` and `%s` are missing on purpose: they depend on the machine's settings, so
# that a name could not be recognised on another day.
_FORMS: Final[dict[str, tuple[Form, ...]]] = {
    **dict.fromkeys("mdHMSIyUWVgC", _number(2)),
    **dict.fromkeys("YG", _number(4)),
    **dict.fromkeys("ekl", _number(2, " ")),
    **dict.fromkeys("uw", _number(1)),
    "j": _number(3),
    "f": _number(6),
    "z": (("+-", *(_DIGITS,) * 4),),
    "p": _words("AM", "PM"),
    "P": _words("am", "pm"),
    "B": _words(*MONTHS),
    "b": _words(*(month[:3] for month in MONTHS)),
    "A": _words(*_DAYS),
    "a": _words(*(day[:3] for day in _DAYS)),
}
# `%-d` writes no padding, `%_d` spaces (GNU libc).
_WIDTHS: Final = {**dict.fromkeys("mdHMSIyUWVgC", 2), "j": 3}
_LONG: Final = {
    "%F": "%Y-%m-%d", "%T": "%H:%M:%S", "%R": "%H:%M", "%D": "%m/%d/%y", "%h": "%b",
    "%r": "%I:%M:%S %p",
}  # fmt: skip
KNOWN: Final = tuple(sorted([*_LONG, *(f"%{each}" for each in _FORMS)], key=str.lower))

# Names that are taken are numbered, from 2 on.
NUMBERED: Final = NamePiece(
    (
        (),
        ("-", "23456789"),
        *(("-", "123456789", *(_DIGITS,) * more) for more in range(1, 6)),
    )
)


def literal(text: str) -> NamePiece:
    """Return the piece that is always this text."""
    return NamePiece((tuple(text),))


def spelled_out(pattern: str) -> str:
    """Return the pattern with ``%F`` and the like written out: ``%D`` makes folders."""
    return re.sub(r"%.", lambda found: _LONG.get(found[0], found[0]), pattern)


def pieces_of(pattern: str) -> Iterator[NamePiece]:
    """Yield the pieces that a strftime pattern writes; ValueError with an unknown directive."""
    for found in re.finditer(r"%([-_]?)(.?)|[^%]+", spelled_out(pattern)):
        text, flag, letter = found[0], found[1], found[2]
        if not text.startswith("%"):
            yield literal(text)
        elif text == "%%":
            yield literal("%")
        elif not flag and letter in _FORMS:
            yield NamePiece(_FORMS[letter], text)
        elif flag and letter in _WIDTHS:
            yield NamePiece(_number(_WIDTHS[letter], "" if flag == "-" else " "), text)
        else:
            raise ValueError(text)


def expression_of(pieces: tuple[NamePiece, ...]) -> str:
    """Return the regular expression of all names; group ``_n`` is what piece n wrote.

    A directive that stands twice in a name writes the same twice.
    """
    made, first = [], dict[str, int]()
    for n, piece in enumerate(pieces):
        if piece.directive in first:
            made.append(f"(?P<_{n}>(?P=_{first[piece.directive]}))")
            continue
        if piece.directive:
            first[piece.directive] = n
        forms = ("".join(f"[{re.escape(each)}]" for each in form) for form in piece.forms)
        made.append(f"(?P<_{n}>{'|'.join(forms)})")
    return "".join(made)


def have_common_name(one: tuple[NamePiece, ...], other: tuple[NamePiece, ...]) -> bool:
    """Return whether two rows of pieces can write the same text: walks both side by side."""
    first, second = _steps(one), _steps(other)
    waiting, seen = [(0, 0)], {(0, 0)}
    while waiting:
        a, b = waiting.pop()
        following = [(to, b) for said, to in first[a] if not said]
        following += [(a, to) for said, to in second[b] if not said]
        following += [
            (to, too)
            for said, to in first[a]
            for also, too in second[b]
            if not set(said).isdisjoint(also)
        ]
        fresh = [pair for pair in following if pair not in seen]
        seen.update(fresh)
        waiting += fresh
    return (len(first) - 1, len(second) - 1) in seen


def _steps(pieces: tuple[NamePiece, ...]) -> list[list[tuple[str, int]]]:
    """Return an automaton: from each state the characters that may come, and the state after.

    No characters means a step without one. The last state is the end of a name.
    """
    steps: list[list[tuple[str, int]]] = [[]]
    for piece in pieces:
        start, ends = len(steps) - 1, []
        for form in piece.forms:
            state = start
            for said in form:
                steps.append([])
                steps[state].append((said, len(steps) - 1))
                state = len(steps) - 1
            ends.append(state)
        steps.append([])
        for state in ends:
            steps[state].append(("", len(steps) - 1))
    return steps
