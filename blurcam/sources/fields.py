"""Which field of an interlaced frame is shown first."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Final, cast

import av.filter
import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

# AV_FIELD_BB and AV_FIELD_BT; 0 and 1 are "not known" and "progressive".
_BOTTOM_FIRST: Final = (3, 5)
_SAYS_NOTHING: Final = (0, 1)
# What is shown first where even the frame does not tell.
_USUALLY_BOTTOM: Final = frozenset({"dvvideo"})


def is_top_first(context: Any, first: VideoFrame) -> bool:
    """Return whether the upper field is shown first, by the stream or else by its first frame."""
    if not first.interlaced_frame or context.field_order not in _SAYS_NOTHING:
        return context.field_order not in _BOTTOM_FIRST
    # PyAV 18 does not hand on what a frame says; FFmpeg's filter leaves alone one that is in the
    # order that is asked for.
    plain = _luma(first)
    is_top, is_bottom = (
        np.array_equal(_luma(first, ("fieldorder", order)), plain) for order in ("tff", "bff")
    )
    if is_top == is_bottom:
        return context.name not in _USUALLY_BOTTOM
    return is_top


def _luma(frame: VideoFrame, *filters: tuple[str, str]) -> NDArray[np.uint8]:
    """Return the luma of a frame after these filters, in 8 bits."""
    graph = av.filter.Graph()
    source = graph.add_buffer(
        width=frame.width,
        height=frame.height,
        format=frame.format,
        time_base=frame.time_base or Fraction(1, 25),
    )
    # The filter takes no format whose chroma has fewer rows.
    stages = [graph.add(*each) for each in (("format", "yuv444p"), *filters)]
    graph.link_nodes(source, *stages, graph.add("buffersink")).configure()
    graph.push(frame)
    made: Any = graph.pull()
    return cast(NDArray[np.uint8], made.to_ndarray()[0])
