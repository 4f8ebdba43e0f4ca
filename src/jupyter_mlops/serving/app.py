"""The HTTP application of one release: plain JSON, the Open Inference Protocol, and what helps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anyio
import anyio.to_thread
import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from ..errors import MlopsError
from . import metrics, openapi, page, v2
from .guard import Guard, on_error
from .service import Service


def make_app(service: Service, *, api_key: str | None = None) -> Guard:
    """Return the ASGI application.

    Parameters
    ----------
    api_key
        Where given, every route but the health ones wants ``Authorization: Bearer <key>``.
    """
    handlers = Handlers(service, key=api_key is not None)
    routes = [
        Route("/", handlers.page),
        Route("/predict", handlers.predict, methods=["POST"]),
        Route("/health", handlers.health),
        Route("/metrics", handlers.metrics),
        Route("/openapi.json", handlers.openapi),
        Route("/v2", handlers.v2_server),
        Route("/v2/health/live", handlers.health),
        Route("/v2/health/ready", handlers.health),
    ]
    for model in ("/v2/models/{name}", "/v2/models/{name}/versions/{version}"):
        routes += [
            Route(model, handlers.v2_model),
            Route(f"{model}/ready", handlers.v2_ready),
            Route(f"{model}/infer", handlers.v2_infer, methods=["POST"]),
        ]
    app = Starlette(
        routes=routes, exception_handlers={HTTPException: on_error, MlopsError: on_error}
    )
    return Guard(app, service.metrics, api_key)


class Handlers:
    """The routes. What takes time runs in a thread, so that health is answered meanwhile."""

    def __init__(self, service: Service, *, key: bool) -> None:
        self.service = service
        self._key = key
        self._limiter = anyio.CapacityLimiter(service.limits.threads)
        self._openapi = orjson.dumps(openapi.describe(service))

    async def predict(self, request: Request) -> Response:
        body = await self._body(request)

        def work() -> bytes:
            result = self.service.answer_rows(_rows(_parse(body)), request.state.request_id)
            return orjson.dumps(
                {
                    "predictions": result.predictions,
                    "release": self.service.predictor.ref,
                    "request_id": request.state.request_id,
                    "warnings": result.warnings,
                }
            )

        return await self._work(work)

    async def v2_infer(self, request: Request) -> Response:
        name = self._model(request)
        body = await self._body(request)

        def work() -> bytes:
            content = _parse(body)
            columns = v2.columns_of(self.service.contract, content)
            request_id = request.state.request_id
            result = self.service.answer_columns(columns, request_id)
            response = v2.answer(self.service, name, content, result)
            return orjson.dumps(response | {"id": content.get("id") or request_id})

        return await self._work(work)

    async def health(self, request: Request) -> Response:
        return _json(
            {
                "live": True,
                "ready": True,
                "endpoint": self.service.endpoint,
                "release": self.service.predictor.ref,
            }
        )

    async def metrics(self, request: Request) -> Response:
        text = self.service.metrics.text()
        return PlainTextResponse(text, headers={"content-type": metrics.CONTENT_TYPE})

    async def openapi(self, request: Request) -> Response:
        return Response(self._openapi, media_type="application/json")

    async def page(self, request: Request) -> Response:
        url = str(request.base_url).rstrip("/")
        html = page.render(self.service, url, key=self._key)
        return HTMLResponse(html, headers=page.HEADERS)

    async def v2_server(self, request: Request) -> Response:
        return _json(v2.server_metadata(self.service))

    async def v2_model(self, request: Request) -> Response:
        return _json(v2.model_metadata(self.service, self._model(request)))

    async def v2_ready(self, request: Request) -> Response:
        return _json({"name": self._model(request), "ready": True})

    def _model(self, request: Request) -> str:
        """Return the model's name: the endpoint's or the release's; anything else is a 404."""
        name: str = request.path_params["name"]
        predictor = self.service.predictor
        version = request.path_params.get("version", predictor.version)
        if name not in (self.service.endpoint, predictor.name) or version != predictor.version:
            raise HTTPException(404)
        return name

    async def _body(self, request: Request) -> bytes:
        limit = self.service.limits.body_bytes
        declared = request.headers.get("content-length", "0")
        chunks, size = [], int(declared) if declared.isdigit() else 0
        if size <= limit:
            size = 0
            async for chunk in request.stream():
                chunks.append(chunk)
                size += len(chunk)
                if size > limit:
                    break
            else:
                return b"".join(chunks)
        raise MlopsError(
            "request.too-large",
            f"The request's body is larger than {limit} bytes.",
            hint="send the rows in several requests.",
        )

    async def _work(self, work: Callable[[], bytes]) -> Response:
        content = await anyio.to_thread.run_sync(work, limiter=self._limiter)
        return Response(content, media_type="application/json")


def _parse(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise MlopsError(
            "request.not-json",
            f"The request's body is not JSON: {error}.",
            hint='send {"rows": [{…}]}.',
        ) from None


def _rows(content: Any) -> list[Any]:
    """Return the rows of ``{"rows": […]}``, of a list of rows, or of one row."""
    if isinstance(content, dict):
        if content.keys() == {"rows"} and isinstance(content["rows"], list):
            return content["rows"]
        return [content]
    if isinstance(content, list):
        return content
    raise MlopsError(
        "request.form",
        "The request is neither rows nor a row.",
        hint='send {"rows": [{…}]}, a list of rows, or one row.',
    )


def _json(content: dict[str, Any]) -> Response:
    return Response(orjson.dumps(content), media_type="application/json")
