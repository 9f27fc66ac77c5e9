"""Every detector keeps one contract; weights come from models/ (run: make models)."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from blurcam.detect import selftest
from blurcam.detect.detector import Answered, CombinedDetector, Detection, Detector, merge
from blurcam.detect.detectors import centerface, mediapipe, yunet
from blurcam.detect.detectors.network_detector import NetworkDetector
from blurcam.detect.detectors.openvino import Network
from blurcam.detect.profiles import PROFILES, passes_for, plan_of
from blurcam.detect.views import View
from blurcam.errors import ConfigError, DetectorError, DetectorTimeout, ModelError
from blurcam.media.formats import PIXEL_FORMATS, StreamInfo
from blurcam.media.frames import Frame
from blurcam.media.regions import Box
from blurcam.models.load import load
from blurcam.runs.perception import open_detector, searched
from blurcam.settings.redaction import Detect, DetectorName, MediaPipeRange, ProfileName

PORTRAIT = np.asarray(cv2.imread(str(Path(selftest.__file__).parent / "known-face.jpg")), np.uint8)
FACE = Box(52, 46, 120, 121)
NAMES = (
    "centerface",
    "mediapipe-full",
    "mediapipe-short",
    "mediapipe-full-tiles",
    "mediapipe-short-tiles",
    "yunet",
    "centerface+mediapipe",
)


def make(name: str, threshold: float | None = None) -> Detector:
    if name == "centerface+mediapipe":
        return CombinedDetector([make("centerface", threshold), make("mediapipe-full", threshold)])
    kind: DetectorName = "mediapipe" if name.startswith("mediapipe") else name  # type: ignore[assignment]
    reach: MediaPipeRange = "short" if "short" in name else "full"
    tiles = name.endswith("tiles")
    if kind == "centerface":
        return centerface.open_centerface(load("centerface"), threshold=threshold or 0.25)
    return open_detector(Detect(detector=kind, threshold=threshold, range=reach, tiles=tiles))


@pytest.fixture(params=NAMES)
def detector(request: pytest.FixtureRequest) -> Iterator[Detector]:
    made = make(request.param)
    yield made
    made.close()
    made.close()


def view(picture: np.ndarray, rotation: int = 0) -> View:  # type: ignore[type-arg]
    high, wide = picture.shape[:2]
    turned = rotation % 180
    area = Box(0, 0, high, wide) if turned else Box(0, 0, wide, high)
    return View(np.asarray(picture, np.uint8), area, rotation)


def canvas(wide: int, high: int, x: int, y: int) -> np.ndarray:  # type: ignore[type-arg]
    picture = np.full((high, wide, 3), 96, np.uint8)
    picture[y : y + PORTRAIT.shape[0], x : x + PORTRAIT.shape[1]] = PORTRAIT
    return picture


def search(detector: Detector, *views: View) -> tuple[Detection, ...]:
    return detector.start(views).wait(30)


def test_a_face_is_found_where_it_is(detector: Detector) -> None:
    faces = search(detector, view(canvas(240, 220, 40, 10)))
    expected = Box(FACE.x0 + 40, FACE.y0 + 10, FACE.x1 + 40, FACE.y1 + 10)
    assert any(face.box.iou(expected) > 0.4 for face in faces)
    assert all(detector.threshold <= face.confidence <= 1 for face in faces)


def test_sizes_that_are_no_multiple_of_anything_are_taken(detector: Detector) -> None:
    for size in ((203, 201), (331, 257)):
        faces = search(detector, view(canvas(*size, 10, 0)))
        assert len(faces) >= 1


def test_an_empty_scene_is_an_empty_answer(detector: Detector) -> None:
    assert search(detector, view(np.full((240, 320, 3), 96, np.uint8))) == ()


def test_views_of_one_frame_are_merged(detector: Detector) -> None:
    picture = canvas(240, 220, 40, 10)
    assert len(search(detector, view(picture), view(picture))) == len(
        search(detector, view(picture))
    )


def test_searches_may_overlap(detector: Detector) -> None:
    empty, full = view(np.full((220, 240, 3), 96, np.uint8)), view(canvas(240, 220, 40, 10))
    answers = [detector.start([each]) for each in (full, empty, full, empty)]
    assert [bool(answer.wait(30)) for answer in answers] == [True, False, True, False]


@pytest.mark.parametrize("name", NAMES)
def test_the_threshold_in_force_is_the_one_that_was_asked_for(name: str) -> None:
    loose = make(name, 0.2)
    picture = view(canvas(240, 220, 40, 10))
    best = max(face.confidence for face in search(loose, picture))
    loose.close()
    for threshold, found in ((best - 0.03, True), (min(0.99, best + 0.03), False)):
        try:
            strict = make(name, threshold)
        except ModelError:
            continue  # the known face of the self-test is not above it
        assert strict.threshold == threshold
        assert bool(search(strict, picture)) == found
        strict.close()


REFERENCE = (Path(__file__).parents[3] / "docs" / "reference" / "cli.md").read_text()


@pytest.mark.parametrize("profile", PROFILES)
def test_the_thresholds_of_the_profiles_are_the_documented_ones(profile: ProfileName) -> None:
    detect = Detect(profile)
    with closing(open_detector(detect)) as detector:
        passes = passes_for(detect, detector.threshold, 1920, 1080)
        plan = plan_of(detect, passes)
    assert f"| `{profile}` | {passes.threshold:g} | {plan.certain:g} |" in REFERENCE


@pytest.mark.parametrize(("module", "name"), [(mediapipe, "mediapipe"), (yunet, "yunet")])
def test_the_thresholds_of_the_detectors_are_the_documented_ones(module, name: str) -> None:  # type: ignore[no-untyped-def]
    assert f"| `{name}` | {module.DEFAULT_THRESHOLD:g} |" in REFERENCE


def test_the_threshold_in_force_reaches_the_search() -> None:
    """A face of 14 px, of which it is less than certain."""
    small = cv2.resize(canvas(240, 220, 40, 10), (40, 36), interpolation=cv2.INTER_AREA)
    picture = cv2.copyMakeBorder(small, 20, 164, 20, 180, cv2.BORDER_REPLICATE)
    frame = Frame((picture[..., 1],), PIXEL_FORMATS["gray"], 0, 0, Fraction(1, 25))
    info = StreamInfo("test", 240, 220, frame.pixel_format, frame.time_base, Fraction(25))

    def found(threshold: float | None) -> list[Detection]:
        detect = Detect(threshold=threshold)
        with closing(open_detector(detect)) as detector:
            ((_, finding),) = searched([frame], info, detector, detect)
        assert isinstance(finding, Answered)
        return list(finding.detections)

    (face,) = found(None)
    assert found(face.confidence - 0.02)
    assert not found(face.confidence + 0.02)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite_are_a_failure(value: float) -> None:
    """They would pass for "no face here", since no comparison with them is true."""

    class Spoiled(Network):
        def _compile(self, weights):  # type: ignore[no-untyped-def]
            inner = super()._compile(weights)
            return SimpleNamespace(
                create_infer_request=lambda: Request(inner), outputs=inner.outputs
            )

    class Request:
        def __init__(self, model) -> None:  # type: ignore[no-untyped-def]
            self._request = model.create_infer_request()

        def __getattr__(self, name: str) -> object:
            return getattr(self._request, name)

        def get_output_tensor(self, number: int) -> object:
            data = np.array(self._request.get_output_tensor(number).data)
            data.flat[-1] = value
            return SimpleNamespace(data=data)

    network = Spoiled("centerface", load("centerface"), "CPU", takes_rgb=True)
    detector = NetworkDetector("centerface", 12, network, 0.25, centerface.decode)
    with pytest.raises(DetectorError, match="not finite"):
        detector.start([view(PORTRAIT)]).wait(30)


def test_an_answer_that_does_not_come_is_a_time_out() -> None:
    network = Network("centerface", load("centerface"), "CPU", takes_rgb=True)
    large = np.zeros((1088, 1920, 3), np.uint8)
    with pytest.raises(DetectorTimeout, match="no answer within"):
        network.start([large]).wait(0.001)
    assert network.start([large]).wait(60)


def test_a_signal_is_heard_after_detectors_whose_lives_overlapped() -> None:
    program = """
import os, signal
from blurcam.runs.perception import open_detector
from blurcam.runtime.signals import Stop, handling
from blurcam.settings.redaction import Detect
first = open_detector(Detect())
second = open_detector(Detect())
first.close()
del first
second.close()
del second
stop = Stop()
with handling(stop.ask, signal.SIGTERM):
    os.kill(os.getpid(), signal.SIGTERM)
print("heard", stop.signals == [signal.SIGTERM])
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (ended.returncode, ended.stdout) == (0, "heard True\n"), ended.stderr


def test_a_device_that_is_not_there_is_refused() -> None:
    with pytest.raises(ConfigError, match="TPU"):
        open_detector(Detect(device="TPU"))


def test_a_detector_that_sees_nothing_does_not_start() -> None:
    with pytest.raises(ModelError, match="self-test"):
        open_detector(Detect(detector="mediapipe", threshold=0.99))


def test_weights_that_are_no_model_are_refused() -> None:
    with pytest.raises(ModelError, match="centerface"):
        Network("centerface", b"no model", "CPU", takes_rgb=True)


def found(*boxes: tuple[int, int, int, int]) -> list[Detection]:
    return [Detection(Box(*box), 0.9 - 0.1 * n) for n, box in enumerate(boxes)]


def test_merging_keeps_the_surest_and_all_that_lie_apart() -> None:
    each = found((0, 0, 10, 10), (1, 0, 11, 10), (40, 0, 50, 10))
    assert merge(each[::-1]) == (each[0], each[2])
    assert merge([]) == ()
