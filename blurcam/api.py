"""blurcam for programs: redact a recording, a stream of numpy frames, or a picture."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

from blurcam.media.face import Face
from blurcam.runs.summary import Summary
from blurcam.settings.recording import Config
from blurcam.settings.redaction import Cover, Detect, EffectName, Encode

__all__ = [
    "Config",
    "Cover",
    "Detect",
    "Encode",
    "Face",
    "Summary",
    "find_faces",
    "redact_frames",
    "redact_image",
    "run",
]

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def run(config: Config) -> Summary:
    """Redact one recording or picture and return what was done.

    The output appears under its name only when all of it is written. Raises a
    :class:`~blurcam.errors.BlurcamError`. ``summary.complete`` is false where a fault lost frames,
    or made blurcam cover them fully.
    """
    from blurcam.runs.recording import open_run
    from blurcam.sources.picture import is_picture

    if isinstance(config.input, Path) and is_picture(config.input):
        from blurcam.runs.picture import redact_picture

        return redact_picture(config)

    with open_run(config) as under_way:
        for _ in under_way.steps():
            pass
        return under_way.finish()


@overload
def redact_frames(
    frames: Iterable[NDArray[np.uint8]],
    *,
    rate: Fraction | float = 25,
    effect: EffectName = "blur",
    detect: Detect | None = None,
    cover: Cover | None = None,
    with_boxes: Literal[False] = False,
) -> Iterator[NDArray[np.uint8]]: ...


@overload
def redact_frames(
    frames: Iterable[NDArray[np.uint8]],
    *,
    rate: Fraction | float = 25,
    effect: EffectName = "blur",
    detect: Detect | None = None,
    cover: Cover | None = None,
    with_boxes: Literal[True],
) -> Iterator[tuple[NDArray[np.uint8], list[tuple[int, int, int, int]]]]: ...


def redact_frames(
    frames: Iterable[NDArray[np.uint8]],
    *,
    rate: Fraction | float = 25,
    effect: EffectName = "blur",
    detect: Detect | None = None,
    cover: Cover | None = None,
    with_boxes: bool = False,
) -> Iterator[Any]:
    """Yield each frame with its faces covered, in order, delayed by the look-ahead.

    Frames are ``(rows, columns, 3)`` ``uint8`` arrays in the order B, G, R, all of one size; they
    are copied on entry and never written to. ``rate`` is in frames a second and turns ``cover``'s
    seconds into frames. What comes out is a new array each time; ``with_boxes`` a pair of it and
    the boxes ``(left, top, right, bottom)`` of all that is covered on it. Raises
    :class:`~blurcam.errors.ConfigError` for an array of another shape or type.
    """
    from blurcam.runs.arrays import redact_arrays

    pairs = redact_arrays(
        frames,
        rate=Fraction(rate).limit_denominator(1_000_000),
        effect=effect,
        detect=detect or Detect(),
        cover=cover or Cover(),
    )
    return pairs if with_boxes else (array for array, _ in pairs)


def find_faces(
    image: NDArray[np.uint8] | str | PathLike[str], *, detect: Detect | None = None
) -> list[Face]:
    """Return the faces of a picture.

    It is an array ``(rows, columns, 3)`` of ``uint8`` in the order B, G, R, or a file, and is
    searched as closely as ``thorough`` does unless ``detect`` says otherwise. Boxes are half-open,
    in pixels of the picture as it is shown.
    """
    from blurcam.runs.images import faces_of

    return faces_of(image, detect or Detect())


def redact_image(
    image: NDArray[np.uint8] | str | PathLike[str],
    *,
    boxes: Iterable[tuple[float, float, float, float]] | None = None,
    effect: EffectName = "blur",
    detect: Detect | None = None,
    cover: Cover | None = None,
) -> NDArray[np.uint8]:
    """Return a picture with its faces covered: a new array ``(rows, columns, 3)`` in B, G, R.

    ``image`` is such an array, which is not changed, or a file. With ``boxes``, each ``(left, top,
    right, bottom)`` of a face in pixels, nothing is searched and these are covered, with
    ``cover``'s margin. Raises a :class:`~blurcam.errors.BlurcamError`.
    """
    from blurcam.runs.images import redacted_image

    return redacted_image(image, boxes, effect, detect or Detect(), cover or Cover())
