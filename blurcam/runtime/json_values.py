"""Values as JSON and back: settings, tasks and statuses on their way between processes.

Both ends are blurcam's own classes, which pydantic checks at the receiving end. Nothing is
unpickled, since a pickle could name code.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Hashable
from dataclasses import fields, is_dataclass
from enum import Enum
from fractions import Fraction
from functools import cache
from pathlib import PurePath
from typing import Any, TypeVar, cast

T = TypeVar("T")


def to_json(value: object) -> str:
    """Return a value as one line of JSON; raises ValueError for a number that is not finite."""
    return json.dumps(value, default=_plain, allow_nan=False)


def _plain(value: Any) -> object:
    """Return what JSON does not know as what it knows."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, PurePath):
        return os.fspath(value)  # JSON escapes the bytes of a name that is no text
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, Fraction):
        return str(value)
    if isinstance(value, Enum):
        return value.value
    raise TypeError(f"{type(value).__name__} is nothing that JSON can say")


def from_json(kind: type[T], text: str | bytes, what: str) -> T:
    """Return the value that :func:`to_json` wrote; fields of bytes are declared Base64Bytes.

    Raises ValueError, naming the key below ``what``, where one is unknown or of the wrong kind.
    """
    return from_values(kind, json.loads(text), what)


def from_values(kind: type[T], values: object, what: str) -> T:
    """Return the value of what JSON gave; see :func:`from_json`."""
    from pydantic import ValidationError

    try:
        value: T = _adapter(cast(Hashable, kind)).validate_python(values)
    except ValidationError as exc:
        first = exc.errors(include_url=False, include_input=False)[0]
        place = "".join(f"[{n}]" if isinstance(n, int) else f".{n}" for n in first["loc"])
        raise ValueError(f"{what}{place}: {first['msg']}") from None
    return value


@cache
def _adapter(kind: Hashable) -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(cast(Any, kind))
