"""Make the sample videos, and say in JSON where every face is in every frame.

Two clips that look like fixed cameras. A clip is made only if it is not there; made files get
their names when they are complete. Everything is drawn from fixed seeds.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray
from people import Actor, Edges, Figure, everyone, looking_about, posed, walk
from scene import hall, pole, street, van

Picture = NDArray[np.uint8]
_NOISE = 3.0


@dataclass(frozen=True, slots=True, eq=False)
class Prop:
    """Something in front, BGRA, with its corner; actors with smaller faces pass behind it."""

    picture: Picture
    x: int
    y: int
    hides_faces_under: float


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """One sample video: camera, scene, props and parts."""

    name: str
    size: tuple[int, int]
    encoder: str
    times: tuple[int, ...]
    time_base: Fraction
    rate: Fraction
    background: Picture
    props: tuple[Prop, ...]
    actors: tuple[Actor, ...]


def street_clip() -> Clip:
    """1080p25 H.264: faces of 18 to 100 px before a house, a lamp post and a van."""
    wide, high = 1920, 1080
    about = looking_about
    actors = (
        Actor(1, "hopper", 0.4, 11.0, walk((-20, 470, 20), (1940, 470, 20), 10.6, about(4.0))),
        Actor(2, "collins", 1.0, 11.0, walk((1940, 462, 19), (-20, 462, 19), 10.0, about(3.4))),
        Actor(3, "collins", 0.0, 10.5, walk((200, 492, 22), (1500, 500, 23), 10.5, about(5.0))),
        Actor(4, "hopper", 0.6, 10.8, walk((1950, 520, 28), (100, 520, 29), 10.2, about(4.4))),
        Actor(5, "collins", 0.2, 10.6, walk((-30, 545, 27), (1700, 540, 28), 10.4, about(3.8))),
        Actor(6, "hopper", 1.5, 9.5, walk((500, 560, 34), (1300, 640, 60), 8.0, about(4.2))),
        Actor(7, "collins", 0.5, 10.0, walk((1960, 600, 45), (-40, 610, 48), 9.5, about(3.6))),
        Actor(8, "hopper", 3.0, 9.0, walk((-60, 650, 66), (1980, 660, 84), 6.0, about(3.0))),
        Actor(9, "collins", 12.4, 14.0, walk((1990, 640, 70), (900, 640, 70), 2.0, about(3.0))),
    )
    props = (
        Prop(pole(760, 34), 640, 200, 60),
        Prop(van(330, 560), 1180, 380, 26),
    )
    times = tuple(n * 512 for n in range(14 * 25))
    return Clip(
        "street", (wide, high), "libx264", times, Fraction(1, 12800), Fraction(25),
        street(wide, high), props, actors,
    )  # fmt: skip


def door_clip() -> Clip:
    """720p H.265, variable rate: faces of 18 to 160 px at a door, crossing."""
    wide, high = 1280, 720
    about = looking_about
    actors = (
        Actor(1, "hopper", 0.3, 8.2, walk((-90, 300, 100), (1370, 310, 130), 7.9, about(4.0))),
        Actor(2, "collins", 1.0, 9.0, walk((1380, 290, 90), (-100, 300, 110), 8.0, about(3.6))),
        Actor(3, "collins", 5.0, 11.5, walk((640, 250, 60), (560, 330, 160), 6.5, about(4.4))),
        Actor(4, "hopper", 0.0, 11.5, walk((300, 200, 20), (900, 200, 20), 11.5, about(5.0))),
        Actor(5, "collins", 0.0, 11.5, walk((1000, 220, 27), (420, 216, 28), 11.5, about(4.6))),
    )
    # Steps of 20 to 80 ms, and one of 240, as a camera takes them that sends fewer in low light.
    steps = np.random.default_rng(3).choice([1800, 3600, 3600, 5400, 7200], 320)
    steps[150] = 21600
    times = np.concatenate(([0], np.cumsum(steps)))
    kept = tuple(int(t) for t in times if t < 13 * 90000)
    return Clip(
        "door", (wide, high), "libx265", kept, Fraction(1, 90000), Fraction(25),
        hall(wide, high), (Prop(pole(720, 40), 800, 0, 125),), actors,
    )  # fmt: skip


def frames(clip: Clip, cast: dict[str, Figure]) -> Iterator[tuple[Picture, list[dict[str, Any]]]]:
    """Yield every picture (BGR) and the truth about the faces on it."""
    for pts in clip.times:
        time = float(pts * clip.time_base)
        picture = clip.background.copy()
        faces: dict[int, tuple[Edges, float, Picture]] = {}
        on_stage = sorted(
            ((a, a.path(time - a.enters)) for a in clip.actors if a.enters <= time < a.leaves),
            key=lambda pair: pair[1].face_height,
        )
        things: list[tuple[float, Prop | tuple[Actor, Any]]] = [
            (prop.hides_faces_under, prop) for prop in clip.props
        ]
        things += [(pose.face_height, (actor, pose)) for actor, pose in on_stage]
        for _, thing in sorted(things, key=lambda each: each[0]):
            if isinstance(thing, Prop):
                _hide(faces, _blend(picture, thing.picture, thing.x, thing.y))
                continue
            actor, pose = thing
            figure, face, corner = posed(cast[actor.figure], pose)
            _hide(faces, _blend(picture, figure, *corner))
            faces[actor.track] = (face, pose.yaw, _seen(face, picture.shape))
        _clock(picture, time)
        yield picture, [_truth(track, *entry) for track, entry in faces.items()]


def _blend(picture: Picture, over: Picture, x: int, y: int) -> tuple[int, int, Picture] | None:
    """Lay a BGRA picture over another; return where, and its opaque part."""
    high, wide = picture.shape[:2]
    x0, y0 = max(0, x), max(0, y)
    x1, y1 = min(wide, x + over.shape[1]), min(high, y + over.shape[0])
    if x0 >= x1 or y0 >= y1:
        return None
    part = over[y0 - y : y1 - y, x0 - x : x1 - x]
    alpha = part[..., 3:].astype(np.uint16)
    under = picture[y0:y1, x0:x1]
    under[:] = ((under * (255 - alpha) + part[..., :3] * alpha + 127) // 255).astype(np.uint8)
    return x0, y0, np.asarray(part[..., 3] > 127, np.uint8)


def _seen(face: Edges, shape: tuple[int, ...]) -> Picture:
    """Return which pixels of the face's box are in the frame; nothing hides it yet."""
    x0, y0, x1, y1 = map(round, face)
    seen = np.zeros((max(1, y1 - y0), max(1, x1 - x0)), np.uint8)
    seen[max(0, -y0) : max(0, shape[0] - y0), max(0, -x0) : max(0, shape[1] - x0)] = 1
    return seen


def _hide(
    faces: dict[int, tuple[Edges, float, Picture]], laid: tuple[int, int, Picture] | None
) -> None:
    """Take from the faces so far what the thing laid over them hides."""
    if laid is None:
        return
    x, y, opaque = laid
    for face, _, seen in faces.values():
        fx, fy = round(face[0]), round(face[1])
        x0, y0 = max(x, fx), max(y, fy)
        x1 = min(x + opaque.shape[1], fx + seen.shape[1])
        y1 = min(y + opaque.shape[0], fy + seen.shape[0])
        if x0 < x1 and y0 < y1:
            hidden = opaque[y0 - y : y1 - y, x0 - x : x1 - x]
            seen[y0 - fy : y1 - fy, x0 - fx : x1 - fx] *= 1 - hidden


def _truth(track: int, face: Edges, yaw: float, seen: Picture) -> dict[str, Any]:
    x0, y0, x1, y1 = map(round, face)
    return {
        "track": track, "x0": x0, "y0": y0, "x1": x1, "y1": y1,
        "visible": round(float(seen.mean()), 3), "yaw": round(yaw, 1),
    }  # fmt: skip


def _clock(picture: Picture, time: float) -> None:
    text = f"CAM 1  2026-03-14 09:26:{time:06.3f}"
    for colour, width in (((0, 0, 0), 4), ((255, 255, 255), 2)):
        cv2.putText(
            picture, text, (24, 44), cv2.FONT_HERSHEY_SIMPLEX, 0.9, colour, width, cv2.LINE_AA
        )


def make(clip: Clip, cast: dict[str, Figure], folder: Path) -> None:
    """Write the video and its truth; both get their names at the end."""
    video, truth = folder / f"{clip.name}.mp4", folder / f"{clip.name}.json"
    part = folder / f".{clip.name}.part"
    lines: list[dict[str, Any]] = []
    with av.open(str(part), "w", format="mp4") as container:
        stream: Any = container.add_stream(clip.encoder, rate=clip.rate)
        stream.width, stream.height = clip.size
        stream.pix_fmt, stream.time_base = "yuv420p", clip.time_base
        stream.codec_context.time_base = clip.time_base
        stream.options = {"preset": "superfast", "crf": "26", "threads": "2"}
        if clip.encoder == "libx265":
            stream.options |= {"x265-params": "log-level=none:pools=2"}
        noise = _noise(clip.size)
        for seq, (picture, faces) in enumerate(frames(clip, cast)):
            made = _encodable(picture, noise[seq % len(noise)])
            made.pts, made.time_base = clip.times[seq], clip.time_base
            container.mux(stream.encode(made))
            time = float(clip.times[seq] * clip.time_base)
            lines.append(
                {"seq": seq, "pts": clip.times[seq], "time": round(time, 6), "faces": faces}
            )
        container.mux(stream.encode(None))
    document = {"video": video.name, "width": clip.size[0], "height": clip.size[1], "frames": lines}
    truth.write_text(json.dumps(document) + "\n", encoding="utf-8")
    part.replace(video)


def _noise(size: tuple[int, int]) -> list[NDArray[np.int16]]:
    rng = np.random.default_rng(4)
    shape = (size[1], size[0])
    return [rng.normal(0, _NOISE, shape).astype(np.int16) for _ in range(7)]


def _encodable(picture: Picture, noise: NDArray[np.int16]) -> Any:
    planes = cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420)
    high = picture.shape[0]
    planes[:high] = cv2.add(planes[:high], noise, dtype=cv2.CV_8U)
    return av.VideoFrame.from_ndarray(np.asarray(planes, np.uint8), format="yuv420p")


def main() -> None:
    """Make both clips."""
    parser = argparse.ArgumentParser(description="Make the sample videos.")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, help="folder")
    folder = parser.parse_args().out
    cast = everyone()
    for clip in (street_clip(), door_clip()):
        make(clip, cast, folder)
        print(f"made {folder / clip.name}.mp4")


if __name__ == "__main__":
    main()
