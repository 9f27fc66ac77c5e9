"""What became of the faces of a scene in one output of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.scenes.decoding import grey_frames
from benchmarks.scenes.exposure import Likeness, is_exposed, is_recognisable, likeness
from benchmarks.scenes.fog import Fog, coding_loss, fog
from benchmarks.scenes.making import Made
from benchmarks.scenes.truth import Face, Picture, by_frame


@dataclass(frozen=True, slots=True)
class Sight:
    """One face on one frame of an output: the frame's number there, the face's in the truth."""

    frame: int
    face: int
    likeness: Likeness


@dataclass(frozen=True, slots=True)
class Control:
    """How each face is seen in an unredacted output, and what coding changes in the picture."""

    likenesses: tuple[Likeness, ...]
    loss: float

    def counts(self, face: int) -> bool:
        """Whether a face can be made out where nothing is redacted."""
        return is_recognisable(self.likenesses[face])

    def exposed(self, sight: Sight) -> bool:
        """Whether a face that counts is exposed."""
        return self.counts(sight.face) and is_exposed(sight.likeness, self.likenesses[sight.face])


@dataclass(frozen=True, slots=True)
class Output:
    """An output judged: every face on every frame of it, how much is changed, frames, and size."""

    sights: tuple[Sight, ...]
    fog: Fog
    frames: int
    size: tuple[int, int]

    def exposed(self, control: Control) -> frozenset[int]:
        """Return the faces, by their numbers in the truth, that are exposed on some frame."""
        return frozenset(sight.face for sight in self.sights if control.exposed(sight))


def judge_control(scene: Made) -> Control:
    """Judge the recording that was coded once more, and not redacted."""
    faces = by_frame(scene.truth.faces)
    seen: list[Likeness] = []
    for number, frame in enumerate(grey_frames(scene.control)):
        seen += [likeness(face, frame) for _, face in faces.get(number, ())]
    if len(seen) != len(scene.truth.faces):
        raise RuntimeError(f"{scene.name}: the control has not the frames that were drawn")
    pairs = zip(grey_frames(scene.video), grey_frames(scene.control), strict=True)
    return Control(tuple(seen), coding_loss(pairs))


def judge(scene: Made, output: Path, control: Control, sources: Sequence[int | None]) -> Output:
    """Judge an output, of which each frame shows the drawn frame that ``sources`` says."""
    faces = by_frame(scene.truth.faces)
    sights: list[Sight] = []
    frames, size = 0, (0, 0)

    def pairs() -> Iterator[tuple[Picture, Picture, Sequence[Face]]]:
        nonlocal frames, size
        before, at = grey_frames(scene.video), -1
        picture: Picture | None = None
        for number, after in enumerate(grey_frames(output)):
            frames, size = frames + 1, (after.shape[1], after.shape[0])
            source = sources[number] if number < len(sources) else None
            if source is None:
                continue
            after = fitted(after, scene.truth.size)
            here = faces.get(source, [])
            sights.extend(Sight(number, index, likeness(face, after)) for index, face in here)
            if source < at:  # it is shown once more
                before, at = grey_frames(scene.video), -1
            while at < source:
                picture, at = next(before), at + 1
            if picture is not None and at == source:
                yield picture, after, [face for _, face in here]

    changed = fog(pairs(), control.loss)
    return Output(tuple(sights), changed, frames, size)


def fitted(frame: Picture, size: tuple[int, int]) -> Picture:
    """Return a frame of that size: rows and columns too many go, those missing repeat the last."""
    wide, high = size
    rows = np.minimum(np.arange(high), frame.shape[0] - 1)
    columns = np.minimum(np.arange(wide), frame.shape[1] - 1)
    return frame if frame.shape == (high, wide) else np.asarray(frame[rows][:, columns], np.uint8)
