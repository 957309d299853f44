"""Files of this machine as answers of a server, sent in pieces."""

from __future__ import annotations

import asyncio
import os
import stat
from typing import TYPE_CHECKING, Any

from mirror.server.answers import Answer, problem

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_PIECE = 256 * 1024  # bytes of a file that are read at once


def file_answer(path: str) -> Answer:
    """Return the answer that sends a file of this machine, or 404 if there is none."""
    try:
        status = os.stat(path)
    except OSError:
        return problem(404, "no such file")
    if not stat.S_ISREG(status.st_mode):
        return problem(404, "no such file")
    return Answer(200, b"", "application/octet-stream", path=path, size=status.st_size)


async def send_body(
    answer: Answer, body: bytes, send: Callable[[dict[str, Any]], Awaitable[None]], *, headers_only: bool
) -> None:
    """Send a body, or the file of an answer in pieces, never more than its announced size; nothing after HEAD."""
    if answer.path and not headers_only:
        left = answer.size
        with await asyncio.to_thread(open, answer.path, "rb") as file:
            while left > 0 and (piece := await asyncio.to_thread(file.read, min(_PIECE, left))):
                left -= len(piece)
                await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b"" if headers_only else body})
