"""blurcam for programs: redact a recording, or a stream of numpy pictures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import TYPE_CHECKING

from blurcam.runs.summary import Summary
from blurcam.settings.recording import Config
from blurcam.settings.redaction import Cover, Detect, EffectName, Encode

__all__ = ["Config", "Cover", "Detect", "Encode", "Summary", "redact_frames", "run"]

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def run(config: Config) -> Summary:
    """Redact one recording and return what was done.

    The output appears under its name only when all of it is written. Raises a
    :class:`~blurcam.errors.BlurcamError`; look at ``summary.complete`` for frames that a fault
    lost or had covered whole.
    """
    from blurcam.runs.recording import open_run

    with open_run(config) as under_way:
        for _ in under_way.steps():
            pass
        return under_way.finish()


def redact_frames(
    frames: Iterable[NDArray[np.uint8]],
    *,
    rate: Fraction | float,
    effect: EffectName = "blur",
    detect: Detect | None = None,
    cover: Cover | None = None,
) -> Iterator[NDArray[np.uint8]]:
    """Yield each picture with its faces covered, in order, a look-ahead later.

    Pictures are ``(rows, columns, 3)`` ``uint8`` arrays in the order B, G, R, all of one size;
    they are copied on entry and never written to. ``rate`` is in pictures a second and turns
    ``cover``'s seconds into pictures. What comes out is a new array each time. Raises
    :class:`~blurcam.errors.ConfigError` for a picture of another shape or type.
    """
    from blurcam.runs.arrays import redact_pictures

    return redact_pictures(
        frames,
        rate=Fraction(rate).limit_denominator(1_000_000),
        effect=effect,
        detect=detect or Detect(),
        cover=cover or Cover(),
    )
