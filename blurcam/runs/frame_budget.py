"""The frame budget: how many bytes of frames a run may hold, whatever a header claims."""

from __future__ import annotations

from typing import Final

from blurcam.errors import SourceOpenError
from blurcam.media.formats import StreamInfo
from blurcam.runtime.memory import GIGABYTE, available_bytes

# Without `--memory` a run takes this share of the memory there is.
_SHARE: Final = 0.8
# This share of the allowed memory is for looking ahead, and by default no more than this.
_LOOK_AHEAD: Final = 0.25
MOST_BYTES: Final = 640 << 20
"""The most bytes of frames that wait, without `--memory`."""
# Measured: the memory of a run without its frames, and the number of frames that the decoder, the
# queues, the encoder and the shortest look-ahead hold.
_BESIDE: Final = 600 << 20
_FEWEST_FRAMES: Final = 52


def frame_bytes(info: StreamInfo) -> int:
    """Return how many bytes a decoded frame of the stream takes."""
    form = info.pixel_format
    sizes = (form.plane_shape(n, info.width, info.height) for n in range(form.plane_count))
    return sum(rows * columns for rows, columns in sizes) * (1 if form.depth == 8 else 2)


def look_ahead_bytes(info: StreamInfo, memory: float | None) -> int:
    """Return how many bytes of frames may wait for those after them.

    ``memory`` is the memory that the run may take, in gigabytes; ``None`` for a share of the
    machine's. Raises SourceOpenError if that is too little for frames of this size.
    """
    allowed = round(memory * GIGABYTE) if memory is not None else round(_SHARE * available_bytes())
    needed = _BESIDE + _FEWEST_FRAMES * frame_bytes(info)
    if needed > allowed:
        raise SourceOpenError(
            f"{info.name}: frames of {info.width}x{info.height} need {needed / GIGABYTE:.1f} GB of "
            f"memory, and there are {allowed / GIGABYTE:.1f} GB; --memory allows more"
        )
    share = round(_LOOK_AHEAD * allowed)
    return share if memory is not None else min(share, MOST_BYTES)
