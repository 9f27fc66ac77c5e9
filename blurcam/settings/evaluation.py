"""The settings of an evaluation on labelled footage."""

from __future__ import annotations

from dataclasses import field
from pathlib import Path
from typing import Annotated

from pydantic import Field

from blurcam.errors import ConfigError
from blurcam.settings.declaration import declared
from blurcam.settings.redaction import Cover, Detect


def parse_sweep(text: str | None) -> list[float]:
    """Read ``"threshold=low:high:step"``; nothing for ``None``."""
    if text is None:
        return []
    key, _, rest = text.partition("=")
    try:
        low, high, step = (float(part) for part in rest.split(":"))
    except ValueError as exc:
        raise ConfigError(f'sweep: "{text}" is not "threshold=low:high:step"') from exc
    if key != "threshold" or not (step > 0 and 0 < low <= high < 1):
        raise ConfigError(f'sweep: "{text}" is not "threshold=low:high:step", within 0 to 1')
    return [round(low + n * step, 6) for n in range(int((high - low) / step + 1e-9) + 1)]


@declared()
class Evaluation:
    """What to evaluate: labelled images in a folder, or one recording.

    Without ``labels`` the recording is taken to show no face at all. ``extra`` is a file of boxes
    that fit no label, and what each lies on.
    """

    input: Path
    labels: Path | None
    detect: Detect = field(default_factory=Detect)
    cover: Cover = field(default_factory=Cover)
    min_face: Annotated[
        int, Field(ge=1, le=1000, description="Height in pixels from which faces are counted.")
    ] = 8
    extra: Path | None = None
