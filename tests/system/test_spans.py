"""A recording cut into spans and joined: nothing is lost at a cut, and no face shows there.

That the overlap matters was seen by taking it out: with no warm-up and no look-ahead nothing is
held or led across the cuts, and two tests of coverage fail.
"""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import closing
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from blurcam.detect.detector import Detector
from blurcam.detect.selftest import known_face
from blurcam.encode.encoder import SignedPackets
from blurcam.errors import SinkWriteError, SourceReadError
from blurcam.media.masks import covered_share, rasterise
from blurcam.media.regions import Box, Coverage
from blurcam.runs.perception import open_detector
from blurcam.runs.recording import Covered, open_run
from blurcam.runs.span import RedactedSpans, SpanResult, join, open_span, spans_of
from blurcam.runs.span_cuts import Span, cut
from blurcam.runs.summary import Summary
from blurcam.settings.recording import Config
from blurcam.settings.redaction import Detect, Encode
from blurcam.sources.keyframe_index import index_of
from tests.support.batches import (
    batch,
    begin,
    events,
    last_line,
    outputs,
    rows,
    spans_done,
    until,
    workers_of,
)
from tests.support.clips import FFMPEG, ffmpeg, frame_lines, frame_times
from tests.support.live_cameras import WOVEN, X0, X1, Y0, Y1, X, Y, code, face_clip

RATE, SECONDS, SPAN = 25, 12, 4
SIZE = (320, 240)
NEAR = Detect(profile="near")
KEY = b"k" * 32
# The face is there until just before the first cut, and again from just after the second one.
GONE, BACK = Fraction(39, 10), Fraction(81, 10)


def face_at(time: Fraction) -> Box | None:
    """Where the face is, at 0.8 of the portrait's size."""
    if GONE <= time < BACK:
        return None
    _, face = known_face()
    x = 20 + round(10 * (float(time) % 6))
    return Box.around(*(0.8 * v + d for v, d in zip(
        (face.x0, face.y0, face.x1, face.y1), (x, 30, x, 30), strict=True)))  # fmt: skip


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("spans") / "long.mp4"
    portrait, _ = known_face()
    portrait = cv2.resize(portrait, None, fx=0.8, fy=0.8)
    high, wide = portrait.shape[:2]
    raw = path.with_suffix(".bgr")
    with raw.open("wb") as file:
        for seq in range(RATE * SECONDS):
            picture = np.full((SIZE[1], SIZE[0], 3), 110, np.uint8)
            picture[-8:, (seq * 3) % 300 :][:, :8] = 255  # something that always moves
            time = Fraction(seq, RATE)
            if face_at(time) is not None:
                x = 20 + round(10 * (float(time) % 6))
                picture[30 : 30 + high, x : x + wide] = portrait[: SIZE[1] - 30]
            file.write(picture.tobytes())
    ffmpeg("-f", "rawvideo", "-pix_fmt", "bgr24", "-s", "320x240", "-r", RATE, "-i", raw,
           "-c:v", "libx264", "-g", RATE, "-sc_threshold", "0", "-bf", "2",
           "-pix_fmt", "yuv420p", path)  # fmt: skip
    raw.unlink()
    return path


@pytest.fixture(scope="module")
def detector() -> Iterator[Detector]:
    with closing(open_detector(NEAR)) as opened:
        yield opened


class Seen:
    """A watch that keeps the coverage of every frame, by time."""

    def __init__(self) -> None:
        self.coverage: dict[Fraction, Coverage] = {}

    def watch(self, covered: Covered) -> Covered:
        for frame, coverage in covered:
            assert frame.time not in self.coverage
            self.coverage[frame.time] = coverage
            yield frame, coverage


def config_for(clip: Path, out: Path) -> Config:
    return Config(clip, out, detect=NEAR, encode=Encode(overwrite=True))


def packets_of_spans(
    config: Config, detector: Detector, seen: Seen
) -> tuple[RedactedSpans, list[SignedPackets]]:
    spans = spans_of(config, SPAN)
    paths, parts, signatures = [], [], []
    for span in spans:
        path = config.output.with_name(f"{config.output.name}-{span.number}.packets")
        signed = SignedPackets(KEY, str(span))
        with open_span(config, span, path, signed, detector=detector, watch=seen.watch) as run:
            for _ in run.steps():
                pass
            parts.append(run.finish())
        paths.append(path)
        signatures.append(SignedPackets(KEY, str(span)))
    return RedactedSpans(spans, tuple(paths), tuple(parts)), signatures


@pytest.fixture(scope="module")
def uncut(clip: Path, detector: Detector) -> tuple[Path, Seen, Summary]:
    out, seen = clip.with_name("uncut.mp4"), Seen()
    with open_run(config_for(clip, out), detector=detector, watch=seen.watch) as run:
        for _ in run.steps():
            pass
        return out, seen, run.finish()


@pytest.fixture(scope="module")
def joined(clip: Path, detector: Detector) -> tuple[Path, Seen, Summary]:
    out, seen = clip.with_name("joined.mp4"), Seen()
    config = config_for(clip, out)
    redacted, signatures = packets_of_spans(config, detector, seen)
    assert [span.start * Fraction(1, 12800) for span in redacted.spans] == [0, 4, 8]
    *_, summary = join(config, redacted, signatures, detector=detector)
    assert isinstance(summary, Summary)
    return out, seen, summary


Run = tuple[Path, Seen, Summary]


def test_every_frame_is_there_once_at_its_time(clip: Path, joined: Run, uncut: Run) -> None:
    assert frame_times(joined[0]) == frame_times(clip) == frame_times(uncut[0])
    assert joined[2].frames_in == RATE * SECONDS
    assert joined[2].input_sha256 == uncut[2].input_sha256
    assert joined[2].duration_s == uncut[2].duration_s


def test_the_first_span_is_the_same_to_the_bit(joined: Run, uncut: Run) -> None:
    ours, theirs = frame_lines(joined[0]), frame_lines(uncut[0])
    # x264 looks ahead, so that the last pictures before a cut may be coded differently.
    assert [line.sha256 for line in ours[:50]] == [line.sha256 for line in theirs[:50]]


def share(coverage: Coverage, box: Box) -> float:
    return covered_share(rasterise(coverage.regions, *SIZE), box) or 0.0


def test_the_face_is_covered_on_every_frame_cut_or_not(joined: Run, uncut: Run) -> None:
    for _, seen, _ in (joined, uncut):
        assert len(seen.coverage) == RATE * SECONDS
        for time, coverage in seen.coverage.items():
            box = face_at(time)
            if box is not None:
                assert share(coverage, box) >= 0.9, time


def test_hold_and_lead_reach_across_the_cuts(joined: Run, uncut: Run) -> None:
    def is_covered(run: Run, low: str, high: str) -> list[bool]:
        frames = sorted(run[1].coverage.items())
        return [bool(c.regions) for t, c in frames if Fraction(low) <= t < Fraction(high)]

    # Both look ten times a second, and not at the same frames.
    for low, high in (("3.9", "4.01"), ("7.99", "8.1")):
        assert all(is_covered(uncut, low, high))
        assert all(is_covered(joined, low, high)), (low, high)
    # And not simply everything: well away from the face nothing is covered.
    assert not any(is_covered(joined, "5.5", "6.5"))


def test_coverage_around_the_cuts_is_that_of_the_uncut_run(joined: Run, uncut: Run) -> None:
    for time, coverage in uncut[1].coverage.items():
        theirs = rasterise(coverage.regions, *SIZE)
        if min(abs(time - 4), abs(time - 8)) > 1 or not theirs.any():
            continue
        # Both look ten times a second, and not at the same frames.
        near = [c for t, c in joined[1].coverage.items() if abs(t - time) <= Fraction(3, RATE)]
        shares = [(rasterise(c.regions, *SIZE) & theirs).sum() / theirs.sum() for c in near]
        assert max(shares) >= 0.8, time


def test_packets_of_another_hand_are_refused(
    clip: Path, detector: Detector, tmp_path: Path
) -> None:
    config = config_for(clip, tmp_path / "out.mp4")
    redacted, signatures = packets_of_spans(config, detector, Seen())
    content = bytearray(redacted.paths[1].read_bytes())
    content[len(content) // 2] ^= 1
    whole = redacted.paths[1].read_bytes()
    for broken in (bytes(content), whole[:-40], whole[: len(whole) // 2]):
        redacted.paths[1].write_bytes(broken)
        with pytest.raises(SinkWriteError, match=r"not what this job's encoder wrote|cut short"):
            list(join(config, redacted, signatures, detector=detector))
        assert not config.output.exists()
    redacted.paths[1].write_bytes(redacted.paths[0].read_bytes())  # the wrong span
    with pytest.raises(SinkWriteError, match="not what this job's encoder wrote"):
        list(join(config, redacted, signatures, detector=detector))
    assert not config.output.exists()


def test_spans_in_doubt_are_not_joined(clip: Path, detector: Detector, tmp_path: Path) -> None:
    config = config_for(clip, tmp_path / "out.mp4")
    spans = spans_of(config, SPAN)
    good = [SpanResult(span.frames, span.frames, {}, 0, 1.0, "") for span in spans]
    short = SpanResult(spans[1].frames - 1, spans[1].frames - 1, {}, 0, 1.0, "")
    damaged = SpanResult(spans[1].frames, spans[1].frames - 1, {"CORRUPT": 1}, 0, 1.0, "")
    for bad in (short, damaged):
        parts = (good[0], bad, good[2])
        paths = tuple(tmp_path / str(span.number) for span in spans)
        with pytest.raises(SourceReadError, match="damaged in span 2"):
            list(join(config, RedactedSpans(spans, paths, parts), (), detector=detector))


def test_spans_of_different_encoders_are_not_joined(
    clip: Path, detector: Detector, tmp_path: Path
) -> None:
    config = config_for(clip, tmp_path / "out.mp4")
    spans = spans_of(config, SPAN)
    parts = tuple(SpanResult(span.frames, span.frames, {}, 0, 1.0, "00") for span in spans)
    paths = tuple(tmp_path / str(span.number) for span in spans)
    with pytest.raises(SourceReadError, match="different encoders"):
        list(join(config, RedactedSpans(spans, paths, parts), (), detector=detector))


def test_spans_begin_at_key_frames_and_are_the_whole() -> None:
    times, keys = range(0, 1000, 10), range(0, 1000, 50)
    spans = cut(times, keys, Fraction(1, 100), seconds=3, before=0.5, after=0.5)
    assert [(s.start, s.stop) for s in spans] == [(0, 300), (300, 600), (600, None)]
    assert [(s.key, s.end) for s in spans] == [(None, 400), (50, 700), (350, None)]
    assert sum(s.frames for s in spans) == len(times)


def test_a_span_that_needs_the_beginning_is_decoded_from_it() -> None:
    spans = cut(range(0, 100), range(0, 100, 10), Fraction(1, 10), seconds=2, before=5, after=1)
    assert spans[1] == Span(1, None, 20, 40, 55, 20)


@pytest.mark.parametrize("suffix", [".mkv", ".ts", ".mp4"])
def test_an_index_is_of_all_frames(clip: Path, tmp_path: Path, suffix: str) -> None:
    other = tmp_path / f"other{suffix}"
    ffmpeg("-i", clip, "-c", "copy", other)
    index = index_of(other, 1)
    assert index is not None
    assert (len(index.times), len(index.keys)) == (RATE * SECONDS, SECONDS)


def test_an_unusual_time_line_is_left_in_one_piece(clip: Path, tmp_path: Path) -> None:
    avi = tmp_path / "made-up.avi"
    ffmpeg("-i", clip, "-c", "copy", avi)
    assert index_of(avi, 1) is None
    short = tmp_path / "short.mkv"
    ffmpeg("-i", clip, "-c", "copy", "-t", "3", short)
    assert index_of(short, 6) is None
    cut_short = tmp_path / "cut.mkv"
    ffmpeg("-i", clip, "-c", "copy", tmp_path / "whole.mkv")
    content = (tmp_path / "whole.mkv").read_bytes()
    cut_short.write_bytes(content[: len(content) // 2])
    result = batch(cut_short, "--out", tmp_path / "out", "--span", 2)
    assert last_line(result)["review"] == 1, result.stderr


@pytest.mark.parametrize(
    "suffix",
    [
        ".mkv",
        pytest.param(".ts", marks=pytest.mark.slow),
        pytest.param(".mp4", marks=pytest.mark.slow),
    ],
)
def test_a_job_in_spans_keeps_every_frame_and_its_time(
    clip: Path, tmp_path: Path, suffix: str
) -> None:
    source = tmp_path / "in" / f"long{suffix}"
    source.parent.mkdir()
    ffmpeg("-i", clip, "-c", "copy", source)
    result = batch(source, "--out", tmp_path / "cut", "--span", SPAN, "--log-format", "json")
    assert result.returncode == 0, result.stderr
    begun = [each for each in events(result) if each["event"] == "began"]
    assert len(begun) == 5, begun  # the cut, three spans, the join
    times = frame_times(tmp_path / "cut" / source.name)
    assert times == frame_times(source)
    assert len(times) == RATE * SECONDS
    assert list((tmp_path / "cut" / ".blurcam" / "work").iterdir()) == []


@pytest.mark.slow
def test_a_crash_costs_one_span_and_a_killed_driver_goes_on_from_the_spans(
    clip: Path, tmp_path: Path
) -> None:
    plain = tmp_path / "plain"
    # x264 codes alike only with as many threads.
    assert batch(clip, "--out", plain, "--span", SPAN, "--jobs", 1).returncode == 0
    out = tmp_path / "out"
    job = begin(clip, "--out", out, "--span", SPAN, "--jobs", 1)
    until(lambda: spans_done(out) >= 1)
    (worker,) = workers_of(job.pid)
    worker.kill()
    until(lambda: spans_done(out) >= 2)
    job.send_signal(signal.SIGKILL)
    job.communicate(timeout=60)
    assert outputs(out) == {}
    result = batch(clip, "--out", out, "--span", SPAN, "--jobs", 1, "--log-format", "json")
    assert result.returncode == 0, result.stderr
    assert len([e for e in events(result) if e["event"] == "began"]) <= 2  # a span, the join
    assert outputs(out) == outputs(plain)
    assert [row["state"] for row in rows(out)] == ["done"]


def strength_by_frame(path: Path) -> NDArray[np.float64]:
    """Return how strong the code in the face is on each frame, in grey levels."""
    wide, high = X1 - X0, Y1 - Y0
    command = [FFMPEG, "-nostdin", "-v", "error", "-i", path, "-map", "0:v:0", "-fps_mode",
               "passthrough", "-vf", f"extractplanes=y,crop={wide}:{high}:{X + X0}:{Y + Y0}",
               "-f", "rawvideo", "-"]  # fmt: skip
    said = subprocess.run(command, capture_output=True, timeout=600, check=True).stdout
    faces = np.frombuffer(said, np.uint8).reshape(-1, high, wide).astype(np.float64)
    sharp = np.stack([face - cv2.GaussianBlur(face, (0, 0), 6) for face in faces])
    return np.asarray((sharp * code()).mean((1, 2)))


@pytest.mark.slow
def test_half_an_hour_on_two_workers_is_joined_frame_by_frame(tmp_path: Path) -> None:
    """A face with a code in it is in view all the time: it would show where a join leaves a gap."""
    short, source = face_clip(tmp_path / "short.mp4"), tmp_path / "half-hour.mp4"
    ffmpeg("-stream_loop", "99", "-i", short, "-vf", "setpts=3*PTS", "-r", "5", "-c:v", "libx264",
           "-preset", "ultrafast", "-crf", "14", "-g", "50", "-t", "1800", source)  # fmt: skip
    out = tmp_path / "out"
    result = batch(source, "--out", out, "--span", 240, "--jobs", 2, "--log-format", "json")
    assert (result.returncode, last_line(result)["done"]) == (0, 1), result.stderr[-2000:]
    began = [each for each in events(result) if each["event"] == "began"]
    assert len(began) >= 8  # to cut it, seven spans or so, to join them
    times = frame_times(source)
    assert len(times) == 9000
    assert frame_times(out / source.name) == times
    before, after = strength_by_frame(source), strength_by_frame(out / source.name)
    assert before.min() > WOVEN / 2
    assert abs(after).max() < WOVEN / 4, np.argmax(abs(after))
