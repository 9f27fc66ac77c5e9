"""Settings that make no sense are refused by name."""

from __future__ import annotations

import pytest

from blurcam.errors import ConfigError
from blurcam.settings.recording import Config
from blurcam.settings.redaction import Cover, Detect, Encode, parse_polygon


@pytest.mark.parametrize("text", ["", "0,0 1,1", "a,b c,d e,f", "0,0 1,0 1", "0,0 1,0 1,1.5"])
def test_what_is_no_polygon_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="--mask"):
        parse_polygon(text, "--mask")


@pytest.mark.parametrize(
    ("make", "key"),
    [
        (lambda: Detect(detector="haar"), "detector"),  # type: ignore[arg-type]
        (lambda: Detect(threshold=0), "threshold"),
        (lambda: Detect(scale=float("nan")), "scale"),
        (lambda: Detect("eager"), "profile"),  # type: ignore[arg-type]
        (lambda: Detect(plan_for=1), "plan-for"),
        (lambda: Detect(scale=1, plan_for=12), "not both"),
        (lambda: Cover(hold=-1), "hold"),
        (lambda: Cover(margin=0.5), "margin"),
        (lambda: Encode(crf=-1), "crf"),
        (lambda: Encode(audio="loud"), "audio"),  # type: ignore[arg-type]
        (lambda: Config("a.mp4", "b.mp4", effect="none"), "effect"),  # type: ignore[arg-type]
        (lambda: Config("a.mp4", "b.mp4", summary="b.mp4"), "files of their own"),  # type: ignore[arg-type]
    ],
)
def test_a_setting_that_makes_no_sense_is_refused_by_name(make, key: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ConfigError, match=key):
        make()
