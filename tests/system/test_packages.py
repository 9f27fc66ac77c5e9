"""Wheel and source archive: built, installed where nothing else is, and used."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from blurcam import __version__
from tests.support.clips import frame_hashes
from tests.support.guides import INDEX, ROOT, Bench, shell
from tests.support.streams import face_clip
from tools.wheels_check import MACHINES, PYTHONS, missing

pytestmark = pytest.mark.slow
PLAIN = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
# tools/overrides.txt says why the lock does not have them.
LEFT_OUT = {"openvino-telemetry", "opencv-contrib-python"}
# What needs each extra, and what has to load with it.
EXTRAS = {
    "heic": "import pillow_heif; pillow_heif.register_heif_opener()",
    "plot": "import matplotlib.pyplot",
    "sign": "from cryptography.hazmat.primitives.asymmetric import ed25519",
    "attack": "import sklearn.linear_model; import blurcam.assess.attack",
    "ray": "import ray",
}


def done(*words: object, cwd: Path = ROOT, **environment: str) -> str:
    ran = subprocess.run(
        [str(word) for word in words], capture_output=True, text=True, check=False,
        timeout=1800, cwd=cwd, env=PLAIN | environment,
    )  # fmt: skip
    assert ran.returncode == 0, f"{words}\n{ran.stdout}{ran.stderr}"
    return ran.stdout


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    done(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, cwd=ROOT)
    return folder


@pytest.fixture(scope="module")
def wheel(dist: Path) -> Path:
    (path,) = dist.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def venv(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An environment with the locked packages, the wheel, and nothing else."""
    folder = tmp_path_factory.mktemp("installed")
    done(sys.executable, "-m", "venv", folder / "venv")
    pip = (folder / "venv" / "bin" / "python", "-m", "pip", "install", "--quiet", "--no-deps")
    done(*pip, "--require-hashes", "-r", ROOT / "packaging" / "requirements.lock")
    done(*pip, wheel)
    yield folder / "venv"
    shutil.rmtree(folder)


def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_the_wheel_holds_the_program_and_no_model(wheel: Path) -> None:
    held = names(wheel)
    assert wheel.name == f"blurcam-{__version__}-py3-none-any.whl"
    assert "blurcam/commit.txt" in held
    assert "blurcam/models/manifest.toml" in held
    assert not {name for name in held if name.endswith((".onnx", ".tflite", ".mp4"))}
    tops = {name.split("/")[0] for name in held}
    assert tops == {"blurcam", f"blurcam-{__version__}.dist-info"}


def test_the_source_archive_makes_the_same_wheel(dist: Path, wheel: Path, tmp_path: Path) -> None:
    (archive,) = dist.glob("*.tar.gz")
    with tarfile.open(archive) as packed:
        packed.extractall(tmp_path, filter="data")
    (source,) = tmp_path.iterdir()
    done(
        *(sys.executable, "-m", "build", "--no-isolation", "--wheel"),
        *("--outdir", tmp_path / "again", source),
    )
    (again,) = (tmp_path / "again").iterdir()
    assert names(again) == names(wheel)


def test_what_is_installed_says_its_commit_and_redacts(
    venv: Path, wheel: Path, tmp_path: Path
) -> None:
    models = {"BLURCAM_MODELS": str(ROOT / "models")}
    blurcam = venv / "bin" / "blurcam"
    with zipfile.ZipFile(wheel) as archive:
        commit = archive.read("blurcam/commit.txt").decode().strip()
    assert re.fullmatch(r"[0-9a-f]{12}\+?", commit)
    assert done(blurcam, "--version", cwd=tmp_path) == f"blurcam {__version__} ({commit})\n"
    clip = face_clip(tmp_path / "in.mp4", 1)
    done(blurcam, "run", clip, "out.mp4", cwd=tmp_path, **models)
    assert len(frame_hashes(tmp_path / "out.mp4")) == 25
    pip = [venv / "bin" / "python", "-m", "pip", "check"]
    checked = subprocess.run(pip, capture_output=True, text=True, check=False, cwd=tmp_path)
    lacks = set(re.findall(r"requires ([\w-]+), which is not installed", checked.stdout))
    assert lacks == LEFT_OUT
    assert len(checked.stdout.splitlines()) == checked.stdout.count("not installed")


@pytest.mark.parametrize("extra", EXTRAS)
def test_an_extra_works_alone(extra: str, venv: Path, wheel: Path, tmp_path: Path) -> None:
    """In an environment with the program and this extra, at the versions of the lock."""
    shutil.copytree(venv, tmp_path / "venv", symlinks=True, copy_function=os.link)
    python = tmp_path / "venv" / "bin" / "python"
    done(
        *(python, "-m", "pip", "install", "--quiet", f"{wheel}[{extra}]"),
        *("--constraint", ROOT / "packaging" / "constraints.txt"),
    )
    done(python, "-c", EXTRAS[extra], cwd=tmp_path)


@pytest.mark.parametrize("tool", ["pipx", "uv"])
def test_the_line_for_a_command_of_its_own_works(tool: str, wheel: Path, tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    del bench.environment["PYTHONPATH"]
    for each in ("dist", "packaging"):
        (bench.home / each).mkdir()
    shutil.copy(wheel, bench.home / "dist")
    shutil.copy(ROOT / "packaging" / "constraints.txt", bench.home / "packaging")
    done(sys.executable, "-m", "venv", tmp_path / "tools")
    done(tmp_path / "tools" / "bin" / "python", "-m", "pip", "install", "--quiet", tool)
    (bench.folder / "programs" / tool).symlink_to(tmp_path / "tools" / "bin" / tool)
    (bench.folder / "programs" / "blurcam").unlink()
    bench.environment["PATH"] = f"{bench.home}/.local/bin:{bench.environment['PATH']}"
    block = next(each for each in shell("install") if "pipx install" in each)
    (line,) = (each for each in block.splitlines() if each.startswith(tool))
    bench.run(line, timeout=1800)
    assert bench.run("blurcam --version").startswith(f"blurcam {__version__} (")
    bench.run("blurcam check")


def test_the_steps_without_internet_work_without_it(wheel: Path, tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    del bench.environment["PYTHONPATH"]
    shutil.copytree(ROOT / "packaging", bench.home / "packaging")
    (bench.home / "dist").mkdir()
    shutil.copy(wheel, bench.home / "dist")
    (bench.home / "models").symlink_to(ROOT / "models")
    bench.path("opt").mkdir()
    there, box = (each for each in shell("install") if "usb" in each)
    bench.run("\n".join(line for line in there.splitlines() if not line.startswith("make ")))
    # From here on no index: a package that is asked for elsewhere cannot be found.
    for name in [each for each in bench.environment if each.startswith(INDEX)]:
        del bench.environment[name]
    nowhere = {"PIP_INDEX_URL": "http://127.0.0.1:9/", "PIP_RETRIES": "0"}
    bench.environment |= nowhere | {"PIP_CONFIG_FILE": "/dev/null"}
    bench.run(box, timeout=1800)
    assert bench.path("opt/blurcam/models/centerface.onnx").exists()


def test_every_package_has_a_wheel_for_both_machines_and_all_pythons() -> None:
    told = {(each, python): missing(each, python) for each in MACHINES for python in PYTHONS}
    assert {place: fault for place, fault in told.items() if fault} == {}
    assert missing("x86_64", "3.9")  # so that the check above can fail
