"""Lengths of time and sizes of files, as people write them: ``90s``, ``7 days``, ``50G``."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Final

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

_TIME: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_WORDS: Final = {
    "s": ("sec", "second"), "m": ("min", "minute"), "h": ("hour",), "d": ("day",), "w": ("week",)
}  # fmt: skip
TIME: dict[str, int] = dict(_TIME)
for _unit, _names in _WORDS.items():
    TIME |= {name + plural: _TIME[_unit] for name in _names for plural in ("", "s")}
SIZE: dict[str, int] = {"b": 1}
for _power, _prefix in enumerate("kmgt", start=1):
    SIZE |= {_prefix: 1000**_power, f"{_prefix}b": 1000**_power}
    SIZE |= {f"{_prefix}i": 1024**_power, f"{_prefix}ib": 1024**_power}


def reader(units: Mapping[str, int], examples: str) -> Callable[[object], object]:
    """Return a reader of numbers with a unit; a number without one is seconds, or bytes."""

    def read(value: object) -> object:
        if not isinstance(value, str):
            return value
        match = re.fullmatch(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*([A-Za-z]*)\s*", value, re.ASCII)
        factor = units.get(match[2].lower()) if match is not None and match[2] else 1
        if match is None or factor is None:
            raise PydanticCustomError(
                "amount", "is not an amount; write {examples}", {"examples": examples}
            )
        return float(match[1]) * factor

    return read


read_seconds: Final = reader(TIME, "90s, 5m, 12h or 7d")
read_bytes: Final = reader(SIZE, "500MB or 20GB")

Seconds = Annotated[float, BeforeValidator(read_seconds)]
"""Seconds, also written with a unit."""

Bytes = Annotated[int, BeforeValidator(lambda given: _whole(read_bytes(given)))]
"""Bytes, also written with a unit."""


def _whole(value: object) -> object:
    return int(value) if isinstance(value, float) else value
