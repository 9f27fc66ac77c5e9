"""Pins travel with the code: the folder of the models may add models, and replaces no pin."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from blurcam.errors import ModelError
from blurcam.models import manifest
from blurcam.models.fetch import listing
from blurcam.models.load import load

CONTENT = b"other weights" * 40
PINNED = "centerface"

Added = Callable[..., Path]


def entry(name: str = "mine", file: str = "mine.onnx") -> str:
    return f"""
[[model]]
name = "{name}"
file = "{file}"
size = {len(CONTENT)}
sha256 = "{hashlib.sha256(CONTENT).hexdigest()}"
licence = "MIT"
origin = "a test"
input = "any"
good_for = "tests"
default = false

[[model.source]]
url = "https://example.org/mine.onnx"
"""


@pytest.fixture
def added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Added]:
    """Write the manifest of a folder of models, with a file for each of these names."""
    monkeypatch.setenv("BLURCAM_MODELS", str(tmp_path))

    def write(text: str, *names: str) -> Path:
        for name in names:
            (tmp_path / name).write_bytes(CONTENT)
        (tmp_path / "manifest.toml").write_text(text, encoding="utf-8")
        manifest.models.cache_clear()
        return tmp_path

    manifest.models.cache_clear()
    yield write
    manifest.models.cache_clear()


def test_the_pins_are_part_of_the_package() -> None:
    assert files("blurcam.models").joinpath("manifest.toml").is_file()
    assert PINNED in manifest.models()


def test_a_folder_may_add_a_model(added: Added) -> None:
    added(entry(), "mine.onnx")
    assert load("mine") == CONTENT
    assert [str(each.model.name) for each in listing() if each.present] == ["mine"]
    assert manifest.model(PINNED).size > 7_000_000


def test_a_folder_replaces_no_pin_by_name(added: Added) -> None:
    added(entry(PINNED, "other.onnx"), "other.onnx")
    with pytest.raises(ModelError, match="centerface is pinned by blurcam"):
        load(PINNED)


def test_a_folder_replaces_no_pin_by_file(added: Added) -> None:
    added(entry("mine", "centerface.onnx"), "centerface.onnx")
    with pytest.raises(ModelError, match="centerface is pinned by blurcam"):
        load("mine")


@pytest.mark.parametrize("file", ["../up.onnx", "/tmp/x.onnx", "a/b.onnx", "manifest.toml", ".."])
def test_a_model_lies_in_the_folder_itself(added: Added, file: str) -> None:
    added(entry("mine", file))
    with pytest.raises(ModelError, match="not the name of a file in the folder"):
        load("mine")


def load_or_refuse(name: str) -> None:
    with suppress(ModelError):
        load(name)


@given(st.text(max_size=300))
@example("[[model]]")
@example("model = 3")
@example("model = [3]")
@example("[[model]]\nsource = [{url = 1}]")
@example(entry().replace("size", "length"))
@example(entry().replace('"https', "3 #"))
@example(entry().replace("size = ", "size = 0x"))
@example(entry().replace('sha256 = "', 'sha256 = "0'))
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_manifest_of_any_text_is_read_or_refused(added: Added, text: str) -> None:
    added(text)
    with suppress(ModelError):
        for name in manifest.models():
            load_or_refuse(name)
