"""Side data of frames outlives nothing that FFmpeg frees."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

from PIL import Image, ImageCms

FORGOTTEN = """
import gc, sys
import av
from blurcam.sources.side_data import orientation_of, properties_of
for _ in range(20):
    with av.open(sys.argv[1]) as container:
        frame = next(container.decode(video=0))
        orientation_of(frame), properties_of(frame)
    del frame
    gc.collect()
print("forgotten")
"""


def test_a_frame_with_a_colour_profile_can_be_forgotten(tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    picture = io.BytesIO()
    Image.new("RGB", (32, 32)).save(picture, "png", icc_profile=profile)
    path = tmp_path / "profile.png"
    path.write_bytes(picture.getvalue())
    ended = subprocess.run(
        [sys.executable, "-c", FORGOTTEN, path], capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stdout) == (0, "forgotten\n"), ended.stderr
