"""What the search costs whatever the machine: pixels of the network's input, and faces exposed.

``python -m benchmarks.pixels``: on the sample street, and on the moving street forward and
backward for twenty seconds, with its labels likewise. docs/design/speed.md has the table.
"""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from benchmarks import footage
from blurcam.assess.evaluate import EvaluationReport, evaluate
from blurcam.detect.detectors import openvino
from blurcam.detect.views import Picture
from blurcam.runs.perception import covered, open_detector, searched
from blurcam.runtime.counts import FrameCounts
from blurcam.settings.evaluation import Evaluation
from blurcam.settings.redaction import Cover, Detect
from blurcam.sources.recording import open_source

_TURNS = 2


def pixels_a_frame(path: Path) -> float:
    """Return how many pixels the network was shown for each frame of a recording."""
    shown: list[int] = []
    original = openvino.Network.start

    def counting(network: openvino.Network, pictures: list[Picture]) -> openvino.Pending:
        rows, columns = (-(-side // 32) * 32 for side in pictures[0].shape[:2])
        shown.append(len(pictures) * rows * columns)
        return original(network, pictures)

    detect, cover, counts = Detect(), Cover(), FrameCounts()
    with (
        open_source(path, counts) as source,
        closing(open_detector(detect)) as detector,
    ):
        openvino.Network.start = counting  # type: ignore[method-assign, assignment]
        try:
            found = searched(source.frames(), source.info, detector, detect)
            frames = sum(1 for _ in covered(found, cover, counts))
        finally:
            openvino.Network.start = original  # type: ignore[method-assign]
    return sum(shown) / frames


def there_and_back(labels: Path, frames: int, target: Path) -> Path:
    """Write the labels of a recording of so many frames as its palindrome has them."""
    with labels.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    order = [*range(frames), *reversed(range(frames))] * _TURNS
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        for number, frame in enumerate(order):
            own = (row for row in rows if int(row["frame"]) == frame)
            writer.writerows(row | {"frame": number} for row in own)
    return target


def recordings(folder: Path) -> Iterator[tuple[Path, Path, int]]:
    """Yield recordings, their labels, and the height from which faces count."""
    yield footage.SAMPLES / "street.mp4", footage.SAMPLES / "street.json", 16
    street = footage.recording("towncentre.mp4")
    if street is not None:
        labels = street.with_name("towncentre-faces.csv")
        frames = footage.clip("street", street).frames
        made = there_and_back(labels, frames, folder / "faces.csv")
        yield footage.palindrome(street, _TURNS), made, 8


def main() -> None:
    """Print a line for each recording."""
    with tempfile.TemporaryDirectory() as folder:
        for path, labels, smallest in recordings(Path(folder)):
            trial = Evaluation(path, labels, Detect(), Cover(), smallest)
            (report,) = (each for each in evaluate([trial]) if isinstance(each, EvaluationReport))
            measure = report.measure
            print(
                f"{path.stem}: {len(measure.exposed)} of {measure.faces} exposed, "
                f"{pixels_a_frame(path) / 1000:.0f} k pixels a frame",
                flush=True,
            )


if __name__ == "__main__":
    main()
