"""What of a picture's file is kept besides its samples."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class PictureTraits:
    """How a picture's samples are shown and written; everything else of its file is left behind.

    ``profile`` is its ICC colour profile, ``colour_chunks`` what a PNG says of its colours instead.
    ``tables`` are the quantisation tables of a JPEG, by number, and ``subsampling`` that of its
    chroma (``4:2:0``): written with both, it has the quality that it had.
    """

    profile: bytes | None = field(default=None, repr=False)
    colour_chunks: tuple[tuple[bytes, bytes], ...] = ()
    tables: dict[int, list[int]] | None = field(default=None, repr=False)
    subsampling: str = "4:4:4"
