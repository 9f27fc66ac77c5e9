"""How a setting is declared: once, with its type, its default, its limits and what it is for.

A group of settings is a frozen dataclass that pydantic checks. Options of the command line, keys of
``cameras.yaml``, its JSON schema and the reference tables are all made from these declarations.
"""

from __future__ import annotations

import dataclasses
import difflib
import re
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, is_dataclass, replace
from functools import wraps
from typing import Any, Final, TypeVar, dataclass_transform

import annotated_types
import pydantic
from pydantic import ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

from blurcam.errors import ConfigError

_Class = TypeVar("_Class", bound=type)

STRICT: Final = ConfigDict(
    extra="forbid", allow_inf_nan=False, hide_input_in_errors=True, arbitrary_types_allowed=True
)
_LIMITS: Final = ("greater_than_equal", "less_than_equal", "finite_number")
_UNKNOWN: Final = ("unexpected_keyword_argument", "extra_forbidden")
_PLAIN: Final = {
    "missing": "is required",
    "missing_argument": "is required",
    "bool_parsing": "is neither true nor false",
    "bool_type": "is neither true nor false",
    "float_parsing": "is not a number",
    "float_type": "is not a number",
    "int_parsing": "is not a whole number",
    "int_from_float": "is not a whole number",
    "int_type": "is not a whole number",
    "string_type": "is not a text",
    "invalid_key": "is not a text",
    "path_type": "is not a path",
    "list_type": "is not a list",
    "tuple_type": "is not a list",
    "dict_type": "is not a mapping of keys",
    "model_type": "is not a mapping of keys",
    "dataclass_type": "is not a mapping of keys",
}


class StrictModel(pydantic.BaseModel):
    """A part of a file of settings: it has these keys and no others."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, allow_inf_nan=False)


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one setting: the place of its key, and a sentence that shows no secret."""

    place: tuple[str | int, ...]
    text: str

    def __str__(self) -> str:
        """Return the key as written on the command line, then the sentence."""
        key = ".".join(str(part) for part in self.place).replace("_", "-")
        return f"{key}: {self.text}" if key else self.text


def where(place: Iterable[str | int]) -> str:
    """Return the place of a key as it is written: ``cameras.front.zones[0].mask``."""
    return re.sub(r"\.(\d+)(?=\.|$)", r"[\1]", ".".join(str(part) for part in place))


class SettingsError(ConfigError):
    """Settings that make no sense; ``faults`` has each of them."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        """Tell all faults in one line."""
        self.faults: Final = tuple(faults)
        super().__init__("; ".join(str(fault) for fault in self.faults))


def refusal(key: str, text: str) -> PydanticCustomError:
    """Return the error that a group's ``__post_init__`` raises for values that do not agree."""
    # The text is a template to pydantic, which would read braces in it.
    return PydanticCustomError("refused", "{text}", {"key": key, "text": text})


@dataclass_transform(frozen_default=True, field_specifiers=(dataclasses.field, Field))
def declared(*, kw_only: bool = False, within: str | None = None) -> Callable[[_Class], _Class]:
    """Make a class a group of settings: frozen, and checked when it is built.

    Faults name the key that the group stands under, ``within``, where there is one.

    Building one raises :class:`SettingsError` for a key that does not exist, a value outside its
    limits, and values that do not agree.
    """

    def decorate(cls: _Class) -> _Class:
        made: Any = pydantic.dataclasses.dataclass(
            frozen=True, slots=True, kw_only=kw_only, config=STRICT
        )(cls)
        unchecked = made.__init__

        @wraps(unchecked)
        def __init__(self: Any, *args: Any, **given: Any) -> None:
            try:
                unchecked(self, *args, **given)
            except ValidationError as exc:
                faults = faults_of(exc, made)
                if within is not None:
                    faults = [replace(each, place=(within, *each.place)) for each in faults]
                raise SettingsError(faults) from None

        made.__init__ = __init__
        return typing.cast(_Class, made)

    return decorate


def declarations(group: type, usual: object | None = None) -> dict[str, tuple[Any, Any]]:
    """Return, by name, the annotated type and the default of each setting of a group.

    Defaults are those of ``usual``, an instance, if there is one. ``...`` stands for none.
    """
    hints = _hints(group)
    found = {}
    for each in dataclasses.fields(group):
        default = ... if each.default is dataclasses.MISSING else each.default
        if usual is not None:
            default = getattr(usual, each.name)
        elif each.default_factory is not dataclasses.MISSING:
            default = each.default_factory()
        found[each.name] = (hints[each.name], default)
    return found


def description(hint: Any) -> str:
    """Return the description that an annotated type carries."""
    for each in getattr(hint, "__metadata__", ()):
        if isinstance(each, pydantic.fields.FieldInfo) and each.description:
            return each.description
    return ""


def is_read_by(function: object, hint: Any) -> bool:
    """Return whether pydantic passes values of this type through a function first."""
    if any(getattr(each, "func", None) is function for each in getattr(hint, "__metadata__", ())):
        return True
    return any(is_read_by(function, part) for part in typing.get_args(hint))


def is_optional(hint: Any) -> bool:
    """Return whether ``None`` is a value of this type."""
    while hasattr(hint, "__metadata__"):
        hint = hint.__origin__
    return type(None) in typing.get_args(hint)


def limits(hint: Any) -> tuple[float | None, float | None]:
    """Return the least and the greatest value that an annotated type allows."""
    found: list[float | None] = [None, None]
    for each in getattr(hint, "__metadata__", ()):
        for limit in each.metadata if isinstance(each, pydantic.fields.FieldInfo) else (each,):
            if isinstance(limit, annotated_types.Ge):
                found[0] = float(typing.cast(float, limit.ge))
            elif isinstance(limit, annotated_types.Le):
                found[1] = float(typing.cast(float, limit.le))
    return found[0], found[1]


def faults_of(error: ValidationError, group: type, *, show: bool = True) -> list[Fault]:
    """Return what pydantic found, in blurcam's words; ``show`` allows values within them."""
    faults, meant = [], set()
    for each in error.errors(include_url=False):
        place = each["loc"]
        if is_dataclass(group) and place and isinstance(place[0], int):  # given by position
            place = (dataclasses.fields(group)[place[0]].name, *place[1:])
        owner, hint = _declared_at(group, place)
        if each["type"] in _UNKNOWN:
            meant |= {(*place[:-1], near) for near in _near(str(place[-1]), _hints(owner))}
        place = (*place, each["ctx"]["key"]) if each["type"] == "refused" else place
        text = _sentence(each, hint, list(_hints(owner)), show=show)
        is_name = place[-1:] == ("[key]",)
        faults.append((each["type"], Fault(place[:-1] if is_name else place, text)))
    # Where a key is misspelt, that it is missing is no second fault.
    return [fault for kind, fault in faults if kind != "missing" or fault.place not in meant]


def _declared_at(group: type, place: tuple[str | int, ...]) -> tuple[type, Any]:
    """Return the group that holds the key at this place, and the key's annotated type."""
    hint: Any = None
    for part in place:
        inner = bare(hint)
        if typing.get_origin(inner) in (dict, list, tuple):
            hint = typing.get_args(inner)[-1 if typing.get_origin(inner) is dict else 0]
            continue
        group = inner if isinstance(inner, type) and _is_group(inner) else group
        hint = _hints(group).get(str(part))
    return group, hint


def bare(hint: Any) -> Any:
    """Return a type without its annotations, and without ``None`` as its other choice."""
    while hasattr(hint, "__metadata__"):
        hint = hint.__origin__
    others = [each for each in typing.get_args(hint) if each is not type(None)]
    is_optional = type(None) in typing.get_args(hint) and len(others) == 1
    return bare(others[0]) if is_optional else hint


def _is_group(kind: type) -> bool:
    return is_dataclass(kind) or issubclass(kind, pydantic.BaseModel)


def _hints(group: type) -> dict[str, Any]:
    hints = typing.get_type_hints(group, include_extras=True)
    return {name: hint for name, hint in hints.items() if not name.startswith(("_", "model_"))}


def _sentence(error: Mapping[str, Any], hint: Any, names: list[str], *, show: bool) -> str:
    kind, given = error["type"], error["input"]
    if kind in _UNKNOWN:
        return f"unknown key{nearest(str(error['loc'][-1]), names)}"
    least, most = limits(hint)
    if kind in _LIMITS and least is not None:
        least_and_most = (
            f"between {least:g} and {most:g}" if most is not None else f"{least:g} or more"
        )
        return f"{float(given):g} is not {least_and_most}"
    if kind == "literal_error":
        return _no_choice(given, hint, show=show)
    if kind == "too_short":
        return f"needs {error['ctx']['min_length']} or more, not {error['ctx']['actual_length']}"
    said = error["msg"].removeprefix("Value error, ")
    return _PLAIN.get(kind, f"{said[:1].lower()}{said[1:]}")


def _no_choice(given: object, hint: Any, *, show: bool) -> str:
    names = choices(hint)
    if show:
        return f'there is no "{given}"; choose one of {", ".join(names)}'
    return f"choose one of {', '.join(names)}{nearest(str(given), names)}"


def choices(hint: Any) -> list[str]:
    """Return what the ``Literal`` within a type allows."""
    if typing.get_origin(hint) is typing.Literal:
        return [str(each) for each in typing.get_args(hint)]
    inner = typing.get_args(hint)[:1] if hasattr(hint, "__metadata__") else typing.get_args(hint)
    return [name for each in inner for name in choices(each)]


def nearest(given: str, names: Iterable[str]) -> str:
    """Return a question that names what may have been meant; nothing where no name is near."""
    return "".join(f'; did you mean "{near}"?' for near in _near(given, names))


def _near(given: str, names: Iterable[str]) -> list[str]:
    return difflib.get_close_matches(given, list(names), n=1, cutoff=0.5)
