"""The unit, the image and the composition, as far as they can be tried without an engine."""

from __future__ import annotations

import configparser
import json
import os
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.boards import FedBoard, live, serving

ROOT = Path(__file__).parents[2]
UNIT = ROOT / "packaging" / "blurcam.service"
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="no systemd-analyze here"
)


def steps() -> list[tuple[str, str]]:
    """Return the Dockerfile's instructions and their arguments."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in lines)]


def blurcam(*args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "blurcam", *args],
        capture_output=True, text=True, check=False, timeout=120, cwd=ROOT,
    )  # fmt: skip


# systemd -----------------------------------------------------------------------------------------


def unit() -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(UNIT)
    return parser


@needs_systemd
def test_systemd_finds_no_fault_with_the_unit(tmp_path: Path) -> None:
    copy = tmp_path / "blurcam.service"
    text = UNIT.read_text(encoding="utf-8").replace("/opt/blurcam/bin/blurcam", sys.executable)
    copy.write_text(text, encoding="utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(copy)],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    bent = tmp_path / "bent.service"
    bent.write_text(text.replace("WatchdogSec=30", "WatchdogSec=often"), encoding="utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(bent)],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert "Failed to parse sec value" in done.stderr  # so that the check above can fail


@needs_systemd
def test_systemd_calls_the_sandbox_tight() -> None:
    done = subprocess.run(
        ["systemd-analyze", "security", "--no-pager", "--offline=yes", "--threshold=20", str(UNIT)],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-200:]


def test_the_unit_keeps_raw_pictures_from_every_disk_and_is_watched() -> None:
    service = unit()["Service"]
    assert service["LimitCORE"] == "0"
    assert service["MemorySwapMax"] == "0"
    assert service["DynamicUser"] == "yes"
    assert service["Type"] == "notify"
    assert int(service["WatchdogSec"]) >= 10
    assert service["Restart"] == "always"
    assert "ReadWritePaths" not in service


# The image ---------------------------------------------------------------------------------------


def test_what_the_image_copies_is_in_the_repository_and_in_the_context() -> None:
    let_in = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    for name, rest in steps():
        if name != "COPY" or rest.startswith("--from"):
            continue
        for source in rest.split()[:-1]:
            assert (ROOT / source).exists(), source
            assert f"!{source}" in let_in, source


def test_the_image_installs_the_libraries_that_the_packages_want() -> None:
    wanted = set(runpy.run_path(str(ROOT / "tools" / "system.py"))["LIBRARIES"].values())
    line = next(rest for name, rest in steps() if name == "RUN" and "apt-get install" in rest)
    installed = line.partition("--no-install-recommends ")[2].partition(" &&")[0].split()
    assert set(installed) == wanted


def test_the_image_runs_as_nobody_in_particular_and_checks_its_health() -> None:
    by_name = dict(steps())
    assert by_name["USER"] == "10001:10001"
    assert by_name["ENTRYPOINT"] == '["blurcam"]'
    assert json.loads(by_name["HEALTHCHECK"].partition("CMD ")[2]) == ["blurcam", "health"]
    assert blurcam("health", "--help").returncode == 0
    assert [rest for name, rest in steps() if name in ("ADD", "ARG")] == ["COMMIT="]


def test_the_images_lock_is_the_part_of_the_lock_that_it_should_be() -> None:
    tool = runpy.run_path(str(ROOT / "tools" / "image_lock.py"))
    assert tool["PAGE"].read_text(encoding="utf-8") == tool["image_lock"](), "run: make image-lock"


@pytest.mark.slow
def test_every_step_of_the_build_works_in_a_folder_of_its_own(tmp_path: Path) -> None:
    """Runs the build stage's steps as they stand, with the image's paths moved to a folder."""
    source, opt = tmp_path / "src", tmp_path / "opt"
    source.mkdir()
    opt.mkdir()
    stages = "\n".join(f"{name} {rest}" for name, rest in steps()).split("FROM ")
    ran = 0
    for line in stages[1].splitlines()[1:]:
        name, _, rest = line.partition(" ")
        if name == "COPY":
            *sources, target = rest.split()
            for each in sources:
                end = source / (each if target == "./" else target)
                end.parent.mkdir(parents=True, exist_ok=True)
                copy = shutil.copytree if (ROOT / each).is_dir() else shutil.copy
                copy(ROOT / each, end)
        elif name == "RUN":
            ran += 1
            command = (
                rest.replace("$COMMIT", "0123abc")
                .replace("/opt/", f"{opt}/")
                .replace("python3 ", f"{sys.executable} ")
            )
            if "models pull" in command:
                command += f" --mirror {ROOT / 'models'}"
            subprocess.run(command, shell=True, check=True, cwd=source, timeout=1800)
    assert ran == 4
    environment = {"PATH": "/usr/bin:/bin", "BLURCAM_MODELS": str(opt / "blurcam" / "models")}
    done = subprocess.run(
        [opt / "blurcam" / "bin" / "blurcam", "check"],
        capture_output=True, text=True, check=False, timeout=300, env=environment, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


# The composition ---------------------------------------------------------------------------------


def test_the_composition_is_sound_where_docker_is_there_to_say_so() -> None:
    docker = shutil.which("docker")
    plugin = docker and subprocess.run(
        [docker, "compose", "version"], capture_output=True, check=False, timeout=60
    )
    if not plugin or plugin.returncode:
        pytest.skip("no docker compose here")
    done = subprocess.run(
        [docker, "compose", "-f", str(ROOT / "compose.yaml"), "config", "--quiet"],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_the_services_hold_no_more_than_they_need() -> None:
    for name, service in COMPOSE["services"].items():
        assert service["read_only"] is True, name
        for port in service["ports"]:
            assert re.match(r"127\.0\.0\.1:|\$\{LISTEN:-127\.0\.0\.1\}:", port), port
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert "privileged" not in service, name
    box = COMPOSE["services"]["blurcam"]
    assert box["ulimits"]["core"] == 0
    assert box["memswap_limit"] == box["mem_limit"]
    assert box["ports"] == ["127.0.0.1:8080:8080"]
    assert any(volume.endswith(":/config:ro") for volume in box["volumes"])


def test_only_blurcam_is_in_the_network_of_the_cameras() -> None:
    inside = [name for name, each in COMPOSE["services"].items() if "cameras" in each["networks"]]
    assert inside == ["blurcam"]


def test_mediamtx_serves_what_the_guide_promises() -> None:
    ports = [port.rpartition(":")[2] for port in COMPOSE["services"]["mediamtx"]["ports"]]
    assert ports == ["8554", "8888", "8889", "8189/udp"]
    guide = (ROOT / "docs" / "guide" / "mediamtx.md").read_text(encoding="utf-8")
    for port in ports[:3]:
        assert f"://127.0.0.1:{port}/front" in guide
    for volume in COMPOSE["services"]["mediamtx"]["volumes"]:
        assert volume == "./config/mediamtx.yml:/mediamtx.yml:ro"


def test_every_secret_network_and_volume_is_declared() -> None:
    used: dict[str, set[str]] = {"secrets": set(), "networks": set()}
    for service in COMPOSE["services"].values():
        for key, names in used.items():
            names.update(service.get(key, ()))
    for key, names in used.items():
        assert names == set(COMPOSE[key]), key
    text = (ROOT / "packaging" / "compose" / "cameras.yaml").read_text(encoding="utf-8")
    asked = set(re.findall(r"^[^#]*?\$\{(\w+)\}", text, re.M))
    assert asked == used["secrets"]


# blurcam health ----------------------------------------------------------------------------------


def test_health_says_yes_or_no_by_its_exit_code() -> None:
    board, outputs = FedBoard(live("door")), "Nothing is set to be recorded or published"
    with serving(board) as server:
        done = blurcam("health", "--url", server.url)
        assert (done.returncode, done.stdout) == (0, "")
        assert done.stderr == f"blurcam: The camera is being redacted now. {outputs}\n"
        board.change("door", state="lost")
        done = blurcam("health", "--url", server.url)
        assert done.returncode == 1
        assert done.stderr == f"blurcam: The camera is not being redacted now. {outputs}\n"
    done = blurcam("health", "--url", server.url)
    assert done.returncode == 1
    assert "no answer" in done.stderr
    assert blurcam("health", "--url", "file:///etc/passwd").returncode == 2


# The guides --------------------------------------------------------------------------------------

GUIDES = (
    "mediamtx",
    "go2rtc",
    "frigate",
    "home-assistant",
    "onvif",
    "nvr-folder",
    "debian",
    "page",
)
RAW = (
    "The camera's own stream still shows every face, to anyone who can reach the camera: close its "
    "network"
)


@pytest.mark.parametrize("name", GUIDES)
def test_every_guide_warns_of_the_raw_stream_and_its_yaml_can_be_read(name: str) -> None:
    text = (ROOT / "docs" / "guide" / f"{name}.md").read_text(encoding="utf-8")
    assert RAW in " ".join(text.split())
    for block in re.findall(r"```yaml\n(.*?)```", text, re.S):
        assert isinstance(yaml.safe_load(block), dict), block


@needs_systemd
def test_the_units_in_the_guides_are_ones_that_systemd_takes(tmp_path: Path) -> None:
    found = 0
    for page in (ROOT / "docs" / "guide").glob("*.md"):
        blocks: list[Any] = re.findall(
            r"`/etc/systemd/system/([\w.@-]+)`[^`]*\n\n```ini\n(.*?)```",
            page.read_text(encoding="utf-8"), re.S,
        )  # fmt: skip
        for name, content in blocks:
            found += 1
            real = re.sub(r"/opt/blurcam/bin/\S+", "/bin/true", content)
            (tmp_path / name).write_text(real, encoding="utf-8")
    assert found >= 3
    units = sorted(str(path) for path in tmp_path.iterdir())
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *units],
        capture_output=True, text=True, check=False, timeout=60,
        env={**os.environ, "SYSTEMD_UNIT_PATH": f"{tmp_path}:"},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
