"""``cameras.yaml``: what it takes, and how it says no."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import pytest

from blurcam.errors import ConfigError
from blurcam.settings.camera import PublishOutput, Receive, RecordingOutput
from blurcam.settings.cameras_yaml import parse_site, read_site
from blurcam.settings.cameras_yaml_keys import CameraFile, schema
from blurcam.settings.declaration import declarations
from blurcam.settings.redaction import LIVE_COVER, Cover, Detect, Encode
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
    outputs: ["/media/back/%H.ts"]
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
    assert back.outputs == (RecordingOutput("/media/back/%H.ts", 60),)
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
    assert said.startswith("line 5: cameras.front.password: ${NOWHERE} is not set")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            minimal(treshold="0.3"),
            'line 5: cameras.front.treshold: unknown key; did you mean "threshold"?',
        ),
        (minimal(profile="closer"), "line 5: cameras.front.profile: choose one of near, balanced"),
        (minimal(on_loss="freze"), 'choose one of freeze, cover; did you mean "freeze"?'),
        (minimal(threshold="7"), "line 5: cameras.front.threshold: 7 is not between"),
        (minimal(stall="soon"), "line 5: cameras.front.stall: is not an amount; write 90s"),
        (minimal(plan_for="1"), "line 5: cameras.front.plan_for: 1 is not between"),
        (minimal(enabled="maybe"), "line 5: cameras.front.enabled: is neither true nor false"),
        (minimal(tiles="true"), "line 5: cameras.front.tiles: are for the mediapipe detector"),
        (minimal(codec="av1"), "line 5: cameras.front.codec: choose one of h264, h265"),
        (minimal(zones="[{mask: [[0, 0], [1, 1]]}]"), "zones[0].mask: a polygon needs three"),
        (minimal(zones="[{}]"), "line 5: cameras.front.zones[0]: give mask or ignore"),
        (minimal().replace("front:", "front door:"), "line 2: cameras.front door: a camera's name"),
        (minimal().replace("rtsp://cam", "ftp://cam"), 'line 3: cameras.front.source: "ftp://" is'),
        (minimal().replace("'%H.ts'", "http://x/y"), "outputs[0].publish: http://x/y: publishing"),
        ("", "is empty; write at least: cameras:"),
        ("# nothing\n", "is empty; write at least: cameras:"),
        ("[]", "file: is not a mapping of keys"),
        ("cameras: {a: 3}", "line 1: cameras.a: is not a mapping of keys"),
        ("cameras: {}", "line 1: cameras: needs 1 or more, not 0"),
        ("camera: {}", 'line 1: camera: unknown key; did you mean "cameras"?'),
        ("cameras: [", "line 1: "),
        (
            minimal() + "    source: rtsp://other/x\n",
            "line 5: cameras.front.source: is given twice",
        ),
        (
            WHOLE.replace("segment: 5m", "segmnt: 5m"),
            'line 18: cameras.front.outputs[1].segmnt: unknown key; did you mean "segment"?',
        ),
        (
            WHOLE.replace("back/%H.ts", "front/%Y-%m-%d/%H-%M-%S.mp4"),
            "line 23: cameras.back.outputs[0]: /media",
        ),
        (
            WHOLE.replace("back/%H.ts", "back.ts"),
            "line 23: cameras.back.outputs[0]: /media/back.ts: one file",
        ),
        (
            WHOLE.replace('"/media/back/%H.ts"', '"-"'),
            "line 23: cameras.back.outputs[0]: standard output is",
        ),
        (
            minimal(source2="x"),
            'line 5: cameras.front.source2: unknown key; did you mean "source"?',
        ),
        (WHOLE.replace("8081", "99999"), "line 25: web.port: 99999 is not between 0 and 65535"),
        (WHOLE.replace("port: 8081", "host: 0.0.0.0"), "line 24: web.token: 0.0.0.0 can be"),
    ],
)
def test_what_is_wrong_is_named(text: str, told: str) -> None:
    assert told in refusal(text)


def test_all_faults_of_a_file_are_told_at_once_in_its_order() -> None:
    text = minimal(treshold="3", profile="closer", hold="-1", password="${NOWHERE}")
    text += (
        "  back:\n    source: ftp://cam\n    outputs: ['%H.ts']\n    scale: 1\n    plan_for: 9\n"
    )
    with pytest.raises(ConfigError) as refused:
        parse_site(text + "  side:\n    scale: 1\nweb: {port: 99999}\n", VAULT)
    told = [line.split(":")[0:2] for line in str(refused.value).splitlines()]
    assert told == [
        ["line 5", " cameras.front.treshold"],
        ["line 6", " cameras.front.profile"],
        ["line 7", " cameras.front.hold"],
        ["line 8", " cameras.front.password"],
        ["line 10", " cameras.back.source"],
        ["line 13", " cameras.back.plan_for"],
        ["line 14", " cameras.side.source"],
        ["line 14", " cameras.side.outputs"],
        ["line 16", " web.port"],
    ]


def test_amounts_are_written_as_people_write_them() -> None:
    text = minimal(stall="3 seconds", connect="0.5m").replace(
        "'%H.ts'", "{record: '%H.ts', keep: 7 days, keep_size: 50G, leave_free: 1 GiB, segment: 2m}"
    )
    (camera,) = parse_site(text, VAULT).cameras
    assert camera.receive == Receive(connect=30, stall=3)
    assert camera.outputs == (
        RecordingOutput("%H.ts", 120, 7 * 86400, 50 * 10**9, leave_free=1 << 30),
    )


def test_a_camera_that_is_not_enabled_is_left_out_and_still_checked() -> None:
    assert parse_site(minimal(enabled="false"), VAULT).cameras == ()
    assert "lead: -1 is not between" in refusal(minimal(enabled="false", lead="-1"))


def test_a_camera_can_be_told_whatever_a_recording_can() -> None:
    """Each setting of a redaction is a key, but for what live video cannot have."""
    elsewhere = {"masks", "ignores", "audio", "overwrite"}
    settings = {name for group in (Detect, Cover, Encode) for name in declarations(group)}
    assert settings - elsewhere <= set(CameraFile.model_fields)
    text = minimal(
        profile="near", tiles="true", range="short", refresh="2s", bridge="0.3", crf="20",
        preset="fast", timeout="5", patience="9", scale="2", margin="2",
    )  # fmt: skip
    (camera,) = parse_site(text, VAULT).cameras
    assert camera.detect == Detect(
        "near", tiles=True, range="short", refresh=2, timeout=5, patience=9, scale=2
    )
    assert camera.cover == Cover(0.4, 0.5, 0.3, 2)
    assert camera.encode == Encode("h264", crf=20, preset="fast")


def test_a_camera_has_the_defaults_that_are_declared() -> None:
    (camera,) = parse_site(minimal(), VAULT).cameras
    assert (camera.detect, camera.cover, camera.receive) == (Detect(), LIVE_COVER, Receive())
    (camera,) = parse_site(minimal(lead="0.1"), VAULT).cameras
    assert camera.cover.bridge == 0.1  # a shorter look-ahead bridges no more than that


def test_a_refusal_shows_no_value() -> None:
    for text in (minimal(password="[hunter22]"), minimal(password="{a: hunter22}")):
        assert "hunter22" not in refusal(text)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.yaml: cannot be read"):
        read_site(tmp_path / "none.yaml", VAULT)


@pytest.mark.parametrize(("name", "outputs"), [("cameras.yaml", 1), ("compose/cameras.yaml", 2)])
def test_an_example_that_is_packaged_can_be_used(name: str, outputs: int) -> None:
    path = Path(__file__).parents[3] / "packaging" / name
    with pytest.raises(ConfigError, match="is not set"):
        read_site(path, Secrets({}))
    secrets = {"token": "0123456789abcdef", "front_password": "x", "publish_password": "y"}
    site = read_site(path, Secrets(secrets))
    assert [camera.name for camera in site.cameras] == ["front"]
    assert len(site.cameras[0].outputs) == outputs
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


@pytest.mark.parametrize("kind", ["[{}]", "{{a: {0[0]}, b: {0[1]}, c: {0[2]}}}", "{{<<: [{}]}}"])
def test_aliases_cannot_make_a_small_file_a_large_one(kind: str) -> None:
    """Forty levels would be more values than there are atoms; seen to end within no day."""
    rows = ["x0: &x0 {a: 1, b: 2}"]
    for level in range(1, 40):
        again = [f"*x{level - 1}"] * 3
        filled = kind.format(again) if "0[0]" in kind else kind.format(", ".join(again))
        rows.append(f"x{level}: &x{level} {filled}")
    with pytest.raises(ConfigError, match="once its aliases are filled in"):
        parse_site("\n".join([*rows, minimal()]), Secrets({}))


def test_an_alias_within_what_it_names_is_refused() -> None:
    with pytest.raises(ConfigError):
        parse_site("a: &a [*a]\n" + minimal(), Secrets({}))
