"""Credentials in every shape of address, and everything that is said while they are in use."""

from __future__ import annotations

import base64
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import psutil
import pytest

from blurcam.errors import ConfigError, SourceError
from blurcam.media.clock import SystemClock
from blurcam.runs.camera_status import CameraState, status_of
from blurcam.runtime.counts import FrameCounts
from blurcam.settings.addresses import Address as Parsed
from blurcam.settings.addresses import mask, parse_address
from blurcam.settings.camera import Camera, Receive, RecordingOutput
from blurcam.settings.cameras_yaml import parse_site
from blurcam.settings.secrets import Secrets
from blurcam.sources.camera import CameraTimeline, LiveSource
from tests.proof.secrets import URLS, Address, shown
from tests.proof.zygote import ROOT
from tests.support.boards import FedBoard, serving

every_shape = pytest.mark.parametrize("address", URLS, ids=lambda address: address.url)
PAGES = ("status.json", "history.json", "metrics", "healthz", "readyz", "")


@every_shape
def test_a_secret_is_found_in_every_coding(address: Address) -> None:
    assert shown(address, f"cannot open {address.url}: refused") != []
    for secret in address.secrets:
        basic = base64.b64encode(f"admin:{secret}".encode())
        assert shown(address, b"Authorization: Basic " + basic) != []
        assert shown(address, f"password is {secret.upper()}") != []
    assert shown(address, "cannot open rtsp://***@127.0.0.1/a: refused") == []


def test_there_are_twenty_shapes() -> None:
    assert len({address.url for address in URLS}) >= 20


def said_of(url: str, caplog: pytest.LogCaptureFixture) -> Iterator[str]:
    """Use an address for all that it is used for, with nobody there; yield all that is said."""
    caplog.set_level(logging.DEBUG)
    for text in (f"cameras: {{a: {{source: {json.dumps(url)}, outputs: [x.ts], no_key: 1}}}}",
                 f"cameras: {{a: {{source: x, outputs: [{json.dumps(url)}, x.ts]}}}}"):  # fmt: skip
        try:
            yield repr(parse_site(text, Secrets({})))
        except ConfigError as exc:
            yield f"{exc} {exc!r}"
    try:
        source = parse_address(url)
    except ConfigError as exc:
        yield f"{exc} {''.join(traceback.format_exception(exc))}"
        return
    yield f"{source} {source!r} {Camera('a', source, (RecordingOutput('x.ts'),))!r}"
    clock, counts = SystemClock(), FrameCounts()
    state = CameraState.starting(clock)
    live = LiveSource(source, Receive(connect=1, stall=1), CameraTimeline.starting(clock, counts))
    try:
        next(live.frames())
    except SourceError as exc:
        state.failed(exc)
        yield f"{exc} {exc!r} {''.join(traceback.format_exception(exc))}"
    status = status_of("a", state, counts, (), clock)
    yield f"{status} {status.to_json()}"
    yield caplog.text
    with serving(FedBoard(status)) as server:
        for page in PAGES:
            yield httpx.get(server.url + page).text


@every_shape
def test_no_secret_is_said_in_errors_logs_tracebacks_metrics_or_pages(
    address: Address, caplog: pytest.LogCaptureFixture
) -> None:
    assert [hit for text in said_of(address.url, caplog) for hit in shown(address, text)] == []


def test_without_the_mask_they_are_said(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The break: so that the test above can fail."""
    monkeypatch.setattr(Parsed, "__str__", lambda address: address.location)
    address = URLS[0]
    assert [hit for text in said_of(address.url, caplog) for hit in shown(address, text)] != []


@every_shape
def test_no_secret_is_left_in_words_of_others(address: Address) -> None:
    """FFmpeg's and servers' messages, of which only the text is known."""
    if any(each in address.url for each in (" ", "rtmp:", "srt:")):
        return  # nobody prints an address with a space in it; schemes that blurcam refuses
    for text in (f"[tcp @ 0x5] Failed to resolve {address.url}", f"error opening {address.url}: x"):
        assert shown(address, mask(text)) == []


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.mark.slow
def test_no_secret_is_in_the_list_of_processes_the_log_or_the_page_of_a_service(
    tmp_path: Path,
) -> None:
    known = [each for each in URLS if not each.url.startswith(("rtmp", "srt"))][:8]
    cameras = "".join(
        f"  cam{n}:\n    source: {json.dumps(each.url, ensure_ascii=False)}\n    profile: near\n"
        f"    outputs: [{tmp_path}/{n}-%H-%M-%S.ts]\n"
        for n, each in enumerate(known)
    )
    port = free_port()
    (tmp_path / "cameras.yaml").write_text(f"cameras:\n{cameras}web:\n  port: {port}\n")
    said = tmp_path / "said"
    with said.open("wb") as stderr:
        serving = subprocess.Popen(
            [sys.executable, "-m", "blurcam", "--debug", "serve", "--config", "cameras.yaml"],
            cwd=tmp_path, stderr=stderr, env=os.environ | {"PYTHONPATH": str(ROOT)},
        )  # fmt: skip
    texts: set[str] = set()
    try:
        deadline, tried = time.monotonic() + 240, 0
        while tried < len(known):
            assert time.monotonic() < deadline, said.read_text()
            assert serving.poll() is None, said.read_text()
            with suppress(httpx.HTTPError):
                statuses = httpx.get(f"http://127.0.0.1:{port}/status.json").json()["cameras"]
                tried = sum(bool(each["last_error"]) for each in statuses)
                texts |= {httpx.get(f"http://127.0.0.1:{port}/{page}").text for page in PAGES}
            for process in psutil.Process(serving.pid).children(recursive=True):
                with suppress(psutil.Error):
                    texts.add(f"{process.cmdline()} {process.environ()}")
    finally:
        serving.send_signal(signal.SIGTERM)
        serving.wait(60)
    texts.add(said.read_text())
    assert len(texts) > 10
    assert [hit for each in known for text in texts for hit in shown(each, text)] == []
