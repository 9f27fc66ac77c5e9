"""``blurcam run http://…/export.mp4``: a recording that ends, read from its server.

A server of files knows ranges, or sends a file from its beginning alone, as Python's own does.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from blurcam.errors import SourceError, SourceOpenError
from blurcam.settings.addresses import parse_address
from blurcam.sources.http_file import HttpFile, holds_recording
from tests.support.clips import ffmpeg, frame_times
from tests.support.http_host import Host, file, host, redirect, text
from tests.support.program import blurcam
from tests.system.media.judge import sound

Answer = Callable[[BaseHTTPRequestHandler], None]
FRAMES = 40
FAST = ("--preset", "ultrafast", "--profile", "near")
KINDS = {
    "index first": ("in.mp4", ("-movflags", "+faststart")),
    "index last": ("in.mp4", ()),
    "Matroska": ("in.mkv", ()),
    "MPEG-TS": ("in.ts", ()),
    "AVI": ("in.avi", ()),
    "a bare stream": ("in.h264", ()),
}


@pytest.fixture
def server() -> Iterator[Host]:
    with host("127.0.0.1") as made:
        yield made


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("exports")
    made = {}
    for name, (kind, options) in KINDS.items():
        path = folder / name.replace(" ", "-") / kind
        path.parent.mkdir()
        heard = () if kind.endswith(".h264") else ("-f", "lavfi", "-i", "sine=d=1.6")
        coded = () if kind.endswith(".h264") else ("-c:a", "aac")
        shown = ("-f", "lavfi", "-i", "testsrc2=s=320x240:r=25")
        ffmpeg(*shown, *heard, "-frames:v", FRAMES, "-c:v", "libx264", "-pix_fmt", "yuv420p",
               "-bf", 0, *coded, *options, path)  # fmt: skip
        made[name] = path
    return made


def whole(path: Path) -> Answer:
    """Answer with a file from its beginning, whatever was asked for."""
    data = path.read_bytes()

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "video/mp4")
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)

    return answer


@pytest.mark.parametrize("serves", [file, whole], ids=["ranges", "no ranges"])
@pytest.mark.parametrize("name", KINDS)
def test_a_recording_on_a_server_ends(
    name: str, serves: Callable[..., Answer], server: Host, clips: dict[str, Path], tmp_path: Path
) -> None:
    """Seen to fail: it was played again and again, as a camera that comes back."""
    path = clips[name]
    given = (path, "video/mp4") if serves is file else (path,)
    server.answers[f"/{path.name}"] = serves(*given)
    target, summary = tmp_path / "out.mp4", tmp_path / "s.json"
    copied = () if name == "a bare stream" else ("--audio", "copy")
    done = blurcam("run", f"{server.url}/{path.name}", target, *FAST, *copied, "--summary", summary)
    assert done.returncode == 0, done.stderr
    assert len(frame_times(target)) == FRAMES
    said = json.loads(summary.read_text())
    assert said["input_sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert said["input"] == f"{server.url}/{path.name}"
    assert (sound(target) is not None) == bool(copied)
    assert set(server.paths) == {f"/{path.name}"}


def test_it_goes_to_standard_output_too_and_is_drawn_from_regions(
    server: Host, clips: dict[str, Path], tmp_path: Path
) -> None:
    server.answers["/in.mp4"] = file(clips["index last"], "video/mp4")
    url = f"{server.url}/in.mp4"
    done = blurcam("run", url, "-", *FAST)
    assert done.returncode == 0, done.stderr
    assert f"{FRAMES} frames in" in done.stderr
    regions, target = tmp_path / "r.jsonl", tmp_path / "o.mp4"
    assert blurcam("run", url, target, *FAST, "--regions", regions).returncode == 0
    again = tmp_path / "again.mp4"
    assert blurcam("render", url, again, "--regions", regions).returncode == 0
    server.answers["/in.mp4"] = file(clips["index first"], "video/mp4")
    other = blurcam("render", url, tmp_path / "no.mp4", "--regions", regions)
    assert other.returncode == 2
    assert "made for another input" in other.stderr


def needs_login(path: Path) -> Answer:
    send = file(path, "video/mp4")
    wanted = "Basic " + base64.b64encode(b"viewer:hunter22").decode()

    def answer(handler: BaseHTTPRequestHandler) -> None:
        if handler.headers.get("Authorization") == wanted:
            return send(handler)
        handler.send_response(401)
        handler.send_header("WWW-Authenticate", 'Basic realm="recorder"')
        handler.send_header("Content-Length", "0")
        handler.end_headers()
        return None

    return answer


def test_a_password_is_used_and_not_shown(
    server: Host, clips: dict[str, Path], tmp_path: Path
) -> None:
    server.answers["/in.mp4"] = needs_login(clips["index last"])
    url = server.url.replace("//", "//viewer:hunter22@") + "/in.mp4"
    summary = tmp_path / "s.json"
    done = blurcam("run", url, tmp_path / "o.mp4", *FAST, "--summary", summary)
    assert done.returncode == 0, done.stderr
    assert "hunter22" not in done.stderr + summary.read_text()
    wrong = parse_address(url.replace("hunter22", "sesame"))
    with pytest.raises(SourceOpenError, match="refuses the user name or the password") as refused:
        HttpFile(wrong)
    assert "sesame" not in str(refused.value)


def breaking(path: Path, times: int) -> Answer:
    """Answer with a file, and break off in the middle of the first answers."""
    data, left = path.read_bytes(), [times]

    def answer(handler: BaseHTTPRequestHandler) -> None:
        first = int(handler.headers["Range"].removeprefix("bytes=").rstrip("-"))
        handler.send_response(206)
        handler.send_header("Content-Range", f"bytes {first}-{len(data) - 1}/{len(data)}")
        handler.send_header("Content-Length", str(len(data) - first))
        handler.end_headers()
        rest = data[first:]
        if left[0] and first < len(data) // 2:
            left[0] -= 1
            rest = rest[: len(rest) // 3]
        handler.wfile.write(rest)
        handler.close_connection = True

    return answer


def test_a_connection_that_breaks_is_made_again(server: Host, clips: dict[str, Path]) -> None:
    path = clips["MPEG-TS"]
    server.answers["/in.ts"] = breaking(path, 2)
    with HttpFile(parse_address(f"{server.url}/in.ts")) as opened:
        assert opened.readall() == path.read_bytes()
    assert len(server.asked) == 3


def test_one_that_breaks_for_good_gives_what_came_and_says_so(
    server: Host, clips: dict[str, Path], tmp_path: Path
) -> None:
    path, target = clips["index first"], tmp_path / "o.mp4"
    data = path.read_bytes()
    asked: list[int] = []

    def answer(handler: BaseHTTPRequestHandler) -> None:
        first = int(handler.headers["Range"].removeprefix("bytes=").rstrip("-"))
        asked.append(first)
        handler.send_response(206)
        handler.send_header("Content-Range", f"bytes {first}-{len(data) - 1}/{len(data)}")
        handler.send_header("Content-Length", str(len(data) - first))
        handler.end_headers()
        handler.wfile.write(data[first : len(data) * 2 // 3])

    server.answers["/in.mp4"] = answer
    done = blurcam("run", f"{server.url}/in.mp4", target, *FAST)
    assert done.returncode == 3, done.stderr
    assert "cut short" in done.stderr
    assert "the server ends it too early" in done.stderr
    assert 0 < len(frame_times(target)) < FRAMES
    assert len(asked) < 30


def test_one_that_changes_meanwhile_is_not_mixed(server: Host, clips: dict[str, Path]) -> None:
    server.answers["/in.mp4"] = file(clips["index first"], "video/mp4")
    with HttpFile(parse_address(f"{server.url}/in.mp4")) as opened:
        opened.read(100)
        server.answers["/in.mp4"] = file(clips["MPEG-TS"], "video/mp4")
        opened.seek(0)
        with pytest.raises(OSError, match="has changed on the server meanwhile"):
            opened.read(100)


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_is_followed_on_its_own_host_alone(
    server: Host, clips: dict[str, Path], code: int
) -> None:
    path = clips["index last"]
    server.answers["/real.mp4"] = file(path, "video/mp4")
    server.answers["/in.mp4"] = redirect("/real.mp4", code)
    with HttpFile(parse_address(f"{server.url}/in.mp4")) as opened:
        assert opened.readall() == path.read_bytes()
    with host("127.0.0.2") as other:
        other.answers["/secret.mp4"] = file(path, "video/mp4")
        for place in (f"{other.url}/secret.mp4", f"file://{path}", "ftp://127.0.0.2/x"):
            server.answers["/in.mp4"] = redirect(place, code)
            with pytest.raises(SourceOpenError):
                HttpFile(parse_address(f"{server.url}/in.mp4"))
        assert other.asked == []


def test_a_list_on_a_server_names_nothing(
    server: Host, clips: dict[str, Path], tmp_path: Path
) -> None:
    said = f"#EXTM3U\n#EXTINF:2,\nfile://{clips['MPEG-TS']}\n#EXT-X-ENDLIST\n"
    server.answers["/in.bin"] = text("application/octet-stream", said)
    done = blurcam("run", f"{server.url}/in.bin", tmp_path / "o.mp4", *FAST)
    assert done.returncode == 1
    assert "a playlist, which names recordings and holds none" in done.stderr


def endless(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Type", "video/mp2t")
    handler.end_headers()
    handler.wfile.write(b"\x47" * 188)


ANSWERS = {
    "a stream without an end": endless,
    "a picture, again and again": text("image/jpeg", "x" * 99),
    "pictures in parts": text("multipart/x-mixed-replace; boundary=x", "x" * 99),
    "a web page": text("text/html", "<html>"),
    "a playlist": text("application/vnd.apple.mpegurl", "#EXTM3U"),
    "another address": redirect("http://127.0.0.2:9/x", 302),
    "an empty file": text("video/mp4", ""),
}


@pytest.mark.parametrize("kind", ANSWERS)
def test_everything_else_is_read_as_a_camera_is(kind: str, server: Host) -> None:
    server.answers["/live"] = ANSWERS[kind]
    assert not holds_recording(parse_address(f"{server.url}/live"))
    assert not holds_recording(parse_address(f"{server.url}/none"))
    assert not holds_recording(parse_address("rtsp://127.0.0.1:9/x"))


def test_one_that_nobody_serves_is_told_in_a_line(server: Host) -> None:
    with pytest.raises(SourceError, match="404"):
        HttpFile(parse_address(f"{server.url}/none.mp4"))
