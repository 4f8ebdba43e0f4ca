"""What holds for every request: its id, the API key, errors as JSON, metrics, draining."""

from __future__ import annotations

import hmac
import logging
import re
import time
import uuid
from typing import TYPE_CHECKING, Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from ..errors import MlopsError
from .contract import InvalidRows

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from .metrics import Metrics

logger = logging.getLogger("jupyter_mlops.serving")

_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_OPEN = frozenset({"/health", "/v2/health/live", "/v2/health/ready"})
_STATUS = {
    "request.not-json": 400,
    "request.form": 400,
    "request.key": 401,
    "request.cross-site": 403,
    "request.path": 404,
    "request.method": 405,
    "request.too-large": 413,
    "contract.invalid": 422,
    "serving.predict-failed": 500,
    "project.disk-full": 503,
    "project.read-only": 503,
    "log.failed": 503,
}


class Guard:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp, metrics: Metrics, api_key: str | None) -> None:
        self.app = app
        self.metrics = metrics
        self.draining = False
        self._key = api_key.encode() if api_key else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        request_id = _request_id(headers)
        scope.setdefault("state", {})["request_id"] = request_id
        start, status = time.perf_counter(), 500
        answered = False

        async def send_marked(message: Message) -> None:
            nonlocal status, answered
            if message["type"] == "http.response.start":
                status, answered = message["status"], True
                marks = MutableHeaders(raw=message["headers"])
                marks["x-request-id"] = request_id
                marks["x-content-type-options"] = "nosniff"
                if self.draining:
                    marks["connection"] = "close"
            await send(message)

        self.metrics.in_flight.add()
        try:
            if (refusal := self._refusal(scope, headers)) is not None:
                await error_response(scope, refusal)(scope, receive, send_marked)
            else:
                await self.app(scope, receive, send_marked)
        except ClientDisconnect:
            status = 499
        except Exception as error:
            logger.exception("request %s failed", request_id)
            if answered:
                raise
            await error_response(scope, error)(scope, receive, send_marked)
        finally:
            self.metrics.in_flight.add(by=-1)
            route = getattr(scope.get("endpoint"), "__name__", "?")
            self.metrics.requests.add(route, str(status))
            self.metrics.seconds.observe(time.perf_counter() - start, route)

    def _refusal(self, scope: Scope, headers: Headers) -> MlopsError | None:
        if scope["path"] in _OPEN:
            return None
        if self._key is not None:
            word, _, key = headers.get("authorization", "").partition(" ")
            if word.lower() != "bearer" or not hmac.compare_digest(key.strip().encode(), self._key):
                return MlopsError(
                    "request.key",
                    "The API key is missing or wrong.",
                    hint="send the header `Authorization: Bearer KEY`.",
                )
        elif scope["method"] == "POST" and headers.get("sec-fetch-site") == "cross-site":
            return MlopsError(
                "request.cross-site",
                "A page of another site asked.",
                hint="ask from this machine, or start the server with MLOPS_API_KEY.",
            )
        return None


def error_response(scope: Scope, error: Exception) -> Response:
    """Return an error as JSON: code, message, hint, request id, and the unfit values."""
    import orjson

    headers = {}
    if isinstance(error, HTTPException):
        status, headers = error.status_code, dict(error.headers or {})
        error = _named(scope, error)
    elif isinstance(error, MlopsError):
        status = _STATUS.get(error.code, 500)
    else:
        status = 500
        error = MlopsError(
            "serving.failed", "The server failed.", hint="the server's log has the traceback."
        )
    if status == 401:
        headers["www-authenticate"] = "Bearer"
    content: dict[str, Any] = {
        "code": error.code,
        "message": error.message,
        "hint": error.hint,
        "request_id": scope["state"]["request_id"],
    }
    if isinstance(error, InvalidRows):
        content["errors"] = [each.to_dict() for each in error.errors]
    if scope["path"].startswith("/v2/"):
        # The Open Inference Protocol wants `error` to be text.
        content = {"error": str(error), "details": content}
    else:
        content = {"error": content}
    return Response(orjson.dumps(content), status, headers, "application/json")


async def on_error(request: Request, error: Exception) -> Response:
    """Answer an error that a handler raised; what is our own fault goes to the log."""
    response = error_response(request.scope, error)
    if response.status_code >= 500:
        logger.error("request %s: %s", request.state.request_id, error, exc_info=error)
    return response


def _named(scope: Scope, error: HTTPException) -> MlopsError:
    method, path = scope["method"], scope["path"]
    if error.status_code == 404:
        return MlopsError(
            "request.path", f"There is no {path} here.", hint="POST rows to /predict; see GET /."
        )
    if error.status_code == 405:
        return MlopsError(
            "request.method",
            f"{path} does not take {method}.",
            hint=f"use {dict(error.headers or {}).get('Allow', 'another method')}.",
        )
    return MlopsError("request.form", str(error.detail))


def _request_id(headers: Headers) -> str:
    given = headers.get("x-request-id", "")
    return given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
