"""How many bytes of frames a run may hold: what a header claims must not decide it."""

from __future__ import annotations

from typing import Final

from blurcam.errors import SourceOpenError
from blurcam.media.formats import StreamInfo
from blurcam.runtime.memory import GIGABYTE, available_bytes

# Of what there is, so much is taken where nothing else is said.
_SHARE: Final = 0.8
# Of what is allowed, so much is for looking ahead, and by default no more than this.
_LOOK_AHEAD: Final = 0.25
MOST_BYTES: Final = 640 << 20
"""How many bytes of frames wait at most where nothing else is said."""
# Measured: what a run takes beside its frames, and how many of them the decoder, the queues, the
# encoder and the shortest look-ahead hold.
_BESIDE: Final = 600 << 20
_FEWEST_FRAMES: Final = 52


def frame_bytes(info: StreamInfo) -> int:
    """Return how many bytes a decoded frame of the stream takes."""
    form = info.pixel_format
    sizes = (form.plane_shape(n, info.width, info.height) for n in range(form.plane_count))
    return sum(rows * columns for rows, columns in sizes) * (1 if form.depth == 8 else 2)


def look_ahead_bytes(info: StreamInfo, memory: float | None) -> int:
    """Return how many bytes of frames may wait for what comes after them.

    ``memory`` is what the run may take, in gigabytes, ``None`` for what suits the machine. Raises
    SourceOpenError where that is too little for frames of this size.
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
