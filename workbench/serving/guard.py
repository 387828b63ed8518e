"""What stands before the server's own code: who may ask, and how much may be sent.

A page of somebody else's that is open in a browser on this machine can send requests to 127.0.0.1. It is told by its
`Origin`. A page whose name is made to mean 127.0.0.1 (DNS rebinding) is its own origin, and is told by its `Host`.
"""

import asyncio
import ipaddress
from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from workbench.formatting import counted
from workbench.serving.limits import Limits
from workbench.texts import shown

LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Guard:
    """Refuses foreign hosts and origins, and reads bodies up to a size and within a time.

    Args:
        app: What is asked if nothing speaks against it.
        hosts: Names by which the server may be called.
        origins: Pages, besides the server's own, whose scripts may ask: `http://127.0.0.1:8000`.
        limits: Of a body.
        any_address: Whether numerical addresses may be called, too: of those none can be somebody else's name.
    """

    def __init__(
        self, app: ASGIApp, hosts: Collection[str], origins: Collection[str], limits: Limits, *, any_address: bool
    ) -> None:
        self._app, self._hosts, self._origins, self._limits = app, frozenset(hosts), frozenset(origins), limits
        self._any_address = any_address
        self._under_way = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        refusal = self._refusal(Headers(scope=scope)) or await self._with_body(scope, receive, send)
        if refusal is not None:
            await refusal(scope, receive, send)

    def _refusal(self, headers: Headers) -> JSONResponse | None:
        host = headers.get("host", "")
        name = _name_of(f"//{host}")
        if name not in self._hosts and not (self._any_address and _is_address(name)):
            return _refuse(
                421,
                f"the host {shown(host, 80)!r} is not served here; call it by one of {', '.join(sorted(self._hosts))}, "
                "or start the server with --allow-host.",
            )
        origin = headers.get("origin")
        if origin is not None and origin not in self._origins and urlsplit(origin).netloc != host:
            return _refuse(
                403, f"pages of {shown(origin, 80)!r} may not ask this server; start it with --allow-origin for that."
            )
        # Pictures and links of foreign pages come without an origin; they could not read the answer, but let us work.
        if origin is None and headers.get("sec-fetch-site") in {"cross-site", "same-site"}:
            return _refuse(403, "other pages may not ask this server; start it with --allow-origin for that.")
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > self._limits.bytes:
            return self._too_large()
        return None

    async def _with_body(self, scope: Scope, receive: Receive, send: Send) -> JSONResponse | None:
        """Ask the app, once all of the body is here; or say why not."""
        if self._under_way >= self._limits.waiting and scope["path"] != "/health":
            most = counted(self._limits.waiting, "request")
            response = _refuse(503, f"no more than {most} may be under way at a time; ask again in a second.")
            response.headers["retry-after"] = "1"
            return response
        self._under_way += 1
        try:
            body = bytearray()
            try:
                async with asyncio.timeout(self._limits.seconds):
                    while True:
                        message = await receive()
                        if message["type"] == "http.disconnect":
                            return None
                        body += message.get("body", b"")
                        if len(body) > self._limits.bytes:
                            return self._too_large()
                        if not message.get("more_body", False):
                            break
            except TimeoutError:
                return _refuse(408, f"the body has not arrived within {self._limits.seconds:g} seconds.")
            await self._app(scope, _replay(bytes(body), receive), send)
        finally:
            self._under_way -= 1
        return None

    def _too_large(self) -> JSONResponse:
        return _refuse(
            413, f"the body is larger than {self._limits.bytes:,} bytes; send fewer or smaller images (--max-bytes)."
        )


def _replay(body: bytes, receive: Receive) -> Receive:
    """A body that has been read, and then whatever else comes."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


def _refuse(status: int, sentence: str) -> JSONResponse:
    # What is left of a body would be taken for the next request.
    return JSONResponse({"error": sentence}, status, headers={"connection": "close"})


def _name_of(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
