"""One declaration of each setting: its limits hold wherever it is set, and its words are one."""

from __future__ import annotations

import dataclasses
import pickle
from typing import Any

import pytest
from pydantic import TypeAdapter

from blurcam.settings.addresses import parse_address
from blurcam.settings.amounts import read_bytes, read_seconds
from blurcam.settings.batch import Batch
from blurcam.settings.camera import Camera, PublishOutput, Receive, RecordingOutput, StdoutOutput
from blurcam.settings.declaration import SettingsError, bare, declarations, description
from blurcam.settings.evaluation import Evaluation
from blurcam.settings.pipe import PipeSettings, RawLayout
from blurcam.settings.recording import Config
from blurcam.settings.redaction import Cover, Detect, Encode, Redaction
from blurcam.settings.web import Web

GROUPS = (
    Batch, Camera, Config, Cover, Detect, Encode, Evaluation, PipeSettings, RawLayout, Receive,
    RecordingOutput, Redaction, Web,
)  # fmt: skip
# What the commands and keys that take these say of them.
TOLD_ELSEWHERE = {"path", "labels", "name", "source", "outputs"}


@pytest.mark.parametrize("group", GROUPS)
def test_every_setting_says_what_it_is_for(group: type) -> None:
    for name, (hint, _) in declarations(group).items():
        if not dataclasses.is_dataclass(bare(hint)) and name not in TOLD_ELSEWHERE:
            assert description(hint) or group is Evaluation, name


@pytest.mark.parametrize("group", [Config, Batch, Camera, PipeSettings])
def test_whatever_is_redacted_holds_the_one_redaction(group: type) -> None:
    assert issubclass(group, Redaction)


def test_a_setting_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Detect().threshold = 0.5  # type: ignore[misc]


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: Detect(treshold=0.3), 'treshold: unknown key; did you mean "threshold"?'),  # type: ignore[call-arg]
        (lambda: Detect("eager"), 'profile: there is no "eager"; choose one of near, balanced'),  # type: ignore[arg-type]
        (lambda: Detect(threshold=7), "threshold: 7 is not between 0.01 and 0.99"),
        (lambda: Detect(scale=float("nan")), "scale: nan is not between 0.1 and 4"),
        (lambda: Detect(patience=1.5), "patience: is not a whole number"),  # type: ignore[arg-type]
        (lambda: Config("a.mp4"), "output: is required"),  # type: ignore[call-arg, arg-type]
        (lambda: Batch("out", span=1), "span: 1 is not between 2 and 86400, nor 0"),  # type: ignore[arg-type]
        (lambda: RawLayout(size="8"), 'size: "8" is not a size'),
        (lambda: RawLayout(rate="0"), "rate: 0 is not between 0.1 and 1000"),
        (lambda: Cover(masks=(((0, 0), (1, 1)),)), "a polygon needs three points or more, not 2"),
    ],
)
def test_a_setting_outside_its_limits_is_refused_by_name(make: Any, told: str) -> None:
    with pytest.raises(SettingsError) as refused:
        make()
    assert told in str(refused.value)


def test_all_faults_of_a_group_are_told_at_once() -> None:
    with pytest.raises(SettingsError) as refused:
        Cover(lead=-1, hold=99, margin=0)
    assert [fault.place for fault in refused.value.faults] == [("lead",), ("hold",), ("margin",)]


def test_a_change_is_checked_too() -> None:
    with pytest.raises(SettingsError, match="timeout"):
        dataclasses.replace(Detect(), timeout=-1)


def test_settings_are_handed_to_another_process_whole() -> None:
    address = parse_address("rtsp://admin:p%40ss@cam/live")
    camera = Camera(
        "front", address, (PublishOutput(address), RecordingOutput("%H.ts", 60), StdoutOutput())
    )
    for settings in (camera, Config("a", "b"), PipeSettings(), Batch("out")):  # type: ignore[arg-type]
        assert pickle.loads(pickle.dumps(settings)) == settings
        adapter: TypeAdapter[Any] = TypeAdapter(type(settings))
        assert adapter.validate_json(adapter.dump_json(settings)) == settings


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        ("90s", 90),
        ("1.5 min", 90),
        ("2h", 7200),
        ("7 days", 604800),
        ("1 week", 604800),
    ],
)
def test_a_time_is_read_with_its_unit(text: str, seconds: float) -> None:
    assert read_seconds(text) == seconds


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("500", 500),
        ("50G", 50e9),
        ("50 GB", 50e9),
        ("1GiB", 1 << 30),
        ("2 mb", 2e6),
        ("1.5T", 1.5e12),
    ],
)
def test_a_size_is_read_with_its_unit(text: str, size: float) -> None:
    assert read_bytes(text) == size


@pytest.mark.parametrize("text", ["soon", "1 furlong", "-1s", "1..2s", "", "٣s"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="timeout: is not an amount; write 90s"):
        Detect(timeout=text)  # type: ignore[arg-type]
