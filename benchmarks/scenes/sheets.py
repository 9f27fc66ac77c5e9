"""Contact sheets: faces as they came in and as they went out, for the eye to judge the judge."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from benchmarks.scenes.decoding import grey_frames
from benchmarks.scenes.judging import Control, Output, Sight
from benchmarks.scenes.making import Made
from benchmarks.scenes.truth import Face, Picture

_CELL: Final = 128
_ACROSS, _DOWN = 6, 4
_ROOM: Final = 2.2
_RED, _GREEN, _GREY = (60, 60, 255), (80, 200, 80), (160, 160, 160)


def sheet(
    scene: Made, output: Path, judged: Output, control: Control, sources: Sequence[int | None],
    target: Path,
) -> None:  # fmt: skip
    """Write one: exposed faces first (red), then covered ones (green) and those not counted."""
    chosen = _chosen(judged, control)
    before = _pictures(scene.video, {sources[s.frame] or 0 for s in chosen})
    after = _pictures(output, {s.frame for s in chosen})
    cells = []
    for sight in chosen:
        face = scene.truth.faces[sight.face]
        colour = _GREY if not control.counts(sight.face) else _GREEN
        colour = _RED if control.exposed(sight) else colour
        pair = [
            _crop(before[sources[sight.frame] or 0], face, colour),
            _crop(after[sight.frame], face, colour),
        ]
        cell = np.hstack(pair)
        text = f"{sight.frame} {sight.likeness.correlation:.2f} {sight.likeness.strength:.2f}"
        text += f" / {control.likenesses[sight.face].correlation:.2f}"
        cv2.putText(cell, text, (4, _CELL - 5), cv2.FONT_HERSHEY_SIMPLEX, 0.42, colour, 1)
        cells.append(cell)
    blank = np.zeros((_CELL, 2 * _CELL, 3), np.uint8)
    cells += [blank] * (-len(cells) % _ACROSS)
    rows = [np.hstack(cells[n : n + _ACROSS]) for n in range(0, len(cells), _ACROSS)]
    target.parent.mkdir(parents=True, exist_ok=True)
    if rows:
        cv2.imwrite(str(target), np.vstack(rows))


def _chosen(judged: Output, control: Control) -> list[Sight]:
    room = _ACROSS * _DOWN
    exposed = [s for s in judged.sights if control.exposed(s)]
    covered = [s for s in judged.sights if control.counts(s.face) and not control.exposed(s)]
    others = [s for s in judged.sights if not control.counts(s.face)]
    # Of the covered those that are most like the face: there the judge is least sure.
    covered.sort(key=lambda s: -s.likeness.correlation)
    return [
        *_spread(exposed, room), *_spread(covered[:room], room // 2), *_spread(others, _ACROSS)
    ]  # fmt: skip


def _spread(sights: Sequence[Sight], most: int) -> list[Sight]:
    step = max(1, -(-len(sights) // most))
    return list(sights[::step])


def _pictures(path: Path, wanted: set[int]) -> dict[int, Picture]:
    return {n: frame for n, frame in enumerate(grey_frames(path)) if n in wanted}


def _crop(frame: Picture, face: Face, colour: tuple[int, int, int]) -> Picture:
    """Return the surroundings of a face, enlarged, with its box outlined."""
    side = round(max(face.box.width, face.box.height) * _ROOM)
    x = (face.box.x0 + face.box.x1 - side) // 2
    y = (face.box.y0 + face.box.y1 - side) // 2
    area = type(face.box)(x, y, x + side, y + side)
    scale = _CELL / side
    big = cv2.resize(area.cut(frame), (_CELL, _CELL), interpolation=cv2.INTER_CUBIC)
    # As bright as the eye needs it, of dark scenes too.
    brighter = max(1.0, 200 / max(1.0, float(np.percentile(frame, 99))))
    big = cv2.convertScaleAbs(big, alpha=brighter)
    made = cv2.cvtColor(np.asarray(big, np.uint8), cv2.COLOR_GRAY2BGR)
    low = (round((face.box.x0 - x) * scale), round((face.box.y0 - y) * scale))
    high = (round((face.box.x1 - x) * scale), round((face.box.y1 - y) * scale))
    cv2.rectangle(made, low, high, colour, 1)
    return np.asarray(made, np.uint8)
