"""Ways for a face, a voice or a place to leave other than in the picture: one test each.

Each test first finds the secret in the input with the very search that must not find it in the
output, so that it can fail; where the product has to be broken for that, it says how.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from blurcam.detect.detector import Detection
from blurcam.detect.views import View
from blurcam.media.formats import PIXEL_FORMATS
from blurcam.media.frames import Frame
from blurcam.media.regions import Box
from tests.proof.canary import FACE_CR, Feed, hits, make_feed
from tests.proof.zygote import Order, Pool
from tests.support.clips import facts, ffmpeg
from tests.support.makers import TIME_BASE, noise_frame

SECRET = b"kilroy-was-here-52.5163N-13.3777E"
FRAMES = 16


@pytest.fixture(scope="module")
def feed(tmp_path_factory: pytest.TempPathFactory) -> Feed:
    return make_feed(tmp_path_factory.mktemp("feed") / "feed.mkv", FRAMES)


def redacted(pool: Pool, given: Path, name: str = "out.mkv", *argv: str) -> Path:
    """Run a recording through blurcam; its folder then holds all that is left behind."""
    room = given.parent / "left"
    room.mkdir(exist_ok=True)
    output = room / name
    whole = ["run", str(given), str(output), "--regions", str(room / "r.jsonl"),
             "--summary", str(room / "s.json"), *argv]  # fmt: skip
    end = pool.run(Order(whole, str(room / "stderr"), env={"TMPDIR": str(room)}))
    assert end.code == 0, (room / "stderr").read_text()
    return output


def everything(output: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(output.parent.iterdir()))


def left(output: Path) -> Iterator[tuple[str, Path]]:
    yield from ((path.name, path) for path in sorted(output.parent.iterdir()))


def streams(path: Path) -> list[str]:
    return [line.strip() for line in facts(path).splitlines() if "Stream #" in line]


def test_sound_stays_out_unless_asked_for(pool: Pool, feed: Feed, tmp_path: Path) -> None:
    given = tmp_path / "given.mkv"
    ffmpeg("-i", feed.path, "-f", "lavfi", "-i", "sine=d=0.6", "-c:v", "copy", given)
    assert any("Audio" in each for each in streams(given))
    assert len(streams(redacted(pool, given))) == 1
    asked = redacted(pool, given, "asked.mkv", "--audio", "copy", "--overwrite")
    assert any("Audio" in each for each in streams(asked))


def test_a_second_picture_stays_out(pool: Pool, feed: Feed, tmp_path: Path) -> None:
    other = make_feed(tmp_path / "other.mkv", FRAMES, seed=3)
    given = tmp_path / "given.mkv"
    ffmpeg("-i", feed.path, "-i", other.path, "-map", "0", "-map", "1", "-c", "copy", given)
    alone = tmp_path / "alone.mkv"
    ffmpeg("-i", given, "-map", "0:v:1", "-c", "copy", alone)
    assert hits(other, iter([("input", alone)]))
    output = redacted(pool, given)
    assert len(streams(output)) == 1
    assert hits(other, left(output)) == hits(feed, left(output)) == []


def test_cover_art_and_thumbnails_stay_out(pool: Pool, feed: Feed, tmp_path: Path) -> None:
    art = tmp_path / "art.png"
    ffmpeg("-i", feed.path, "-frames:v", "1", art)
    given = tmp_path / "given.mp4"
    ffmpeg("-i", feed.path, "-i", art, "-map", "0", "-map", "1", "-c", "copy",
           "-disposition:v:1", "attached_pic", given)  # fmt: skip
    assert any("PNG" in hit.where for hit in hits(feed, iter([("input", given)])))
    output = redacted(pool, given, "out.mp4")
    assert len(streams(output)) == 1
    assert hits(feed, left(output)) == []


@pytest.mark.parametrize("kind", ["subtitle", "attachment", "chapter", "metadata", "place"])
def test_words_beside_the_picture_stay_out(
    kind: str, pool: Pool, feed: Feed, tmp_path: Path
) -> None:
    given, words = tmp_path / "given.mkv", SECRET.decode()
    note = tmp_path / "note.txt"
    if kind == "subtitle":
        note = note.with_suffix(".srt")
        note.write_text(f"1\n00:00:00,000 --> 00:00:00,500\n{words}\n")
        ffmpeg("-i", feed.path, "-i", note, "-c:v", "copy", given)
    elif kind == "attachment":
        note.write_text(words)
        ffmpeg("-i", feed.path, "-c", "copy", "-attach", note,
               "-metadata:s:t", "mimetype=text/plain", given)  # fmt: skip
    elif kind == "chapter":
        note.write_text(
            f";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=400\ntitle={words}\n"
        )
        ffmpeg("-i", feed.path, "-i", note, "-map_chapters", "1", "-c", "copy", given)
    elif kind == "metadata":
        ffmpeg("-i", feed.path, "-c", "copy", "-metadata", f"title={words}",
               "-metadata:s:v", f"handler_name={words}", given)  # fmt: skip
    else:
        given = given.with_suffix(".mov")
        ffmpeg("-i", feed.path, "-c", "copy", "-metadata", f"location={words}",
               "-metadata", f"comment={words}", given)  # fmt: skip
    assert SECRET in given.read_bytes()
    note.unlink(missing_ok=True)
    for name in ("out.mkv", "out.mp4", "out.ts"):
        assert SECRET not in everything(redacted(pool, given, name, "--overwrite"))


def test_words_in_the_coded_picture_stay_out(pool: Pool, feed: Feed, tmp_path: Path) -> None:
    """SEI user data, where cameras put names, places and what their own detector saw."""
    given = tmp_path / "given.mkv"
    sei = f"h264_metadata=sei_user_data=086f3693-b7b3-4f2c-9653-21492feee5b8+{SECRET.decode()}"
    ffmpeg("-i", feed.path, "-c", "copy", "-bsf:v", sei, given)
    assert SECRET in given.read_bytes()
    for name in ("out.mkv", "out.mp4", "out.ts"):
        assert SECRET not in everything(redacted(pool, given, name, "--overwrite"))


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_a_turned_recording_is_covered_in_the_right_place(
    turn: int, pool: Pool, feed: Feed, tmp_path: Path
) -> None:
    given = tmp_path / "given.mp4"
    ffmpeg("-display_rotation", turn, "-i", feed.path, "-c", "copy", given)
    assert hits(feed, iter([("input", given)]))
    output = redacted(pool, given, "out.mp4")
    assert "rotation" in facts(output)
    assert hits(feed, left(output)) == []


def test_what_an_edit_list_hides_is_covered_too(pool: Pool, feed: Feed, tmp_path: Path) -> None:
    given = tmp_path / "given.mp4"
    ffmpeg("-ss", "0.28", "-i", feed.path, "-c", "copy", given)
    assert hits(feed, iter([("input", given)]))
    output = redacted(pool, given, "out.mp4")
    plain = output.with_name("plain.mp4")
    ffmpeg("-ignore_editlist", "1", "-i", output, "-c", "copy", plain)
    assert hits(feed, left(output)) == []


def test_an_alpha_plane_stays_out(pool: Pool, feed: Feed, tmp_path: Path) -> None:
    """The faces are in the alpha plane alone, where no detector looks."""
    given = tmp_path / "given.mkv"
    ffmpeg("-i", feed.path, "-f", "lavfi", "-i", "color=gray:s=192x128:r=25:d=0.64",
           "-filter_complex", "[0:v]extractplanes=y[a];[1:v]format=yuv420p[c];[c][a]alphamerge",
           "-c:v", "ffv1", "-pix_fmt", "yuva420p", "-frames:v", FRAMES, given)  # fmt: skip
    alpha = tmp_path / "alpha.mkv"
    ffmpeg("-i", given, "-vf", "extractplanes=a", "-c:v", "ffv1", alpha)
    assert hits(feed, iter([("input", alpha)]))
    output = redacted(pool, given)
    assert "yuva" not in facts(output)
    assert hits(feed, left(output)) == []


def test_the_tail_of_an_older_file_is_gone(pool: Pool, feed: Feed, tmp_path: Path) -> None:
    given = tmp_path / "given.mkv"
    given.write_bytes(feed.path.read_bytes())
    old = tmp_path / "left" / "out.mkv"
    old.parent.mkdir()
    old.write_bytes(feed.picture(3)[0].tobytes() * 20)
    assert hits(feed, left(old))
    assert hits(feed, left(redacted(pool, given, "out.mkv", "--overwrite"))) == []


def test_debugging_shows_no_picture(pool: Pool, feed: Feed, tmp_path: Path) -> None:
    """A failing stage with --debug: a traceback, and no sample in it. Broken, the log shows it."""
    found = {}
    for breaks in ((), ("errors_show_pictures",)):
        stderr = tmp_path / f"stderr{len(breaks)}"
        argv = ["--debug", "run", str(feed.path), str(tmp_path / f"out{len(breaks)}.mkv")]
        order = Order(argv, str(stderr), fault="a bug in encode", at=9, breaks=breaks)
        assert pool.run(order).code == 1
        assert "Traceback" in stderr.read_text()
        found[breaks] = hits(feed, iter([("standard error", stderr.read_bytes())]))
    assert found[()] == []
    assert found[("errors_show_pictures",)]


def test_the_repr_of_whatever_holds_a_picture_shows_none_of_it() -> None:
    """Logs and tracebacks print reprs. With numpy's own, the samples would be in them."""
    frame = noise_frame(PIXEL_FORMATS["gray"], 8, 8, seed=1)
    view = View(np.full((4, 4, 3), 213, np.uint8), Box(0, 0, 4, 4), 0)
    samples = f"[{frame.planes[0][0, 0]}, "
    assert samples in repr(frame.planes)
    assert "213" in repr(view.picture)
    for shown in (repr(frame), f"{frame}", repr([frame, Detection(Box(0, 0, 1, 1), 0.5)])):
        assert "array" not in shown
        assert "seq=0" in shown
    assert "213" not in repr(view)
    record = logging.LogRecord("x", 10, "x", 1, "%s %r", (frame, view), None)
    assert "array" not in record.getMessage()


def test_a_stale_buffer_does_not_come_back() -> None:
    """A fully covered frame after one that was not holds nothing of it, in any plane."""
    from blurcam.media.regions import Coverage, Reason
    from blurcam.redact.effects import make_effect
    from blurcam.redact.gate import redact

    bright = np.full((64, 64), FACE_CR, np.uint8)
    frame = Frame((bright,), PIXEL_FORMATS["gray"], 0, 0, TIME_BASE)
    for seq in range(50):  # the allocator gives the same memory again and again
        bare = redact(replace(frame, seq=seq), Coverage(seq, ()), make_effect("blur"))
        assert (bare.planes[0] == FACE_CR).all()
        del bare
        whole = Coverage.whole(seq, Reason.CORRUPT, 64, 64)
        covered = redact(replace(frame, seq=seq), whole, make_effect("blur"))
        assert not (covered.planes[0] == FACE_CR).any()
