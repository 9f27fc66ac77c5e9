"""The outcome: a code is woven into a face, the whole program runs, and an independent decoder
looks for the code in what came out.

The code is a fixed pattern of light and dark, too weak to keep the detector from seeing the face
and strong enough to survive the encoder. Where the face is covered nothing of it may be left. A
control run that looks for no face lets it through, so that the test can fail.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from blurcam import Config, Cover, Encode, run
from blurcam.settings.redaction import EffectName
from tests.support.clips import ffmpeg, grey_frames

# Grey levels by which the code makes the face lighter or darker.
WOVEN = 14
WIDTH, HEIGHT, FRAMES = 320, 240, 30
FACE = cv2.imread(str(Path(__file__).parents[2] / "blurcam" / "detect" / "known-face.jpg"))
# Where the face itself is in the portrait: see blurcam.detect.selftest.
X0, Y0, X1, Y1 = 52, 46, 120, 121


def code() -> NDArray[np.float64]:
    """Return the pattern, one sign for each 4 × 4 block, as large as the face."""
    signs = np.random.default_rng(9).choice([-1.0, 1.0], (19, 17))
    return np.asarray(cv2.resize(signs, (X1 - X0, Y1 - Y0), interpolation=cv2.INTER_NEAREST))


def place(seq: int) -> tuple[int, int]:
    """Return where the portrait's corner is."""
    return 20 + 3 * seq, 20


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("leak") / "coded.mkv"
    assert FACE is not None
    portrait = FACE.astype(np.float64)
    portrait[Y0:Y1, X0:X1] += WOVEN * code()[..., None]
    portrait = np.clip(portrait, 0, 255).astype(np.uint8)
    high, wide = portrait.shape[:2]
    raw = path.with_suffix(".bgr")
    with raw.open("wb") as file:
        for seq in range(FRAMES):
            picture = np.full((HEIGHT, WIDTH, 3), 120, np.uint8)
            x, y = place(seq)
            picture[y : y + high, x : x + wide] = portrait[: HEIGHT - y, : WIDTH - x]
            file.write(picture.tobytes())
    ffmpeg("-f", "rawvideo", "-pix_fmt", "bgr24", "-s", f"{WIDTH}x{HEIGHT}", "-r", "25", "-i", raw,
           "-c:v", "libx264", "-qp", "4", "-pix_fmt", "yuv420p", path)  # fmt: skip
    return path


def strength(path: Path) -> list[float]:
    """Return for each frame how strong the code is where the face is, in grey levels."""
    pattern = code()
    found = []
    for seq, luma in enumerate(grey_frames(path, WIDTH, HEIGHT)):
        x, y = place(seq)
        seen = luma[y + Y0 : y + Y1, x + X0 : x + X1].astype(np.float64)
        seen -= cv2.GaussianBlur(seen, (0, 0), 6)
        found.append(float((seen * pattern).mean()))
    return found


def redacted(
    clip: Path, name: str, effect: EffectName = "blur", cover: Cover | None = None
) -> Path:
    out = clip.with_name(name)
    config = Config(clip, out, effect=effect, cover=cover or Cover(), encode=Encode(crf=12))
    assert run(config).frames_in == FRAMES
    return out


def test_the_code_is_in_the_input(clip: Path) -> None:
    assert min(strength(clip)) > WOVEN / 2


@pytest.mark.parametrize("effect", ["blur", "solid", "mosaic"])
def test_no_frame_shows_anything_of_a_covered_face(clip: Path, effect: EffectName) -> None:
    found = strength(redacted(clip, f"{effect}.mkv", effect))
    assert len(found) == FRAMES
    # The edges of a mosaic's blocks, which know nothing of the code, look like it by up to 0.96.
    assert max(map(abs, found)) < WOVEN / (10 if effect == "mosaic" else 20)


def test_the_control_shows_it(clip: Path) -> None:
    everywhere = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
    out = redacted(clip, "control.mkv", cover=Cover(ignores=(everywhere,)))
    assert min(strength(out)) > WOVEN / 2
