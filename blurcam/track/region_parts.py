"""The regions of a recording's spans as those of the whole recording."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from blurcam.errors import ConfigError, SinkWriteError
from blurcam.runtime.files import StagedFile
from blurcam.track.regions_file import Header, open_lines, writing


def join_regions(parts: Sequence[Path], target: Path, header: Header) -> None:
    """Write the lines of the parts into one file, under ``header``.

    Frames and tracks of each part are numbered on from those before it: a face that crosses a cut
    is another track after it. Raises ConfigError for parts that are not all there, SinkWriteError
    where nothing can be written.
    """
    staged = StagedFile(target, overwrite=True)
    try:
        with staged.open() as file, writing(file, target) as lines:
            lines.write(header.to_json().encode() + b"\n")
            for line in _numbered(parts):
                lines.write(json.dumps(line).encode() + b"\n")
        staged.publish()
    except OSError as exc:
        raise SinkWriteError(f"{target}: {exc.strerror}") from exc
    finally:
        staged.discard()


def _numbered(parts: Sequence[Path]) -> Iterator[dict[str, Any]]:
    seq = tracks = 0
    for path in parts:
        most = -1
        for line in _lines(path):
            for region in line["regions"]:
                if region["track"] is not None:
                    most = max(most, region["track"])
                    region["track"] += tracks
            yield line | {"seq": seq}
            seq += 1
        tracks += most + 1


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    try:
        with open_lines(path) as lines:
            lines.readline()  # a header of its own
            for text in lines:
                yield json.loads(text)
    except (OSError, EOFError, ValueError) as exc:
        raise ConfigError(f"{path}: the regions of a span cannot be read: {exc}") from exc
