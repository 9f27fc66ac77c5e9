"""How a run was asked for, in the first line of its regions file: written there, and read back."""

from __future__ import annotations

from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from blurcam import __version__
from blurcam.media.formats import StreamInfo
from blurcam.runs.summary import Summary
from blurcam.settings.reading import Mounting, Reading
from blurcam.settings.recording import Config
from blurcam.settings.redaction import Encode
from blurcam.track.regions_file import Header


def header_of(
    config: Config,
    info: StreamInfo | Header,
    frames: int,
    summary: Summary | None = None,
) -> Header:
    """Return the header of a run's regions; without its summary, that of a part of them.

    ``info`` says how large its frames are.
    """
    settings = {
        "detector": summary.detector if summary else "",
        "threshold": summary.threshold if summary else None,
        "effect": config.effect,
        "profile": config.detect.profile,
        "scale": config.detect.scale,
        **asdict(config.cover),
        "encode": asdict(config.encode),
        "mounting": asdict(config.mounting),
        "reading": asdict(config.reading),
        "rate": config.rate,
    }
    return Header(
        summary.input_sha256 if summary else "",
        info.width,
        info.height,
        frames,
        settings,
        __version__,
    )


def config_of(header: Header, input: Path, output: Path) -> Config:
    """Return the settings to draw a recording again as it was drawn; raises ConfigError.

    Masks are among the regions already. A header of an earlier version does not tell all: then
    the defaults are taken.
    """
    known = header.settings
    return Config(
        input=input,
        output=output,
        effect=known.get("effect", "blur"),
        encode=Encode(**_own(Encode, known.get("encode")) | {"overwrite": True}),
        mounting=Mounting(**_own(Mounting, known.get("mounting"))),
        reading=Reading(**_own(Reading, known.get("reading"))),
        rate=known.get("rate"),
    )


def _own(kind: Any, values: object) -> dict[str, Any]:
    names = {each.name for each in fields(kind)}
    given = values if isinstance(values, dict) else {}
    return {name: value for name, value in given.items() if name in names}
