"""The guides, run as they stand, in a folder that stands for a machine."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from blurcam import __version__
from tests.support.clips import frame_hashes
from tests.support.fakecam import Clip, FakeCam
from tests.support.guides import GUIDES, ROOT, Bench, shell, snippets
from tests.support.live_cameras import face_clip as camera_clip
from tests.support.pictures import kinds
from tests.support.streams import face_clip

FRAMES = 25
# The blocks of masks.md, each by a word that it alone has, in the order in which they are run.
MASKS = ("--mask", "zones.json", "--regions in.jsonl\n", "corrected.mp4", "boxes.jsonl")


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return face_clip(tmp_path_factory.mktemp("clips") / "in.mp4", FRAMES / 25)


def without_numbers(text: str) -> list[str]:
    return [re.sub(r"[\d.,]+", "N", line).strip() for line in text.splitlines()]


# Containers, to the point where Docker would take over --------------------------------------------


def test_the_steps_to_containers_leave_files_that_both_programs_take(bench: Bench) -> None:
    shutil.copytree(ROOT / "packaging", bench.home / "packaging")
    for block in shell("mediamtx"):
        bench.run(block, "of the camera\n")
    config = bench.home / "config"
    secrets = {path.name: path.read_text() for path in (config / "secrets").iterdir()}
    assert secrets["front_password"] == "of the camera"
    assert all(len(secrets[name].strip()) >= 24 for name in ("token", "view_password"))
    assert (bench.home / ".env").read_text() == "LISTEN=10.0.4.2\n"
    said = bench.run(
        "CREDENTIALS_DIRECTORY=config/secrets blurcam config check config/cameras.yaml"
    )
    assert said == "front: rtsp://***@10.0.4.11/stream1, outputs: 2\n"
    assert bench.calls() == [
        "chown -R 10001 config", "docker compose up -d --build", "docker compose up -d",
    ]  # fmt: skip


def test_a_camera_can_be_tried_without_its_password_in_a_command(bench: Bench) -> None:
    (file,) = snippets("yaml", pages=(GUIDES / "onvif.md",))
    (block,) = shell("onvif")
    (bench.home / "try.yaml").write_text(file.text)
    asked, check, serve = block.splitlines()
    assert serve == "blurcam serve --config try.yaml"
    assert bench.run(f"{asked}\n{check}", "hunter22\n").endswith("10.0.4.11/stream1, outputs: 1\n")


# Debian -------------------------------------------------------------------------------------------


def test_the_steps_on_debian_but_the_install_leave_a_service_that_can_start(bench: Bench) -> None:
    shutil.copytree(ROOT / "packaging", bench.home / "packaging")
    for each in ("etc/systemd/system", "opt/blurcam/bin"):
        bench.path(each).mkdir(parents=True)
    bench.path("opt/blurcam/bin/blurcam").symlink_to(bench.folder / "programs" / "blurcam")
    install, secrets, check, service, *_ = shell("debian")
    bench.run(secrets, "of the camera\n")
    assert bench.run(check) == "front: rtsp://***@10.0.4.11/stream1, outputs: 1\n"
    bench.run(service)
    unit = bench.path("etc/systemd/system/blurcam.service").read_text()
    for name, place in re.findall(r"^LoadCredential=(\w+):(.*)$", unit, re.M):
        secret = bench.path(place)
        assert secret.stat().st_size, name
        assert secret.parent.stat().st_mode & 0o077 == 0
    assert "systemctl enable --now blurcam" in bench.calls()
    assert bench.path("etc/blurcam/cameras.yaml").exists()
    assert "pip install --no-deps --require-hashes" in install


@pytest.mark.slow
def test_the_install_on_debian_gives_a_program_that_works(bench: Bench) -> None:
    for each in ("packaging", "blurcam"):
        shutil.copytree(ROOT / each, bench.home / each)
    for each in ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / each, bench.home)
    bench.path("opt").mkdir()
    del bench.environment["PYTHONPATH"]
    install = shell("debian")[0]
    bench.run(install.rstrip() + f" --mirror {ROOT / 'models'}", timeout=1800)
    assert "apt-get install -y python3-venv" in bench.calls()[0]
    said = bench.run("/opt/blurcam/bin/blurcam --version")
    assert said.startswith(f"blurcam {__version__}")
    bench.environment["BLURCAM_MODELS"] = str(bench.path("opt/blurcam/models"))
    bench.run("/opt/blurcam/bin/blurcam check")


# Recordings ---------------------------------------------------------------------------------------


def test_the_first_run_says_what_the_guide_shows(bench: Bench, clip: Path) -> None:
    (bench.home / "sample_videos").mkdir()
    shutil.copy(clip, bench.home / "sample_videos" / "street.mp4")
    run = next(line for each in shell("first-run") for line in each.splitlines() if " run " in line)
    said = bench.run(run.replace(".venv/bin/", ""))
    (shown,) = snippets("text", pages=(GUIDES / "first-run.md",))
    # The sample has doubtful places; a line tells of them only where there are some.
    wanted = [line for line in without_numbers(shown.text) if "doubtful" not in line]
    assert [line for line in without_numbers(said) if "doubtful" not in line] == wanted
    assert len(frame_hashes(bench.home / "redacted.mp4")) == FRAMES


@pytest.mark.slow
def test_masks_and_corrections(bench: Bench, clip: Path) -> None:
    for name in ("in.mp4", "yard.mp4"):
        shutil.copy(clip, bench.home / name)
    blocks = {kind: each for each in shell("masks") for kind in MASKS if kind in each}
    for kind in MASKS[:-1]:
        again = " --overwrite" if " out.mp4" in blocks[kind] else ""
        bench.run(blocks[kind].strip() + again)
    assert len(frame_hashes(bench.home / "corrected.mp4")) == FRAMES
    (python,) = snippets("python", pages=(GUIDES / "masks.md",))
    names: dict[str, Any] = {
        "json": json, "frames": range(FRAMES), "find": lambda number: [[10, 10, 50, 60 + number]],
    }  # fmt: skip
    written = bench.home / "boxes.jsonl"
    exec(python.text.replace('"boxes.jsonl"', repr(str(written))), names)
    bench.run(blocks["boxes.jsonl"].strip() + " --overwrite")
    assert len(frame_hashes(bench.home / "out.mp4")) == FRAMES


@pytest.mark.slow
def test_pictures(bench: Bench) -> None:
    jpeg = kinds()["420.jpg"]
    for name in ("photo.jpg", "photos/one.jpg", "photos/deep/two.jpg"):
        path = bench.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(jpeg)
    (bench.home / "shots").mkdir()
    for n in (1, 2):
        picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
        assert picture is not None
        cv2.imwrite(str(bench.home / "shots" / f"{n:03d}.png"), picture)
    (block,) = shell("pictures")
    for line in block.splitlines():
        bench.run(line)
        shutil.rmtree(bench.home / "redacted", ignore_errors=True)
    assert (bench.home / "redacted.jpg").exists()


@pytest.mark.slow
def test_an_archive(bench: Bench, clip: Path) -> None:
    cameras = bench.path("mnt/cameras/one")
    cameras.mkdir(parents=True)
    shutil.copy(clip, cameras / "a.mp4")
    bench.path("mnt/last").write_text("")
    shutil.copy(clip, cameras / "b.mp4")
    ran = 0
    for block in shell("archive"):
        if "--engine ray" in block or "benchmarks" in block:
            continue
        bench.run(block, timeout=900)
        ran += 1
    assert ran >= 4
    outputs = bench.path("mnt/redacted/one")
    assert sorted(path.name for path in outputs.iterdir()) == ["a.mp4", "b.mp4"]
    assert all(len(frame_hashes(path)) == FRAMES for path in outputs.iterdir())


@pytest.mark.slow
def test_a_folder_that_an_nvr_fills(bench: Bench, clip: Path) -> None:
    bench.path("srv/nvr").mkdir(parents=True)
    shutil.copy(clip, bench.path("srv/nvr/a.mp4"))
    (unit, *_) = snippets("ini", pages=(GUIDES / "nvr-folder.md",))
    start = re.findall(r"^ExecStart=/opt/blurcam/bin/(.*)$", unit.text, re.M)
    bench.run(start[0].replace("--older-than 5m", "--older-than 0s"))
    assert bench.path("srv/redacted/a.mp4").exists()


# Streams ------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_between_two_programs(bench: Bench, tmp_path: Path) -> None:
    played = Clip(camera_clip(tmp_path / "camera.mp4"))
    with FakeCam({"cam": played}) as server:
        first = next(each for each in shell("pipes") if "rtsp://" in each)
        line = first.strip().replace("-i rtsp://CAMERA/STREAM", f"-t 2 -i {server.url('cam')}")
        bench.run(line)
    assert bench.run("blurcam pipe --show-commands")
    face_clip(bench.home / "in.mp4", 1)
    boxes = next(each for each in shell("pipes") if "boxes.jsonl" in each).strip()
    bench.run(f"ffmpeg -i in.mp4 -c copy -f mpegts - | {boxes} | ffplay -")
    lines = (bench.home / "boxes.jsonl").read_text().splitlines()
    assert json.loads(lines[0])["live"] is True
    assert len(lines) == 1 + FRAMES
