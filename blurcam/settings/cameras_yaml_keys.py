"""Every key of ``cameras.yaml``, made from the declarations of the settings that it sets."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    create_model,
    model_validator,
)

from blurcam.settings.camera import LIVE, Camera, Receive, RecordingOutput
from blurcam.settings.declaration import declarations
from blurcam.settings.reading import Mounting
from blurcam.settings.redaction import Cover, Detect, Encode, Polygon, Redaction
from blurcam.settings.web import Web

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


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, allow_inf_nan=False)


def _camera_name(given: str) -> str:
    if not _NAME.fullmatch(given):
        raise ValueError(
            "a camera's name has 1 to 64 letters, digits, dots, hyphens and underscores, and "
            "begins with a letter or a digit: front-door"
        )
    return given


class ZoneFile(_Strict):
    """A polygon of the frame, its points as fractions of width and height."""

    mask: Polygon | None = Field(default=None, description="Cover this polygon on every frame.")
    ignore: Polygon | None = Field(
        default=None, description="Count no face whose centre lies in this polygon (a poster)."
    )

    @model_validator(mode="after")
    def _is_one_of_both(self) -> Self:
        if (self.mask is None) == (self.ignore is None):
            raise ValueError("give mask or ignore")
        return self


class _OutputKeys(_Strict):
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


class _CameraKeys(_Strict):
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
    zones: list[ZoneFile] = Field(default=[], description="Polygons, see below.")
    codec: Literal["h264", "h265"] = Field(default="h264", description="Codec of all outputs.")


CameraFile: Final = create_model(
    "CameraFile",
    __base__=_CameraKeys,
    __doc__=_CameraKeys.__doc__,
    effect=_keys(Redaction, LIVE)["effect"],
    on_loss=_keys(Camera)["on_loss"],
    **{key: each for group in GROUPS.values() for key, each in group.items()},
)


class SiteFile(_Strict):
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
