"""What every request passes: whose page asks, how much it sends, who it is; and what is written down about it."""

from __future__ import annotations

import hmac
import logging
import re
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from anyio import to_thread
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from finalmile.errors import FinalMileError, printable
from finalmile.serving.access import holder, known_host, known_origin, presented, why_not, wrong_host
from finalmile.serving.board import Board
from finalmile.web.api.desk import Caller, Desk
from finalmile.web.api.errors import told, unexpected
from finalmile.web.redaction import redacted
from finalmile.web.relay import PROOF
from finalmile.web.uploads import BATCHES, most_bytes

_LOG = logging.getLogger("finalmile.api")
JSON_BYTES = 1_000_000
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,100}")
HEADERS = {
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


class TooLargeError(HTTPException):
    """More was sent than may be."""

    def __init__(self, most: int) -> None:
        super().__init__(413, f"the body has more than {most:,} bytes; send less, or upload it as a batch")


@dataclass(slots=True)
class Refusals:
    """Refused calls, written down at most once a second: whoever guesses keys must not fill the disk."""

    clock: Callable[[], float] = time.monotonic
    last: float = float("-inf")
    waiting: int = 0

    def due(self) -> int:
        """How many to write down now, 0 for none yet."""
        self.waiting += 1
        if self.clock() - self.last < 1.0:
            return 0
        self.last, count, self.waiting = self.clock(), self.waiting, 0
        return count


@dataclass(slots=True)
class Gate:
    """ASGI middleware around the whole API.

    Parameters
    ----------
    app
        What answers the requests that pass.
    desk
        Where the board with hosts and keys is, and the audit trail.
    secret
        What workers of the same supervisor carry; a request that another endpoint's worker relayed is refused. What
        comes over the socket by itself carries none: only this user can open it.
    """

    app: ASGIApp
    desk: Desk
    secret: str = ""
    refusals: Refusals = field(default_factory=Refusals)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        request_id = scope["finalmile.request_id"] = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        started: list[int] = []

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                started.append(message["status"])
                MutableHeaders(scope=message).update({**HEADERS, "x-request-id": request_id})
                if "finalmile.caller" in scope:
                    await to_thread.run_sync(self._write_down, scope, message["status"])
            await send(message)

        refusal = self._refusal(scope, headers)
        if refusal is not None:
            await to_thread.run_sync(self._write_refusal, scope, refusal.status_code)
            await refusal(scope, receive, send_guarded)
            return
        try:
            await self.app(scope, _bounded(receive, _most(scope)), send_guarded)
        except ClientDisconnect:
            _LOG.info("request %s: the caller hung up", request_id)
        except FinalMileError as error:
            _LOG.error("request %s: the audit trail could not be written: %s", request_id, redacted(str(error)))
            if not started or "audited" not in scope:
                answer = told(503, "busy", "this call could not be written down, so it is not answered")
                scope.pop("finalmile.caller", None)
                await answer(scope, receive, send_guarded)
        except Exception as error:
            answer = unexpected(Request(scope), error)
            if not started:
                await answer(scope, receive, send_guarded)

    def _refusal(self, scope: Scope, headers: Headers) -> Response | None:
        board = self.desk.board()
        foreign = _foreign(headers, board)
        if foreign is not None:
            return foreign
        proof = headers.get(PROOF.decode())
        if proof is not None and not hmac.compare_digest(proof.encode(), (self.secret or "none").encode()):
            return told(421, "manager", "this manager belongs to another endpoint of the project; end one of the two")
        length = headers.get("content-length", "")
        if length and (not length.isdecimal() or int(length[:20]) > _most(scope)):
            return told(413, "too_large", str(TooLargeError(_most(scope)).detail))
        caller = _caller(headers, board)
        if caller is None:
            return _who_are_you(headers, board)
        scope["finalmile.caller"] = caller
        return None

    def _write_down(self, scope: Scope, status: int) -> None:
        caller: Caller = scope["finalmile.caller"]
        project = self.desk.project
        now = project.clock.now()
        body: Mapping[str, object] = {
            "status": status, "role": caller.role, "request_id": scope["finalmile.request_id"]
        }  # fmt: skip
        project.ledger.audit(
            actor=caller.actor, verb=f"api {scope['method'][:10]}", subject=_path(scope), body=body, at=now
        )
        scope["audited"] = True
        if caller.key is not None:
            project.ledger.key_used(caller.key.prefix, at=now)

    def _write_refusal(self, scope: Scope, status: int) -> None:
        count = self.refusals.due()
        if not count:
            return
        project = self.desk.project
        body = {"status": status, "refused_since_last_row": count, "request_id": scope["finalmile.request_id"]}
        try:
            project.ledger.audit(
                actor="nobody", verb=f"api {scope['method'][:10]} refused", subject=_path(scope), body=body,
                at=project.clock.now(),
            )  # fmt: skip
        except FinalMileError as error:
            _LOG.error("a refusal could not be written down: %s", redacted(str(error)))


def _foreign(headers: Headers, board: Board) -> Response | None:
    """Refusal of a request that a page of somebody else, or a rebound name, made a browser send."""
    if not known_host(headers.get("host", ""), board.hosts):
        return told(421, "host", wrong_host(headers.get("host", ""), board.hosts))
    origin, site = headers.get("origin"), headers.get("sec-fetch-site", "none")
    if (origin is not None and not known_origin(origin, board.hosts)) or site not in ("none", "same-origin"):
        return told(403, "origin", "a page of another site may not ask this endpoint; call it from a program")
    return None


def _caller(headers: Headers, board: Board) -> Caller | None:
    key = presented(headers.get("authorization"), headers.get("x-api-key"))
    if key is None:
        return Caller(actor="local", role="admin") if board.open_to_all else None
    found = holder(board.keys, key, now=time.time())
    return None if found is None else Caller(actor=f"key:{found.prefix}", role=found.role, key=found)


def _who_are_you(headers: Headers, board: Board) -> Response:
    key = presented(headers.get("authorization"), headers.get("x-api-key"))
    code, why = why_not((*board.ended, *board.keys), key)
    answer = told(401, code, why)
    answer.headers["www-authenticate"] = "Bearer"
    return answer


def _most(scope: Scope) -> int:
    return most_bytes() if BATCHES.fullmatch(scope["path"]) else JSON_BYTES


def _path(scope: Scope) -> str:
    return printable(redacted(str(scope["path"])))[:200]


def _bounded(receive: Receive, most: int) -> Receive:
    seen = 0

    async def receive_some() -> Message:
        nonlocal seen
        message = await receive()
        if message["type"] == "http.request":
            seen += len(message.get("body", b""))
            if seen > most:
                raise TooLargeError(most)
        return message

    return receive_some
