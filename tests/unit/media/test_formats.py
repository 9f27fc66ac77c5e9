"""Pixel formats: how large each plane is."""

from __future__ import annotations

from blurcam.media.formats import PIXEL_FORMATS


def test_odd_sizes_round_chroma_up() -> None:
    assert PIXEL_FORMATS["yuv420p"].plane_shape(1, 5, 3) == (2, 3)
    assert PIXEL_FORMATS["yuv410p"].plane_shape(2, 9, 9) == (3, 3)
    assert PIXEL_FORMATS["yuv420p"].with_depth(10).name == "yuv420p10le"
