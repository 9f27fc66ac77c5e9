"""Faults at every stage of a run, and everything that is left behind searched for faces.

The short form strikes once with every fault; the slow one at every call of its stage. Each fault
names a deliberate break of the product (``tests/proof/breaks.py``) that its attempt must bring to
light: the slow form shows it for every fault, the short one for every break.
"""

from __future__ import annotations

import base64
import subprocess
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.proof.breaks import BREAKS
from tests.proof.canary import Feed, WovenFeed, hits, make_feed
from tests.proof.faults import FAULTS, Fault
from tests.proof.paths import Run
from tests.proof.prove import SAME_BUT_FOR_THE_CLASS, Case, build_shim, cases, judge, noticed
from tests.proof.zygote import ROOT, Order, Pool, zygotes

FRAMES = 30
# Of the faults that differ in the exception alone, the short form takes one.
SHORT = [each for each in FAULTS.values() if not each.kind.startswith(SAME_BUT_FOR_THE_CLASS)]


@pytest.fixture(scope="module")
def feed(tmp_path_factory: pytest.TempPathFactory) -> Feed:
    return make_feed(tmp_path_factory.mktemp("feed") / "feed.mp4", FRAMES)


@pytest.fixture(scope="module")
def woven(tmp_path_factory: pytest.TempPathFactory) -> Feed:
    return make_feed(tmp_path_factory.mktemp("woven") / "feed.mp4", 16, moves=1, kind=WovenFeed)


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path | None:
    return build_shim(tmp_path_factory.mktemp("shim"))


@pytest.fixture(scope="module")
def shimmed(shim: Path | None) -> Iterator[Pool | None]:
    if shim is None:
        yield None
        return
    with zygotes(2, shim) as made:
        yield made


def unsafe(found: Iterator[object]) -> list[str]:
    return [str(each) for each in found if getattr(each, "problems", ())]


def test_every_code_is_found_where_nothing_is_covered(pool: Pool, feed: Feed, woven: Feed) -> None:
    """The control: a broken build that redacts nothing shows the face of every frame."""
    for one, real in ((feed, False), (woven, True)):
        fault = FAULTS["real runtime fails" if real else "the clock leaps"]
        case = Case(Run(), fault, 99, ("redacts_nothing",))
        (judged,) = judge(pool, pool, {False: feed, True: woven}, [case])
        for seq in range(one.frames):
            assert any(f"the face of frame {seq} (" in each for each in judged.problems), seq


def test_codes_are_found_in_bytes_of_any_kind(feed: Feed, tmp_path: Path) -> None:
    luma = feed.picture(7)[0]
    row = feed.face(7)[2]
    _, jpeg = cv2.imencode(".jpg", luma)
    _, png = cv2.imencode(".png", luma)
    hidden = {
        "raw": luma.tobytes(),
        "pixels": np.repeat(luma[..., None], 3, 2).tobytes(),
        "hexadecimal": luma.tobytes().hex().encode(),
        "base64": b"x" + base64.b64encode(b"y" + luma.tobytes()),
        "numbers": str(row.tolist()).encode(),
        "JPEG": b"x" * 9 + jpeg.tobytes(),
        "PNG": b"x" * 9 + png.tobytes(),
        "compressed": b"x" * 9 + zlib.compress(luma.tobytes()),
    }
    for name, content in hidden.items():
        assert {hit.code for hit in hits(feed, iter([(name, content)]))} >= {7}, name
    passed_on = tmp_path / "passed-on.bin"
    passed_on.write_bytes(b"x" * 9 + feed.path.read_bytes())
    found = hits(feed, iter([("copy", passed_on)]))
    assert {hit.code for hit in found if "coded input" in hit.where} == set(range(FRAMES))


def test_nothing_is_found_in_another_feed(feed: Feed, tmp_path: Path) -> None:
    other = make_feed(tmp_path / "other.mp4", FRAMES, seed=2)
    assert hits(feed, iter([("other", other.path)])) == []


def test_a_run_is_safe_under_every_fault(
    pool: Pool, shimmed: Pool | None, feed: Feed, woven: Feed
) -> None:
    chosen = [each for each in cases(Run(), most=1) if each.fault in SHORT and not each.fault.real]
    found = list(judge(pool, shimmed, {False: feed, True: woven}, chosen))
    assert unsafe(iter(found)) == []
    assert len(found) > 40
    assert sum(each.struck for each in found) > 0.9 * len(found)


@pytest.mark.slow
def test_a_run_is_safe_under_every_fault_of_the_real_detector(
    pool: Pool, shimmed: Pool | None, feed: Feed, woven: Feed
) -> None:
    """Dearer than all others together: each loads the network anew."""
    chosen = [each for each in cases(Run(), most=1) if each.fault in SHORT and each.fault.real]
    found = list(judge(pool, shimmed, {False: feed, True: woven}, chosen))
    assert unsafe(iter(found)) == []
    assert found
    assert sum(each.struck for each in found) > 0.9 * len(found)


# That of cameras is brought to light in test_power, that of the page in test_proof_review.
ELSEWHERE = ("nothing_is_flushed", "unsaved_edits_uncover")


@pytest.mark.parametrize("name", [name for name in BREAKS if name not in ELSEWHERE])
def test_every_break_is_brought_to_light(
    name: str, pool: Pool, shimmed: Pool | None, feed: Feed, woven: Feed
) -> None:
    kind = {
        "hides_faults": "detector fails on a frame",
        "uncounted": "the clock leaps",
        "errors_show_pictures": "a bug in encode",
        # Decoding runs ahead: killed in it, a short run may have written nothing yet.
        "write_in_place": "SIGKILL in write",
    }.get(name)
    chosen = next((each for each in FAULTS.values() if each.broken_by == name), None)
    fault = FAULTS[kind] if kind else chosen
    assert fault is not None
    case = Fault(
        **{field: getattr(fault, field) for field in fault.__slots__} | {"broken_by": name}
    )
    judged = noticed(pool, shimmed, {False: feed, True: woven}, Run(), case)
    assert judged is not None
    assert judged.problems


def test_a_forked_run_is_the_program(pool: Pool, woven: Feed, tmp_path: Path) -> None:
    outputs = []
    for name in ("forked", "started"):
        output = tmp_path / f"{name}.mkv"
        argv = ["run", str(woven.path), str(output), "--quiet"]
        if name == "forked":
            assert pool.run(Order(argv=argv, stderr=str(tmp_path / "err"), oracle=False)).code == 0
        else:
            command = [sys.executable, "-m", "blurcam", *argv]
            assert subprocess.run(command, cwd=ROOT, timeout=120, check=False).returncode == 0
        outputs.append(output.read_bytes())
    assert len(outputs[0]) == len(outputs[1])


@pytest.mark.slow
def test_a_run_is_safe_whenever_a_fault_strikes(
    pool: Pool, shimmed: Pool | None, feed: Feed, woven: Feed
) -> None:
    found = list(judge(pool, shimmed, {False: feed, True: woven}, cases(Run())))
    assert unsafe(iter(found)) == []
    assert sum(each.struck for each in found) > 0.97 * len(found)
    if shimmed is not None:
        assert len(found) >= 1000


@pytest.mark.slow
def test_every_fault_brings_its_break_to_light(
    pool: Pool, shimmed: Pool | None, feed: Feed, woven: Feed
) -> None:
    feeds = {False: feed, True: woven}
    found = pool.map(lambda each: noticed(pool, shimmed, feeds, Run(), each), [*FAULTS.values()])
    assert [str(each) for each in found if each is not None and not each.problems] == []
