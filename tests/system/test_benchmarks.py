"""The benchmarks measure what they say: whole trees of processes, in pairs, by one rule."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks import archive, charts, outputs
from benchmarks.contenders import Contender, bare_decode, bare_transcode, blurcam, settings_of
from benchmarks.footage import clip, palindrome
from benchmarks.processes import Failed, spend
from benchmarks.quality import psnr_outside
from benchmarks.races import race, ratio
from benchmarks.report import markdown
from benchmarks.scenes.catalogue import SCENES
from benchmarks.scenes.making import made
from blurcam import Config, Detect, Encode, run
from tests.support.clips import frame_hashes, moving_clip

# A parent that waits for a child which works for half a second of CPU and holds 200 MB.
WORK = "import time; kept = bytearray(200_000_000); t = time.process_time()\n" \
    "while time.process_time() - t < 0.5: pass"  # fmt: skip
PARENT = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {WORK!r}], check=True)"


def test_the_cost_of_a_command_is_that_of_its_whole_tree(tmp_path: Path) -> None:
    spent = spend([sys.executable, "-c", PARENT], log=tmp_path / "log")
    assert spent.cpu >= 0.5
    assert spent.wall >= 0.5
    assert spent.memory >= 200


def test_everybody_is_judged_by_what_the_output_shows(tmp_path: Path) -> None:
    scene = made(SCENES["rate-2"])
    bare = outputs.shown(bare_transcode(), scene, tmp_path)
    assert bare.counted > 50
    assert bare.exposed == bare.counted
    assert bare.longest >= 20
    assert bare.changed < 0.002
    ours = outputs.shown(blurcam("balanced"), scene, tmp_path)
    assert (ours.counted, ours.exposed) == (bare.counted, 0)
    assert 0.01 < ours.changed < 0.5
    lines = list(outputs.table({"bare": bare, "ours": ours}))
    assert lines[2].startswith(f"| bare | {bare.exposed} of {bare.counted} | {bare.longest} | ")


def test_a_command_that_fails_is_told_with_its_last_words(tmp_path: Path) -> None:
    with pytest.raises(Failed, match=r"ended with 3: .*gone"):
        spend(
            [sys.executable, "-c", "import sys; print('gone'); sys.exit(3)"], log=tmp_path / "log"
        )


def test_a_race_is_told_in_ratios_and_whoever_fails_is_out(tmp_path: Path) -> None:
    path = moving_clip(tmp_path / "in.mp4", "-c:v", "libx264", size="320x240")
    broken = Contender("broken", lambda _, __: [sys.executable, "-c", "raise SystemExit(1)"])
    result = race(clip("small", path), (bare_decode(), bare_transcode(), broken), 3)
    assert result["frames"] == 25
    assert {name: len(turns) for name, turns in result["contenders"].items()} == {
        "bare decode": 3,
        "bare transcode": 3,
    }
    assert "broken" in result["failed"]
    assert ratio(result, "bare transcode", "wall") == 1
    results = {
        "machine_text": "a machine", "versions": {"blurcam": "1"}, "runs": 3,
        "command": "make bench",
        "start_up": result, "side_by_side": {"small": result}, "by_length": {"1 s": result},
    }  # fmt: skip
    text = markdown(results)
    assert "| bare transcode |" in text
    assert "broken failed" in text
    assert all(path.stat().st_size > 1000 for path in charts.draw(results, tmp_path))


def test_what_an_archive_costs_is_written_into_the_guide_twice_the_same() -> None:
    asked = archive.Asked()
    costs = {"near: street": {"cpu_s_an_hour": 4237.0}}
    found = {
        "machine": "a machine", "ledger": {"wall_ms": 1.5, "cpu_ms": 1.0}, "costs": costs,
        "workers": {"1": {"files_a_minute": 20.0, "cpu_s_a_file": 3.0}},
        "plan": archive.plan(asked.cameras, asked.hours, costs),
    }  # fmt: skip
    lines = [*archive.tables(asked, found)]
    assert any("11,769 cores" in line for line in lines)
    page = archive.PAGE.read_text(encoding="utf-8")
    once = archive.between_marks(page, lines)
    assert "a machine" in once
    assert once == archive.between_marks(once, lines)
    assert once.partition(archive.MARKS[1])[2] == page.partition(archive.MARKS[1])[2] != ""


def test_the_palindrome_has_no_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    source = moving_clip(tmp_path / "in.mp4", "-c:v", "libx264", size="320x240")
    twice = palindrome(source, 2)
    assert clip("", twice).frames == len(frame_hashes(twice)) == 100


def test_noise_is_measured_outside_the_mask_and_like_is_compared_with_like(tmp_path: Path) -> None:
    source = moving_clip(tmp_path / "in.mp4", "-c:v", "libx264", size="320x240")
    found = {}
    for crf in (10, 40):
        config = Config(
            source,
            tmp_path / f"{crf}.mp4",
            detect=Detect(profile="near"),
            encode=Encode(crf=crf),
            regions=tmp_path / f"{crf}.jsonl",
        )
        run(config)
        assert config.regions is not None
        found[crf] = psnr_outside(source, config.output, config.regions)
    assert found[10] > 40 > found[40]
    assert settings_of(tmp_path / "10.mp4")["crf"] == "10.0"
