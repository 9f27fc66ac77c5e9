"""All rows of the table, several scenes at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from benchmarks.scenes.filemode import How, file_row
from benchmarks.scenes.livemode import live_row, numbered
from benchmarks.scenes.making import made
from benchmarks.scenes.rows import Mode, Row
from benchmarks.scenes.values import Scene


def rows(scenes: Sequence[Scene], mode: Mode, how: How, jobs: int) -> Iterator[Row]:
    """Yield a row for each scene, in their order, ``jobs`` of them at once."""

    def one(scene: Scene) -> Row:
        if mode == "file":
            return file_row(made(scene), scene.kind, scene.options, how)
        return live_row(made(numbered(scene)), scene.kind, scene.options, how)

    threads = ThreadPoolExecutor(jobs)
    try:
        yield from threads.map(one, scenes)
    finally:
        threads.shutdown(cancel_futures=True)
