"""Makes the recording of a scene, its truth and its control once, and keeps them in build/."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any, Final

import av
import numpy as np

from benchmarks.footage import ffmpeg
from benchmarks.scenes import BUILD, ROOT
from benchmarks.scenes.filmed import source
from benchmarks.scenes.frames import TIME_BASE, Drawn, draw
from benchmarks.scenes.truth import Picture, Truth, load_truth
from benchmarks.scenes.values import Filmed, Scene, Stored

# What a camera sends: H.264 without B frames, good quality, a key frame every two seconds.
_CODING: Final = {"preset": "veryfast", "crf": "18", "bf": "0", "g": "50", "threads": "1"}


@dataclass(frozen=True, slots=True)
class Made:
    """A recording, the truth about it, and the same recording coded once more but not redacted."""

    name: str
    video: Path
    truth: Truth
    control: Path


def made(scene: Scene) -> Made:
    """Return a scene's recording, made if it is not there yet."""
    folder = BUILD / "cache" / f"{scene.name}-{_key(scene)}"
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".part-") as part:
            _make(scene, Path(part))
            shutil.copytree(part, folder.with_name(f".{folder.name}"), dirs_exist_ok=True)
        folder.with_name(f".{folder.name}").rename(folder)
    video = folder / f"scene.{scene.stored.container}"
    return Made(scene.name, video, load_truth(folder / "truth.npz"), folder / "control.mp4")


@cache
def _sources() -> bytes:
    """Return a digest of all that decides what a scene looks like beside the scene itself."""
    own = (
        "values", "effects", "cast", "layers", "drawing", "filmed", "frames", "truth", "making",
    )  # fmt: skip
    paths = [Path(__file__).with_name(f"{name}.py") for name in own]
    samples = ROOT / "sample_videos"
    paths += [samples / "people.py", samples / "scene.py", *sorted(samples.glob("portraits/*"))]
    return hashlib.sha256(b"".join(path.read_bytes() for path in paths)).digest()


def _key(scene: Scene) -> str:
    filmed = [shot for shot in scene.shots if isinstance(shot, Filmed)]
    given = b"".join(path.read_bytes() for shot in filmed for path in source(shot))
    return hashlib.sha256(repr(scene).encode() + _sources() + given).hexdigest()[:12]


def _make(scene: Scene, folder: Path) -> None:
    video = folder / f"scene.{scene.stored.container}"
    drawn = list(draw(scene))
    if scene.stored.is_spliced:
        _splice(drawn, video, scene.stored)
    else:
        _write(drawn, video, scene.stored)
    faces = tuple(face for frame in drawn for face in frame.faces)
    Truth(len(drawn), scene.size, faces).save(folder / "truth.npz")
    ffmpeg(
        "-i", video, "-map", "0:v:0", "-fps_mode", "passthrough", "-c:v", "libx264", "-preset",
        "veryfast", "-crf", 21, "-threads", 1, "-pix_fmt", "yuv420p", folder / "control.mp4",
    )  # fmt: skip


def _splice(drawn: Sequence[Drawn], video: Path, stored: Stored) -> None:
    """Write two streams, each with time stamps of its own, one behind the other."""
    half = len(drawn) // 2
    with video.open("wb") as whole:
        for number, part in enumerate((drawn[:half], drawn[half:])):
            piece = video.with_name(f"piece-{number}.{stored.container}")
            begun = [Drawn(each.pts - part[0].pts, each.picture, ()) for each in part]
            _write(begun, piece, stored)
            whole.write(piece.read_bytes())
            piece.unlink()


def _write(drawn: Iterable[Drawn], video: Path, stored: Stored) -> None:
    """Encode frames, stored as asked."""
    is_turned = stored.rotation or stored.is_mirrored
    target = video.with_name(f"plain{video.suffix}") if is_turned else video
    with av.open(str(target), "w") as container:
        stream: Any = None
        for each in drawn:
            picture = _samples(each.picture, stored)
            if stream is None:
                stream = container.add_stream("libx264", rate=25, options=_CODING)
                stream.height, stream.width = picture.shape[:2]
                stream.pix_fmt = "yuv420p"
                stream.time_base = stream.codec_context.time_base = Fraction(1, TIME_BASE)
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
            frame.pts, frame.time_base = each.pts, Fraction(1, TIME_BASE)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    if is_turned:
        flip = ["-display_hflip"] if stored.is_mirrored else []
        turn = ["-display_rotation", stored.rotation]
        ffmpeg(*turn, *flip, "-i", target, "-map", "0:v:0", "-c", "copy", video)
        target.unlink()


def _samples(picture: Picture, stored: Stored) -> Picture:
    """Return the samples that a player, by the display matrix, shows as this picture."""
    turned = picture[:, ::-1] if stored.is_mirrored else picture
    return np.ascontiguousarray(np.rot90(turned, -(stored.rotation // 90)))
