"""The body of a request, as far as it may go and as long as it may take."""

from __future__ import annotations

import asyncio

from starlette.exceptions import HTTPException
from starlette.requests import Request


async def body_of(request: Request, most: int, seconds: float) -> bytes:
    """Return the body; raises HTTPException for one of more bytes, or one that comes too slowly."""
    body = b""
    try:
        async with asyncio.timeout(seconds):
            async for part in request.stream():
                body += part
                if len(body) > most:
                    raise HTTPException(413, "Too much.")
    except TimeoutError:
        raise HTTPException(408, "Too slow.") from None
    return body
