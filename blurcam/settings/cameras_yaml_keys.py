"""Every key of ``cameras.yaml``, made from the declarations of the settings that it sets."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    create_model,
    model_validator,
)

from blurcam.settings.camera import LIVE, Camera, Receive, RecordingOutput
from blurcam.settings.declaration import StrictModel, declarations
from blurcam.settings.reading import Mounting
from blurcam.settings.redaction import Cover, Detect, Encode, Redaction
from blurcam.settings.web import Web
from blurcam.settings.zones_file import Zone

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


def _keys(group: type, usual: object | None = None, without: Collection[str] = ()) -> Any:
    """Return the settings of a group as pydantic takes the fields of a model."""
    found = declarations(group, usual)
    return {name: each for name, each in found.items() if name not in without}


GROUPS: Final[dict[str, dict[str, Any]]] = {
    "receive": _keys(Receive, Receive()),
    "detect": _keys(Detect, LIVE.detect),
    "cover": _keys(Cover, LIVE.cover, without=("masks", "ignores")),
    "mounting": _keys(Mounting),
    "encode": _keys(Encode, LIVE.encode, without=("codec", "audio", "overwrite")),
}
"""The settings of a camera that are keys of its own, by the group that they belong to."""


def _camera_name(given: str) -> str:
    if not _NAME.fullmatch(given):
        raise ValueError(
            "a camera's name has 1 to 64 letters, digits, dots, hyphens and underscores, and "
            "begins with a letter or a digit: front-door"
        )
    return given


class ZoneFile(Zone):
    """A polygon of the frame, its points as fractions of width and height, or a file of them."""

    file: str | None = Field(
        default=None,
        description="A zones file, from the folder of cameras.yaml: the page's editor writes it. "
        "One a camera.",
    )

    def _check(self) -> None:
        if self.file is None:
            super()._check()
        elif self.mask is not None or self.ignore is not None or self.name:
            raise ValueError("a zones file has masks, ignores and names of its own")


def _zones(given: object) -> object:
    """Read a file name as the zones that it is short for."""
    return [{"file": given}] if isinstance(given, str) else given


def _has_one_file(zones: list[ZoneFile]) -> list[ZoneFile]:
    if sum(zone.file is not None for zone in zones) > 1:
        raise ValueError("only one zones file can be given")
    return zones


class _OutputKeys(StrictModel):
    """Where redacted video goes: `publish` or `record`."""

    publish: str | None = Field(default=None, description="RTSP server and path to publish to.")
    username: str | None = Field(default=None, description="For the server; any characters.")
    password: str | None = Field(default=None, description="For the server; best as `${NAME}`.")
    record: str | None = Field(
        default=None,
        description="File names as a strftime pattern, in UTC: `/media/%Y-%m-%d/%H-%M-%S.mp4`.",
    )

    @model_validator(mode="after")
    def _can_be_written_for_months(self) -> Self:
        if (self.publish is None) == (self.record is None):
            raise ValueError("give publish or record")
        if self.record == "-":
            raise ValueError("standard output is for blurcam camera; publish, or record")
        if self.record is not None and "%" not in self.record:
            raise ValueError(
                f"{self.record}: one file cannot be continued after a restart; write the time "
                "into its name: /media/front/%Y-%m-%d/%H-%M-%S.mp4"
            )
        return self


_RECORDING: Final = declarations(RecordingOutput)
OutputFile: Final = create_model(
    "OutputFile",
    __base__=_OutputKeys,
    __doc__=_OutputKeys.__doc__,
    segment=(_RECORDING["segment"][0], 60.0),
    keep=_RECORDING["keep"],
    keep_size=_RECORDING["keep_bytes"],
    leave_free=_RECORDING["leave_free"],
    when_full=_RECORDING["when_full"],
)


def _output(given: object) -> object:
    """Read an address or a file name as the output that it is short for."""
    if not isinstance(given, str):
        return given
    return {"publish" if "://" in given else "record": given}


class _CameraKeys(StrictModel):
    """One camera."""

    source: str = Field(
        description="`rtsp://…`, `rtsps://…`, `http(s)://…` (MJPEG, HLS), `/dev/video0`, or a file."
    )
    username: str | None = Field(default=None, description="For the camera; any characters.")
    password: str | None = Field(default=None, description="For the camera; best as `${NAME}`.")
    enabled: bool = Field(
        default=True,
        description="`false` leaves the camera out; its keys are checked all the same.",
    )
    outputs: list[
        Annotated[
            OutputFile,  # type: ignore[valid-type]  # a model made above
            BeforeValidator(_output, json_schema_input_type=str | OutputFile),
        ]
    ] = Field(min_length=1, description="An RTSP address, a file, or an output, see below.")
    zones: Annotated[
        list[ZoneFile],
        BeforeValidator(_zones, json_schema_input_type=str | list[ZoneFile]),
        AfterValidator(_has_one_file),
    ] = Field(default=[], description="A zones file, or a list of zones, see below.")
    codec: Literal["h264", "h265"] = Field(default="h264", description="Codec of all outputs.")


CameraFile: Final = create_model(
    "CameraFile",
    __base__=_CameraKeys,
    __doc__=_CameraKeys.__doc__,
    effect=_keys(Redaction, LIVE)["effect"],
    on_loss=_keys(Camera)["on_loss"],
    **{key: each for group in GROUPS.values() for key, each in group.items()},
)


class SiteFile(StrictModel):
    """The whole file."""

    cameras: dict[
        Annotated[str, AfterValidator(_camera_name)],
        CameraFile,  # type: ignore[valid-type]  # a model made above
    ] = Field(min_length=1, description="Every camera, by name.")
    web: Web | None = Field(default=None, description="The web page; none without it.")


def schema() -> dict[str, Any]:
    """Return the JSON Schema of the file, for editors."""
    made = SiteFile.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made}
