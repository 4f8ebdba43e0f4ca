"""The REST handlers under ``jupyter-mlops/api/``: authenticated, authorised, JSON in and out."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from functools import wraps
from http.client import responses
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from jupyter_server.extension.handler import ExtensionHandlerMixin
from jupyter_server.services.contents.fileio import FileManagerMixin
from pydantic import ValidationError
from tornado import web

from .. import __version__
from ..errors import MlopsError, Place
from ..models import (
    ErrorMessage,
    Message,
    PipelineRequest,
    PromotionAccepted,
    PromotionRequest,
    PromotionsView,
    StatusView,
)
from ..project import Project
from .pipeline_view import pipeline_view
from .promotions import Promotions
from .suggestions_view import suggestions_view

RESOURCE = "jupyter-mlops"
"""The name that a Jupyter authorizer is asked for; actions: read, execute."""

_STATUS = {
    "notebook.missing": 404,
    "promotion.unknown": 404,
    "promotion.running": 409,
    "sweep.no-notebook": 404,
    "sweep.running": 409,
    "sweep.unknown": 404,
    "project.busy": 409,
    "request.path": 400,
    "request.form": 400,
    "server.no-files": 501,
}
_Request = TypeVar("_Request", bound=Message)
_Handler = TypeVar("_Handler", bound="MlopsHandler")
_P = ParamSpec("_P")
_Method = Callable[Concatenate[_Handler, _P], Awaitable[None]]


def guarded(action: str) -> Callable[[_Method[_Handler, _P]], _Method[_Handler, _P]]:
    """Let only authenticated users pass whom the authorizer allows ``action`` on `RESOURCE`.

    An `MlopsError` is answered as its JSON, with the fitting 4xx status.
    """

    def guard(method: _Method[_Handler, _P]) -> _Method[_Handler, _P]:
        @wraps(method)
        async def explained(self: _Handler, /, *args: _P.args, **kwargs: _P.kwargs) -> None:
            try:
                await method(self, *args, **kwargs)
            except MlopsError as error:
                status = _STATUS.get(error.code, 422)
                self.answer(ErrorMessage.model_validate(error.to_dict()), status)

        checked = web.authenticated(authorized(action=action, resource=RESOURCE)(explained))
        return cast("_Method[_Handler, _P]", checked)

    return guard


class MlopsHandler(ExtensionHandlerMixin, APIHandler):
    """What our handlers share: messages in, messages out, paths that stay below the root."""

    auth_resource = RESOURCE

    @property
    def promotions(self) -> Promotions:
        found: Promotions = self.settings["jupyter_mlops_promotions"]
        return found

    def answer(self, message: Message, status: int = 200) -> None:
        self.set_status(status)
        self.set_header("Content-Type", "application/json")
        self.set_header("Cache-Control", "no-store")
        self.finish(message.model_dump_json())

    def ask(self, kind: type[_Request]) -> _Request:
        """Return the request's body as a message; raises ``request.form``."""
        try:
            return kind.model_validate_json(self.request.body)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "body"
            raise MlopsError(
                "request.form",
                f"The request's {where} is wrong: {first['msg']}.",
                hint="reload the page; the sidebar and the server may be of different versions.",
            ) from None

    def notebook_file(self, path: str) -> Path:
        """Return the file that the contents API calls ``path``.

        Raises `MlopsError` ``request.path`` where that is not below the server's root, and
        ``server.no-files`` where the server's contents are no files.
        """
        contents = self.contents_manager
        if not isinstance(contents, FileManagerMixin):
            raise MlopsError(
                "server.no-files",
                "This Jupyter server keeps its notebooks elsewhere than in files.",
                hint="use the `jupyter mlops` command where the notebook is a file.",
            )
        root = os.path.abspath(contents.root_dir)
        # As the contents API does: links below the root may lead out of it, `..` may not.
        file = os.path.abspath(os.path.join(root, path.strip("/")))
        inside = os.path.commonpath([root, file]) == root and file != root
        if not path or "\0" in path or "\\" in path or not inside:
            raise MlopsError(
                "request.path",
                "The path is not below the server's root folder.",
                hint="give a notebook's path as the file browser shows it.",
                place=Place(path.replace("\0", "")),
            )
        return Path(file)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Answer every other failure as JSON too; the log has the details."""
        error = (kwargs.get("exc_info") or (None, None, None))[1]
        if isinstance(error, web.HTTPError):
            message = error.log_message or error.reason or responses.get(status_code, "")
            body = ErrorMessage(code=f"http.{status_code}", message=message)
        else:
            body = ErrorMessage(
                code="server.unexpected",
                message="The server met an error of its own.",
                hint="see the Jupyter server's log for the details.",
            )
        self.answer(body, status_code)


class StatusHandler(MlopsHandler):
    @guarded("read")
    async def get(self) -> None:
        """Say which version answers and whether a Docker engine seems to be there."""
        self.answer(StatusView(version=__version__, engine=_engine_is_likely()))


class PipelineHandler(MlopsHandler):
    """What a notebook means: GET for the file, POST for the content of an editor."""

    @guarded("read")
    async def get(self) -> None:
        await self._compile(self.get_query_argument("path", ""), None)

    @guarded("read")
    async def post(self) -> None:
        request = self.ask(PipelineRequest)
        await self._compile(request.path, request.content)

    async def _compile(self, path: str, content: dict[str, Any] | None) -> None:
        file = self.notebook_file(path)
        name = path.strip("/")
        self.answer(await asyncio.to_thread(pipeline_view, file, name, content))


class SuggestionsHandler(MlopsHandler):
    @guarded("read")
    async def post(self) -> None:
        """Suggest tags for a notebook as it is in the editor; nothing is written."""
        request = self.ask(PipelineRequest)
        file = self.notebook_file(request.path)
        name = request.path.strip("/")
        self.answer(await asyncio.to_thread(suggestions_view, file, name, request.content))


class PromotionsHandler(MlopsHandler):
    @guarded("read")
    async def get(self) -> None:
        """List the promotions, of one notebook with ``?path=``."""
        path = self.get_query_argument("path", None)
        found = self.promotions.list(path.strip("/") if path else None)
        self.answer(PromotionsView(promotions=[promotion.view() for promotion in found]))

    @guarded("execute")
    async def post(self) -> None:
        """Start a promotion and answer 202 with its id."""
        path = self.ask(PromotionRequest).path
        file = self.notebook_file(path)
        if not file.is_file():
            raise MlopsError(
                "notebook.missing",
                "There is no such notebook.",
                hint="save it first.",
                place=Place(path),
            )
        promotion = await self.promotions.start(file, path.strip("/"), Project.find(file).root)
        self.answer(PromotionAccepted(id=promotion.id), 202)


class PromotionHandler(MlopsHandler):
    @guarded("read")
    async def get(self, id: str) -> None:
        """Tell how a promotion stands."""
        self.answer(self.promotions.get(id).view())

    @guarded("execute")
    async def delete(self, id: str) -> None:
        """Cancel a promotion and answer with how it ended."""
        promotion = self.promotions.get(id)
        await promotion.cancel()
        self.answer(promotion.view())


class UnknownHandler(MlopsHandler):
    """Any other address below ours is a 404 in JSON."""

    @guarded("read")
    async def get(self) -> None:
        raise web.HTTPError(404, "There is nothing at this address.")

    post = put = patch = delete = get


ROUTES: list[tuple[str, type[MlopsHandler]]] = [
    (r"/jupyter-mlops/api/status", StatusHandler),
    (r"/jupyter-mlops/api/pipeline", PipelineHandler),
    (r"/jupyter-mlops/api/suggestions", SuggestionsHandler),
    (r"/jupyter-mlops/api/promotions", PromotionsHandler),
    (r"/jupyter-mlops/api/promotions/([0-9a-f]{32})", PromotionHandler),
    (r"/jupyter-mlops/api/.*", UnknownHandler),
]


def _engine_is_likely() -> bool:
    # a look, not a call: status must be cheap, and promotion itself asks the engine
    address = os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock"
    if address.startswith("unix://"):
        return os.access(address.removeprefix("unix://"), os.W_OK)
    return True
