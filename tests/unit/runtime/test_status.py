"""A status survives its JSON exactly, and nothing else passes for one."""

from __future__ import annotations

import json
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blurcam.runtime.status import CameraStatus, OutputStatus, Overload, State, Storage

TEXTS = st.text(min_size=1, max_size=20)
COUNTS = st.integers(0, 2**60)
TIMES = st.floats(0, 4e9)
COUNTED = st.dictionaries(TEXTS, COUNTS, max_size=3)
OUTPUTS = st.builds(
    OutputStatus,
    name=TEXTS,
    up=st.booleans(),
    error=st.none() | TEXTS,
    bytes=COUNTS,
    storage=st.none() | st.builds(Storage, kept=COUNTS, free=COUNTS, oldest=st.none() | TIMES),
)
STATUSES = st.builds(
    CameraStatus,
    name=TEXTS,
    state=st.sampled_from(get_args(State)),
    overload=st.sampled_from(get_args(Overload)),
    since=TIMES,
    next_try=st.none() | TIMES,
    frames_in=COUNTS,
    redacted=COUNTS,
    covered_whole=COUNTED,
    last_detection=st.none() | TIMES,
    latency_p99=st.none() | TIMES,
    queue_fill=st.floats(0, 1),
    stages=st.dictionaries(TEXTS, TIMES, max_size=3),
    reconnects=COUNTED,
    outputs=st.lists(OUTPUTS, max_size=3).map(tuple),
    last_error=st.none() | TEXTS,
)
PLAIN = CameraStatus(
    name="door",
    state="live",
    since=1.0,
    outputs=(OutputStatus(name="disk", up=True, storage=Storage(kept=1, free=2)),),
)


@given(STATUSES)
def test_a_status_survives_its_json(status: CameraStatus) -> None:
    text = status.to_json()
    assert "\n" not in text
    assert CameraStatus.from_json(text) == status


@pytest.mark.parametrize("key", json.loads(PLAIN.to_json()))
def test_a_missing_key_is_refused_by_name(key: str) -> None:
    values = json.loads(PLAIN.to_json())
    del values[key]
    with pytest.raises(ValueError, match=f'key "{key}" is missing'):
        CameraStatus.from_json(json.dumps(values))


def test_an_unknown_key_is_refused_by_name_also_within_an_output() -> None:
    values = json.loads(PLAIN.to_json())
    with pytest.raises(ValueError, match=r"status\.frames: Unexpected"):
        CameraStatus.from_json(json.dumps(values | {"frames": 1}))
    values["outputs"][0]["storage"]["used"] = 1
    with pytest.raises(ValueError, match=r"status\.outputs\[0\]\.storage\.used: Unexpected"):
        CameraStatus.from_json(json.dumps(values))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("name", ""),
        ("name", 3),
        ("state", "fine"),
        ("frames_in", -1),
        ("frames_in", True),
        ("frames_in", 1.5),
        ("since", "now"),
        ("since", float("nan")),
        ("since", float("inf")),
        ("queue_fill", 1.5),
        ("stages", []),
        ("covered_whole", {"starting": "many"}),
        ("outputs", {}),
        ("outputs", [3]),
        ("last_error", 3),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused(key: str, value: Any) -> None:
    values = json.loads(PLAIN.to_json()) | {key: value}
    with pytest.raises(ValueError, match="status"):
        CameraStatus.from_json(json.dumps(values))


def test_an_output_is_up_or_not() -> None:
    values = json.loads(PLAIN.to_json())
    values["outputs"][0]["up"] = 1
    with pytest.raises(ValueError, match="valid boolean"):
        CameraStatus.from_json(json.dumps(values))
