"""Ask an endpoint for predictions: the client for the command line and for tests."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from collections.abc import Sequence
from typing import Any

from ..errors import MlopsError
from ..project import Project
from . import records


def ask(
    endpoint: str,
    rows: Sequence[dict[str, Any]],
    project: Project | None = None,
    *,
    timeout: float = 60.0,
) -> dict[str, Any]:
    """Return an endpoint's answer to rows, as ``/predict`` gives it.

    It holds ``predictions``, ``release``, ``request_id`` and ``warnings``. ``MLOPS_API_KEY`` is
    sent where it is set.

    Raises
    ------
    MlopsError
        ``deploy.unknown``, ``deploy.down`` where nothing answers, or the server's own error, such
        as ``contract.invalid``.
    """
    project = project or Project.find()
    found = records.find(project, endpoint)
    request = urllib.request.Request(
        f"{found.url}/predict",
        data=json.dumps({"rows": list(rows)}).encode(),
        headers={"content-type": "application/json"},
        method="POST",
    )
    if key := os.environ.get("MLOPS_API_KEY"):
        request.add_header("authorization", f"Bearer {key}")
    # The server is on this machine; a proxy is not on the way.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=timeout) as response:
            answer: dict[str, Any] = json.loads(response.read())
            return answer
    except urllib.error.HTTPError as error:
        with error:
            raise _told(endpoint, error.code, error.read()) from None
    except OSError as error:
        reason = getattr(error, "reason", error)
        raise MlopsError(
            "deploy.down",
            f"The endpoint {endpoint} does not answer at {found.url}: {reason}.",
            hint=f"start it again: `jupyter mlops serve {found.release} --endpoint {endpoint}`.",
        ) from None


def _told(endpoint: str, status: int, body: bytes) -> MlopsError:
    try:
        told = json.loads(body)["error"]
        return MlopsError(told["code"], told["message"], hint=told["hint"])
    except (ValueError, KeyError, TypeError):
        return MlopsError(
            "deploy.down",
            f"What answers for the endpoint {endpoint} is no server of ours: HTTP {status}.",
            hint="deploy the endpoint again.",
        )
