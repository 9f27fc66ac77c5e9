"""The curve of a sweep: recall over needless cover; the only importer of matplotlib."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from blurcam.errors import ConfigError

try:
    from matplotlib.figure import Figure
    from matplotlib.ticker import PercentFormatter
except ImportError as exc:
    raise ConfigError("plot: needs matplotlib; install blurcam[plot]") from exc

if TYPE_CHECKING:
    from blurcam.assess.evaluate import EvaluationReport


def draw(path: Path, reports: Sequence[EvaluationReport]) -> None:
    """Draw the share of faces that is covered over the share of pixels covered needlessly.

    The first report has the settings in force, and is marked. Raises
    :class:`~blurcam.errors.ConfigError` for a suffix that is not a picture's.
    """
    first, *others = reports
    curve = sorted(others, key=lambda each: each.threshold)
    figure = Figure(figsize=(9, 5.6), layout="constrained")
    axes = figure.add_subplot(
        xlabel="share of pixels covered needlessly", ylabel="labelled faces covered"
    )
    axes.plot([r.measure.over_cover for r in curve], [_recall(r) for r in curve], marker="o")
    for each in curve:
        axes.annotate(f"{each.threshold:g}", (each.measure.over_cover, _recall(each)))
    here = first.measure.over_cover, _recall(first)
    axes.scatter(*here, s=160, facecolors="none", edgecolors="tab:red")
    axes.annotate(f"in force: {first.threshold:g}", here, xytext=(8, 8), textcoords="offset points")
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.grid(alpha=0.3)
    try:
        figure.savefig(path)
    except (OSError, ValueError) as exc:
        raise ConfigError(f"{path}: cannot be written as a picture; end its name in .png") from exc


def _recall(report: EvaluationReport) -> float:
    covered = sum(bucket.covered for bucket in report.measure.buckets)
    return covered / max(1, report.measure.faces)
