"""A YAML file as values, and the line that each of its keys stands on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import yaml

from blurcam.errors import ConfigError
from blurcam.settings.declaration import Fault

Place = tuple[str | int, ...]
# The largest site there is has some thousand.
_MOST_NODES: Final = 100_000
_MERGE: Final = "tag:yaml.org,2002:merge"


@dataclass(frozen=True, slots=True)
class YamlDocument:
    """What a YAML file holds, where, and which keys are given twice."""

    values: Any
    lines: dict[Place, int]
    faults: tuple[Fault, ...]

    def line(self, place: Place) -> int | None:
        """Return the line of a key, or of the nearest key around it."""
        for length in range(len(place), 0, -1):
            if place[:length] in self.lines:
                return self.lines[place[:length]]
        return None


def read_yaml(text: str) -> YamlDocument:
    """Read the text of a YAML file; raises ConfigError that shows no value."""
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        walk = _Walk(loader)
        if node is not None:
            _refuse_bomb(node)
            walk.visit(node, ())
        values = None if node is None else loader.construct_document(node)
    except yaml.YAMLError as exc:
        mark = getattr(exc, "problem_mark", None)
        where = f"line {mark.line + 1}: " if mark is not None else ""
        said = " ".join(str(getattr(exc, "problem", None) or "is not YAML").split())
        raise ConfigError(f"{where}{said}") from None
    except (ValueError, TypeError, RecursionError):  # whose texts would show values
        raise ConfigError("holds a key, a number or a date that YAML cannot have") from None
    return YamlDocument(values, walk.lines, tuple(walk.faults))


def _refuse_bomb(root: yaml.Node) -> None:
    """Raise ConfigError where aliases make a small file hold far more than any would."""
    sizes: dict[int, int] = {}

    def size(node: yaml.Node) -> int:
        if id(node) not in sizes:
            sizes[id(node)] = 1  # for an alias within what it names
            parts = node.value if isinstance(node, yaml.CollectionNode) else ()
            if isinstance(node, yaml.MappingNode):
                parts = [each for pair in node.value for each in pair]
            sizes[id(node)] = 1 + sum(size(each) for each in parts)
        return sizes[id(node)]

    if size(root) > _MOST_NODES:
        raise ConfigError(f"holds more than {_MOST_NODES} values once its aliases are filled in")


class _Walk:
    """Notes the line of each key, and each key that is given twice: YAML silently takes the last.

    A node that aliases repeat is visited once, so that no file takes long.
    """

    def __init__(self, loader: yaml.SafeLoader) -> None:
        self.lines: dict[Place, int] = {}
        self.faults: list[Fault] = []
        self._loader = loader
        self._visited: set[int] = set()

    def visit(self, node: yaml.Node, place: Place) -> None:
        if id(node) in self._visited:
            return
        self._visited.add(id(node))
        if isinstance(node, yaml.MappingNode):
            self._visit_mapping(node, place)
        elif isinstance(node, yaml.SequenceNode):
            for number, each in enumerate(node.value):
                self.lines[*place, number] = each.start_mark.line + 1
                self.visit(each, (*place, number))

    def _visit_mapping(self, node: yaml.MappingNode, place: Place) -> None:
        seen = set()
        for key_node, value_node in node.value:
            if key_node.tag == _MERGE:
                continue
            key: Any = self._loader.construct_object(key_node, deep=True)
            line = key_node.start_mark.line + 1
            if key in seen:
                first = self.lines[*place, key]
                self.faults.append(Fault((*place, key), f"is given twice, first in line {first}"))
            seen.add(key)
            self.lines[*place, key] = line
            self.visit(value_node, (*place, key))
