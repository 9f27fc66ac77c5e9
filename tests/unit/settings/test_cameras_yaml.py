"""``cameras.yaml``: what it takes, and how it says no."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import pytest

from blurcam.errors import ConfigError
from blurcam.settings.camera import PublishOutput, RecordingOutput
from blurcam.settings.cameras_yaml import parse_site, read_site
from blurcam.settings.cameras_yaml_keys import schema
from blurcam.settings.secrets import Secrets

WHOLE = """
cameras:
  front:
    source: rtsp://cam.lan/stream
    username: admin
    password: ${FRONT}
    transport: udp
    stall: 3s
    profile: thorough
    lead: 0
    zones:
      - mask: [[0, 0], [0.5, 0], [0.5, 1]]
      - ignore: [[0.6, 0], [1, 0], [1, 1]]
    on_loss: cover
    outputs:
      - rtsp://localhost:8554/front
      - record: /media/front/%Y-%m-%d/%H-%M-%S.mp4
        segment: 5m
        keep: 7d
        keep_size: 50GB
  back:
    source: http://cam2/video.mjpg?token=${TOKEN}
    outputs: ["/media/back/%s.ts"]
web:
  port: 8081
"""
VAULT = Secrets({"FRONT": "p@ss: w/o#rd", "TOKEN": "t0k3n-42"})


def minimal(**keys: str) -> str:
    lines = "".join(f"    {key}: {value}\n" for key, value in keys.items())
    return f"cameras:\n  front:\n    source: rtsp://cam/live\n    outputs: ['%H.ts']\n{lines}"


def refusal(text: str) -> str:
    with pytest.raises(ConfigError) as refused:
        parse_site(text, VAULT)
    said = str(refused.value)
    assert "\n" not in said
    return said


def test_every_key_arrives() -> None:
    site = parse_site(WHOLE, VAULT)
    front, back = site.cameras
    assert front.source.location == "rtsp://admin:p%40ss%3A%20w%2Fo%23rd@cam.lan/stream"
    assert (front.receive.transport, front.receive.stall) == ("udp", 3)
    assert (front.cover.lead, front.cover.bridge) == (0, 0)
    assert len(front.cover.masks) == len(front.cover.ignores) == 1
    publish, record = front.outputs
    assert isinstance(publish, PublishOutput)
    assert record == RecordingOutput(
        "/media/front/%Y-%m-%d/%H-%M-%S.mp4", 300, 7 * 86400, 50 * 10**9, 256 << 20
    )
    assert back.outputs == (RecordingOutput("/media/back/%s.ts", 60),)
    assert (back.cover.lead, back.on_loss) == (0.4, "freeze")
    assert site.web is not None
    assert site.web.port == 8081


def test_no_secret_shows_in_the_settings() -> None:
    shown = repr(parse_site(WHOLE, VAULT))
    assert "p@ss" not in shown
    assert "p%40ss" not in shown
    assert "t0k3n" not in shown


def test_secrets_come_from_the_environment_credentials_and_run_secrets(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for folder, text in ((first, "one\n"), (second, "two\n")):
        folder.mkdir()
        (folder / "A").write_text(text, encoding="utf-8")
    (second / "B").write_text("b", encoding="utf-8")
    vault = Secrets({"C": "c"}, (first, second))
    assert [vault.secret(name) for name in "ABC"] == ["one", "b", "c"]
    said = refusal(minimal(password="${NOWHERE}"))
    assert said.startswith("cameras.front.password: ${NOWHERE} is not set")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (minimal(treshold="0.3"), 'cameras.front.treshold: unknown key; did you mean "threshold"?'),
        (minimal(profile="closer"), "cameras.front.profile: input should be"),
        (minimal(threshold="7"), "cameras.front.threshold: 7 is not between"),
        (minimal(stall="soon"), "cameras.front.stall: is not an amount"),
        (minimal(plan_for="1"), "cameras.front.plan_for: 1 is not between"),
        ("cameras: {}", "cameras: dictionary should have at least 1 item"),
        ("camera: {}", 'camera: unknown key; did you mean "cameras"?'),
        ("cameras: [", "line"),
        (minimal() + "    source: rtsp://other/x\n", "line 5"),
        (
            WHOLE.replace("segment: 5m", "segmnt: 5m"),
            'cameras.front.outputs[1].segmnt: unknown key; did you mean "segment"?',
        ),
        (
            WHOLE.replace("back/%s.ts", "front/%Y-%m-%d/%H-%M-%S.mp4"),
            "cameras.back.outputs: /media",
        ),
        (WHOLE.replace("back/%s.ts", "back.ts"), "cameras.back.outputs: /media/back.ts: one file"),
        (WHOLE.replace('"/media/back/%s.ts"', '"-"'), "cameras.back.outputs: standard output is"),
        (minimal(source2="x"), 'cameras.front.source2: unknown key; did you mean "source"?'),
    ],
)
def test_what_is_wrong_is_named(text: str, told: str) -> None:
    assert refusal(text).startswith(told)


def test_a_refusal_shows_no_value() -> None:
    for text in (minimal(password="[hunter22]"), minimal(password="{a: hunter22}")):
        assert "hunter22" not in refusal(text)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.yaml: cannot be read"):
        read_site(tmp_path / "none.yaml", VAULT)


def test_the_example_that_is_packaged_can_be_used() -> None:
    path = Path(__file__).parents[3] / "packaging" / "cameras.yaml"
    with pytest.raises(ConfigError, match="is not set"):
        read_site(path, Secrets({}))
    site = read_site(path, Secrets({"token": "0123456789abcdef", "front_password": "x"}))
    assert [camera.name for camera in site.cameras] == ["front"]
    assert len(site.cameras[0].outputs) == 2
    assert site.web is not None


def test_the_schema_describes_every_key_and_allows_no_other() -> None:
    made = schema()
    json.dumps(made)
    for name, model in {"SiteFile": made, **made["$defs"]}.items():
        assert model["additionalProperties"] is False, name
        for key, each in model["properties"].items():
            assert each.get("description"), f"{name}.{key}"


def test_the_reference_lists_every_key_as_it_is() -> None:
    tool = runpy.run_path(str(Path(__file__).parents[3] / "tools" / "reference.py"))
    text = tool["KEYS_PAGE"].read_text(encoding="utf-8")
    assert text.split(tool["MARK"])[1].strip() == tool["key_tables"]().strip(), "make reference"
