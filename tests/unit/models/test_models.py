"""Models: only the pinned bytes, wherever they come from."""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from blurcam.errors import ModelError
from blurcam.models import manifest
from blurcam.models.fetch import listing, pull
from blurcam.models.load import load
from blurcam.models.manifest import Model, RemoteFile, WheelMember, models

CONTENT = b"weights, let us say" * 50
DIGEST = hashlib.sha256(CONTENT).hexdigest()


def toy(*sources: WheelMember | RemoteFile, sha256: str = DIGEST) -> Model:
    return Model(
        "toy", "toy.onnx", len(CONTENT), sha256, "MIT", "us", "any", "tests", True, sources
    )


@pytest.fixture
def models_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "models"
    folder.mkdir()
    monkeypatch.setenv("BLURCAM_MODELS", str(folder))
    return folder


@pytest.fixture
def pin(monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    def set_manifest(model: Model) -> None:
        monkeypatch.setattr(manifest, "models", lambda: {"toy": model})
        monkeypatch.setattr("blurcam.models.fetch.models", lambda: {"toy": model})

    return set_manifest


def test_the_manifest_pins_every_model() -> None:
    assert set(models()) == {"centerface", "mediapipe-full", "mediapipe-short", "yunet"}
    for model in models().values():
        assert len(model.sha256) == 64
        assert model.size > 100_000
        assert model.sources
        for source in model.sources:
            if isinstance(source, WheelMember):
                assert len(source.sha256) == 64
            else:
                assert source.url.startswith("https://")


def test_pinned_bytes_are_loaded(models_folder: Path, pin) -> None:  # type: ignore[no-untyped-def]
    pin(toy())
    (models_folder / "toy.onnx").write_bytes(CONTENT)
    assert load("toy") == CONTENT


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "is missing"),
        (CONTENT[:-1], "cut short"),
        (CONTENT[:-1] + b"X", "not the pinned"),
        (CONTENT + b"X", "not the pinned"),
        (b"", "cut short"),
    ],
)
def test_anything_else_is_refused_by_name(  # type: ignore[no-untyped-def]
    models_folder: Path, pin, content: bytes | None, told: str
) -> None:
    pin(toy())
    if content is not None:
        (models_folder / "toy.onnx").write_bytes(content)
    with pytest.raises(ModelError, match=told) as caught:
        load("toy")
    assert "toy.onnx" in str(caught.value)
    assert "blurcam models pull toy" in str(caught.value)


def test_a_mirror_folder_is_enough(models_folder: Path, pin, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    pin(toy())
    (tmp_path / "toy.onnx").write_bytes(CONTENT)
    assert list(pull(["toy"], mirror=tmp_path)) == [f"toy: fetched from {tmp_path / 'toy.onnx'}"]
    assert load("toy") == CONTENT
    assert list(pull(["toy"], mirror=tmp_path)) == ["toy: is here"]


def test_a_mirror_with_other_bytes_is_refused_and_nothing_is_written(  # type: ignore[no-untyped-def]
    models_folder: Path, pin, tmp_path: Path
) -> None:
    pin(toy())
    (tmp_path / "toy.onnx").write_bytes(b"E" * len(CONTENT))
    with pytest.raises(ModelError, match="not the pinned toy"):
        list(pull(["toy"], mirror=tmp_path))
    assert list(models_folder.iterdir()) == []


def wheel(folder: Path, content: bytes = CONTENT, requires: str = ">=3") -> Path:
    path = folder / "toybox-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("toybox/toy.onnx", content)
        head = "Metadata-Version: 2.1\nName: toybox\nVersion: 1.0\n"
        metadata = f"{head}Requires-Python: {requires}\n"
        archive.writestr("toybox-1.0.dist-info/METADATA", metadata)
        archive.writestr("toybox-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr("toybox-1.0.dist-info/RECORD", "")
    return path


def member(path: Path) -> WheelMember:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return WheelMember("toybox", "1.0", "any", digest, "toybox/toy.onnx")


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that pip is set up to take its wheels from."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def test_a_wheel_from_wherever_pip_looks_is_opened_for_one_file(  # type: ignore[no-untyped-def]
    models_folder: Path, pin, index: Path
) -> None:
    pin(toy(member(wheel(index))))
    assert list(pull(["toy"])) == ["toy: fetched from wheel toybox 1.0"]
    assert load("toy") == CONTENT


def test_a_wheel_for_another_python_is_opened_too(  # type: ignore[no-untyped-def]
    models_folder: Path, pin, index: Path
) -> None:
    made = wheel(index, requires="==3.9.*")
    pin(toy(replace(member(made), python="3.9")))
    assert list(pull(["toy"])) == ["toy: fetched from wheel toybox 1.0"]


def test_another_wheel_of_the_same_name_is_refused(models_folder: Path, pin, index: Path) -> None:  # type: ignore[no-untyped-def]
    pinned = member(wheel(index))
    wheel(index, CONTENT[::-1])
    pin(toy(pinned))
    with pytest.raises(ModelError, match="not the pinned wheel"):
        list(pull(["toy"]))
    assert list(models_folder.iterdir()) == []


def test_plain_http_is_refused(models_folder: Path, pin) -> None:  # type: ignore[no-untyped-def]
    pin(toy(RemoteFile("http://127.0.0.1:9/toy.onnx")))
    with pytest.raises(ModelError, match="not an HTTPS address"):
        list(pull(["toy"]))


def test_the_listing_tells_what_is_here_and_what_is_wrong(models_folder: Path, pin) -> None:  # type: ignore[no-untyped-def]
    pin(toy())
    assert [(s.present, s.wrong) for s in listing()] == [(False, None)]
    (models_folder / "toy.onnx").write_bytes(b"short")
    (state,) = listing()
    assert state.present
    assert "cut short" in str(state)


def test_a_name_that_is_no_model_is_refused() -> None:
    with pytest.raises(ModelError, match="centerface"):
        list(pull(["nothing"]))
