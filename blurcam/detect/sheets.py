"""Sheets and tiles: several views laid out on one picture, or one large view cut into several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from blurcam.detect.views import Picture, View
from blurcam.media.regions import Box


@dataclass(frozen=True, slots=True)
class Placed:
    """A view, and the place of its upper left corner on a sheet."""

    x: int
    y: int
    view: View


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """Several views of one frame on one picture, so that they are searched at once.

    A box that the edge of a view cuts is discarded, since the view of a second pass contains its
    face entirely. With ``keeps_cut`` the part of the box inside the view is kept.
    """

    picture: Picture = field(repr=False)
    placed: tuple[Placed, ...]
    keeps_cut: bool = False

    def box(self, x0: float, y0: float, x1: float, y1: float) -> Box | None:
        """Return the box in the full frame; ``None`` between views, or for a box that is cut."""
        x, y = (x0 + x1) / 2, (y0 + y1) / 2
        for each in self.placed:
            rows, columns = each.view.picture.shape[:2]
            if each.x <= x < each.x + columns and each.y <= y < each.y + rows:
                edges = (x0 - each.x, y0 - each.y, x1 - each.x, y1 - each.y)
                inside = (
                    max(0, edges[0]), max(0, edges[1]),
                    min(columns, edges[2]), min(rows, edges[3]),
                )  # fmt: skip
                return each.view.box(*inside) if self.keeps_cut or inside == edges else None
        return None


@dataclass(frozen=True, slots=True, eq=False)
class Tile:
    """A part of a picture that is too large to be searched at once.

    ``x`` and ``y`` are the place of its upper left corner in the ``whole``. The tile answers for
    boxes whose centre lies in ``core``, a part of the whole, and it shows more around that.
    """

    picture: Picture
    whole: View | Sheet
    x: int
    y: int
    core: Box

    def box(self, x0: float, y0: float, x1: float, y1: float) -> Box | None:
        """Return the box in the full frame; ``None`` if another tile answers for it."""
        x, y = (x0 + x1) / 2 + self.x, (y0 + y1) / 2 + self.y
        if not (self.core.x0 <= x < self.core.x1 and self.core.y0 <= y < self.core.y1):
            return None
        return self.whole.box(x0 + self.x, y0 + self.y, x1 + self.x, y1 + self.y)


Searchable = View | Sheet | Tile
"""A picture to search, which knows where in the frame its pixels are."""


# A network takes about 200 bytes of memory for each pixel in each of its streams: 430 MB for 1080p.
_MOST_PIXELS = 800_000
# A tile shows this many pixels beyond its core, so that it contains faces up to twice as high.
_BEYOND = 96


def tiles(views: Sequence[Searchable]) -> list[Searchable]:
    """Return the views, with those that are too large cut into tiles."""
    cut: list[Searchable] = []
    for view in views:
        rows, columns = view.picture.shape[:2]
        if isinstance(view, Tile) or rows * columns <= _MOST_PIXELS:
            cut.append(view)
            continue
        down = across = 1
        while (rows / down + 2 * _BEYOND) * (columns / across + 2 * _BEYOND) > _MOST_PIXELS:
            if rows / down > columns / across:
                down += 1
            else:
                across += 1
        ys, xs = _edges(rows, down), _edges(columns, across)
        for y0, y1 in pairwise(ys):
            for x0, x1 in pairwise(xs):
                top, left = max(0, y0 - _BEYOND), max(0, x0 - _BEYOND)
                picture = view.picture[top : y1 + _BEYOND, left : x1 + _BEYOND]
                # A box centred beyond the picture's edge belongs to the tile at that edge.
                core = Box(
                    x0 if x0 else -columns,
                    y0 if y0 else -rows,
                    x1 if x1 < columns else 2 * columns,
                    y1 if y1 < rows else 2 * rows,
                )
                cut.append(Tile(picture, view, left, top, core))
    return cut


def _edges(size: int, parts: int) -> list[int]:
    return [size * n // parts for n in range(parts + 1)]


# Every new size of sheet costs the network 50 ms once. So there are few sizes: these widths, and
# heights in steps.
_SHEET_WIDTHS = (320, 640, 1280, 1920)
_SHEET_STEP = 64
_GAP = 4


def sheets(views: Sequence[View], *, keeps_cut: bool = False) -> list[Searchable]:
    """Lay views out closely on sheets; a view that is too large for a sheet stays by itself."""
    laid: list[Searchable] = []
    small: list[View] = []
    for view in views:
        rows, columns = view.picture.shape[:2]
        fits = columns <= _SHEET_WIDTHS[-1] and rows <= _tallest(columns)
        (small if fits else laid).append(view)
    if small:
        widest = max(view.picture.shape[1] for view in small)
        tries = [_laid_out(small, width) for width in _SHEET_WIDTHS if width >= widest]
        best = min(tries, key=lambda made: sum(each.pixels for each in made))
        laid += [_sheet(each, keeps_cut) for each in best]
    return laid


def _tallest(width: int) -> int:
    """Return the greatest height of a sheet of this width that is not cut into tiles."""
    fitting = next(each for each in _SHEET_WIDTHS if each >= width)
    return _MOST_PIXELS // fitting // _SHEET_STEP * _SHEET_STEP


@dataclass(slots=True)
class _Layout:
    """A sheet in the making: each view goes to the highest free place.

    ``skyline`` lists from left to right where each level begins, and how far down it is taken.
    """

    width: int
    placed: list[Placed] = field(default_factory=list)
    skyline: list[tuple[int, int]] = field(default_factory=lambda: [(0, 0)])

    @property
    def height(self) -> int:
        bottom = max(each.y + len(each.view.picture) for each in self.placed)
        return -(-bottom // _SHEET_STEP) * _SHEET_STEP

    @property
    def pixels(self) -> int:
        return self.width * self.height

    def takes(self, view: View) -> bool:
        """Place a view if there is room for it, and return whether there was."""
        high, wide = view.picture.shape[:2]
        fitting = [x for x, _ in self.skyline if x + wide <= self.width]
        y, x = min((self._level(x, x + wide), x) for x in fitting)
        if self.placed and y + high > _tallest(self.width):
            return False
        self.placed.append(Placed(x, y, view))
        self._raise(x, min(self.width, x + wide + _GAP), y + high + _GAP)
        return True

    def _level(self, left: int, right: int) -> int:
        ends = [x for x, _ in self.skyline[1:]] + [self.width]
        spans = zip(self.skyline, ends, strict=True)
        return max(level for (x, level), end in spans if x < right and end > left)

    def _raise(self, left: int, right: int, level: int) -> None:
        beyond = [y for x, y in self.skyline if x <= right][-1]
        kept = [(x, y) for x, y in self.skyline if x < left or x > right]
        after = [(right, beyond)] if right < self.width else []
        self.skyline = sorted([*kept, (left, level), *after])


def _laid_out(views: Sequence[View], width: int) -> list[_Layout]:
    """Return the views on sheets of a width, the tall ones placed first.

    (Skyline, bottom-left: Jylänki, A Thousand Ways to Pack the Bin, 2010.)
    """
    made = [_Layout(width)]
    for view in sorted(views, key=lambda each: -each.picture.shape[0]):
        if not any(each.takes(view) for each in made):
            made.append(_Layout(width))
            made[-1].takes(view)
    return made


def _sheet(layout: _Layout, keeps_cut: bool) -> Sheet:
    picture = np.full((layout.height, layout.width, 3), 114, np.uint8)
    for each in layout.placed:
        rows, columns = each.view.picture.shape[:2]
        picture[each.y : each.y + rows, each.x : each.x + columns] = each.view.picture
    return Sheet(picture, tuple(layout.placed), keeps_cut)
