"""``python -m jupyter_mlops.serving``: serve a release folder.

The environment variable ``MLOPS_API_KEY`` sets the key that clients must send.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import MlopsError


def main(arguments: Sequence[str] | None = None) -> int:
    """Load, self-test, listen, serve; return the exit code."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(
        level=logging.INFO,
        stream=sys.stderr,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    # Until there is a server to end gracefully, a signal ends the process.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        _serve(options)
    except MlopsError as error:
        logging.getLogger("jupyter_mlops.serving").error("%s: %s", error.code, error)
        _tell(options, {"event": "error", "error": error.to_dict()})
        return 1
    return 0


def _serve(options: argparse.Namespace) -> None:
    from . import listening
    from .app import make_app
    from .limits import Limits
    from .prediction_log import PredictionLog
    from .predictor import Predictor
    from .server import Server
    from .service import Service

    taken = listening.take_over(options.take_over) if options.take_over else None
    predictor = Predictor.load(options.release)
    log = None
    if options.log is not None:
        log = PredictionLog(options.log, sync=options.sync)
        log.open()
    endpoint = options.endpoint or predictor.name
    limits = Limits(options.max_body, options.max_rows, options.threads)
    service = Service(predictor, endpoint, log, limits)
    app = make_app(service, api_key=os.environ.get("MLOPS_API_KEY"))
    # Only a release that has answered its own examples gets a port or accepts on a taken one.
    listener = taken or listening.listen(options.host, options.port)
    ready = {
        "event": "ready",
        "url": listening.url_of(listener),
        "endpoint": endpoint,
        "release": predictor.ref,
        "pid": os.getpid(),
    }
    Server(app, listener, options.control).serve_until_told(lambda: _tell(options, ready))
    if log is not None:
        log.close()


def _tell(options: argparse.Namespace, event: dict[str, Any]) -> None:
    """Print one JSON line, and write it to ``--ready-file`` all at once."""
    line = json.dumps(event)
    print(line, flush=True)
    if options.ready_file is not None:
        draft = options.ready_file.with_suffix(".new")
        draft.write_text(line + "\n", encoding="utf-8")
        os.replace(draft, options.ready_file)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m jupyter_mlops.serving", description=__doc__)

    def option(name: str, help: str, **rest: Any) -> None:
        parser.add_argument(f"--{name}", help=help, **rest)

    option("release", "folder of the release", type=Path, required=True)
    option("endpoint", "name of the endpoint; default: the release's name")
    option("host", "address to listen on", default="127.0.0.1")
    option("port", "port to listen on; 0 takes a free one", type=int, default=8080)
    option("log", "folder for the prediction log; default: none is kept", type=Path)
    option("max-body", "most bytes of one request", type=int, default=16 * 1024 * 1024)
    option("max-rows", "most rows of one request", type=int, default=10_000)
    option("threads", "how many predictions run at a time", type=int, default=1)
    option("ready-file", "file that gets the JSON line too", type=Path)
    option("control", "path where a successor may ask for the listening socket", type=Path)
    option("take-over", "path where the running server offers its listening socket", type=Path)
    parser.add_argument(
        "--sync", action="store_true", help="write each log line to the disk before answering"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
