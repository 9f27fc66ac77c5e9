"""Requests of the page of a review as values, and what goes wrong as answers in words."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from functools import wraps
from http import HTTPStatus
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from blurcam.errors import BlurcamError
from blurcam.review.edits import Edit, faults_in
from blurcam.review.reviewed_recording import DraftForgotten, EditsRefused
from blurcam.serve.web.request_body import body_of

_MOST_BYTES: Final = 8 << 20
_BODY_SECONDS: Final = 20.0
_EDITS: Final[TypeAdapter[tuple[Edit, ...]]] = TypeAdapter(tuple[Edit, ...])

Answer = Callable[[Request], Awaitable[Response]]


def answering(answer: Answer) -> Answer:
    """Turn what goes wrong with a recording into an answer in words."""

    @wraps(answer)
    async def answered(request: Request) -> Response:
        try:
            return await answer(request)
        except KeyError:
            return PlainTextResponse("There is no such thing here.\n", HTTPStatus.NOT_FOUND)
        except EditsRefused as exc:
            return PlainTextResponse(f"{exc}.\n", HTTPStatus.CONFLICT)
        except DraftForgotten as exc:
            return PlainTextResponse(f"{exc}\n", HTTPStatus.PRECONDITION_FAILED)
        except BlurcamError as exc:
            return PlainTextResponse(f"{exc}\n", HTTPStatus.UNPROCESSABLE_ENTITY)

    return answered


async def values_of(request: Request) -> dict[str, Any]:
    """Return the object of JSON in the body; raises HTTPException."""
    try:
        values = json.loads(await body_of(request, _MOST_BYTES, _BODY_SECONDS))
    except ValueError:
        raise HTTPException(400, "This is not JSON.") from None
    if not isinstance(values, dict):
        raise HTTPException(400, "This is not an object of JSON.")
    return values


def text_in(values: dict[str, Any], name: str, most: int) -> str:
    """Return a text among values, without what is around it."""
    return str(values.get(name, "")).strip()[:most]


def edits_in(values: dict[str, Any]) -> tuple[Edit, ...]:
    """Return the edits among values; raises HTTPException, which says what is wrong."""
    try:
        return _EDITS.validate_json(json.dumps(values.get("edits", ())))
    except ValidationError as exc:
        raise HTTPException(422, "\n".join(faults_in(exc))) from exc


def as_json(values: dict[str, Any]) -> Response:
    """Return values as an answer."""
    return Response(json.dumps(values, allow_nan=False), media_type="application/json")
