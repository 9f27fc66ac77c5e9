"""Labels: the true faces of pictures and recordings, read from the common formats."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from blurcam.errors import ConfigError
from blurcam.media.regions import Box

_K = TypeVar("_K")
_PICTURE_COLUMNS: Final = ("image", "x", "y", "w", "h")
_VIDEO_COLUMNS: Final = ("frame", "person", "x0", "y0", "x1", "y1")


@dataclass(frozen=True, slots=True)
class LabelledFace:
    """A true face in a picture or on a frame.

    ``track`` is the person; ``visible`` is the share of the box that nothing hides. A face that
    does not ``count`` is labelled as ambiguous: to find it is neither right nor wrong. ``row`` is
    its row in the labels.
    """

    track: str
    box: Box
    visible: float = 1.0
    counts: bool = True
    row: int = 0


@dataclass(frozen=True, slots=True)
class Labels:
    """The faces of many pictures, by name, or of one recording, by frame.

    A frame (or picture) without an entry was not labelled, and does not count. An empty entry means
    that there is no face.
    """

    path: Path
    pictures: dict[str, tuple[LabelledFace, ...]]
    frames: dict[int, tuple[LabelledFace, ...]]

    def refuse_outside(self, faces: tuple[LabelledFace, ...], width: int, height: int) -> None:
        """Raise ConfigError for a face that lies entirely outside the picture."""
        for face in faces:
            if face.visible and not face.box.meets(Box(0, 0, width, height)):
                raise ConfigError(
                    f"{self.path}: row {face.row}: the box lies outside the picture of "
                    f"{width}x{height}"
                )


def read_labels(path: Path) -> Labels:
    """Read labels: a WIDER-style CSV or COCO JSON of pictures; CSV, MOTChallenge or JSON of video.

    A CSV of pictures has the columns ``image,x,y,w,h`` and perhaps ``invalid``; of a recording
    ``frame,person,x0,y0,x1,y1`` with frames counted from 0. MOTChallenge text counts from 1. Raises
    :class:`~blurcam.errors.ConfigError` naming the file and the row.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as exc:
        raise ConfigError(f"{path}: cannot be read: {exc.strerror}") from exc
    except UnicodeDecodeError as exc:
        raise ConfigError(f"{path}: not text, so not labels") from exc
    labels = _json(path, text) if text.lstrip().startswith("{") else _rows(path, text)
    if not labels.pictures and not labels.frames:
        raise ConfigError(f"{path}: holds no labels")
    return labels


def _json(path: Path, text: str) -> Labels:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise ConfigError(f"{path}: not JSON: {exc}") from exc
    for name in ("annotations", "images", "frames"):
        if not isinstance(document.get(name, []), list):
            raise ConfigError(f"{path}: its {name} are no list")
    if "annotations" in document and "images" in document:
        return _coco(path, document)
    if "frames" in document:
        return _frames(path, document)
    raise ConfigError(f"{path}: {_UNKNOWN}")


def _coco(path: Path, document: dict[str, Any]) -> Labels:
    pictures: dict[str, list[LabelledFace]] = {}
    names: dict[Any, str] = {}
    for entry in document["images"]:
        with NamedRow(path, len(names) + 1, "image"):
            names[entry["id"]] = str(entry["file_name"])
            pictures[names[entry["id"]]] = []
    for row, entry in enumerate(document["annotations"], 1):
        with NamedRow(path, row, "annotation"):
            x, y, wide, high = map(float, entry["bbox"])
            skip = bool(entry.get("iscrowd", 0) or entry.get("ignore", 0))
            box = _box(x, y, x + wide, y + high)
            face = LabelledFace(str(entry.get("id", row)), box, counts=not skip, row=row)
            pictures[names[entry["image_id"]]].append(face)
    return Labels(path, _settled(pictures), {})


def _frames(path: Path, document: dict[str, Any]) -> Labels:
    frames: dict[int, tuple[LabelledFace, ...]] = {}
    for row, entry in enumerate(document["frames"], 1):
        with NamedRow(path, row, "frame"):
            frames[int(entry["seq"])] = tuple(
                LabelledFace(
                    str(face["track"]),
                    _box(face["x0"], face["y0"], face["x1"], face["y1"]),
                    float(face.get("visible", 1)),
                    row=row,
                )
                for face in entry["faces"]
            )
    return Labels(path, {}, frames)


def _rows(path: Path, text: str) -> Labels:
    lines = text.splitlines()
    header = tuple(lines[0].replace(" ", "").split(",")) if lines else ()
    if header[: len(_PICTURE_COLUMNS)] == _PICTURE_COLUMNS:
        return _picture_csv(path, lines)
    if header[: len(_VIDEO_COLUMNS)] == _VIDEO_COLUMNS:
        return _video_csv(path, lines)
    if len(header) >= 6 and all(_is_number(value) for value in header):
        return _mot(path, lines)
    raise ConfigError(f"{path}: {_UNKNOWN}" if text.strip() else f"{path}: holds no labels")


_UNKNOWN: Final = (
    "not labels that blurcam knows: CSV headed image,x,y,w,h or frame,person,x0,y0,x1,y1, "
    "MOTChallenge text, COCO JSON, or the JSON of a sample video"
)


def _picture_csv(path: Path, lines: list[str]) -> Labels:
    pictures: dict[str, list[LabelledFace]] = {}
    for number, row in _entries(path, lines):
        with NamedRow(path, number):
            x, y, wide, high = (float(row[key]) for key in ("x", "y", "w", "h"))
            skip = int(row.get("invalid") or 0) == 1 or wide < 1 or high < 1
            box = _box(x, y, x + max(1.0, wide), y + max(1.0, high))
            face = LabelledFace(str(number), box, counts=not skip, row=number)
            pictures.setdefault(row["image"], []).append(face)
    return Labels(path, _settled(pictures), {})


def _video_csv(path: Path, lines: list[str]) -> Labels:
    frames: dict[int, list[LabelledFace]] = {}
    for number, row in _entries(path, lines):
        with NamedRow(path, number):
            box = _box(*(float(row[key]) for key in ("x0", "y0", "x1", "y1")))
            frames.setdefault(int(row["frame"]), []).append(
                LabelledFace(row["person"], box, row=number)
            )
    return Labels(path, {}, _settled(frames))


def _mot(path: Path, lines: list[str]) -> Labels:
    """Read ``frame,id,left,top,width,height,confidence,class,visibility``, frames from 1 on."""
    frames: dict[int, list[LabelledFace]] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        with NamedRow(path, number):
            fields = [float(value) for value in line.split(",")]
            x, y, wide, high = fields[2:6]
            counts = len(fields) < 7 or fields[6] != 0
            visible = fields[8] if len(fields) > 8 and fields[8] >= 0 else 1.0
            box = _box(x, y, x + wide, y + high)
            face = LabelledFace(str(int(fields[1])), box, visible, counts, number)
            frames.setdefault(int(fields[0]) - 1, []).append(face)
    return Labels(path, {}, _settled(frames))


def _entries(path: Path, lines: list[str]) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        yield from enumerate(csv.DictReader(lines, skipinitialspace=True), 2)
    except csv.Error as exc:
        raise ConfigError(f"{path}: is not CSV: {exc}") from exc


class NamedRow:
    """Adds the row to any error of reading it."""

    def __init__(self, path: Path, number: int, kind: str = "row") -> None:
        """Name the file, and what its rows are called."""
        self._where = f"{path}: {kind} {number}"

    def __enter__(self) -> None:
        """Begin to read the row."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Raise ConfigError in place of any error of a wrong row."""
        if isinstance(error, KeyError):
            raise ConfigError(f"{self._where}: there is no {error}") from error
        if isinstance(error, ValueError | TypeError | ArithmeticError | LookupError):
            raise ConfigError(f"{self._where}: {' '.join(str(error).split())}") from error
        if isinstance(error, AttributeError):
            raise ConfigError(f"{self._where}: is not a row of labels") from error


def _box(x0: float, y0: float, x1: float, y1: float) -> Box:
    return Box.around(float(x0), float(y0), float(x1), float(y1))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _settled(faces: dict[_K, list[LabelledFace]]) -> dict[_K, tuple[LabelledFace, ...]]:
    return {key: tuple(each) for key, each in faces.items()}
