"""Names of runs."""

from __future__ import annotations

import re
import secrets
import time


def run_slug(notebook: str) -> str:
    """Return what the names of a notebook's runs begin with."""
    stem = notebook.rpartition("/")[2].removesuffix(".ipynb").strip("<>")
    slug = re.sub(r"[^\w.-]+", "-", stem).strip("-.") or "notebook"
    return slug[:80]


def new_run_name(notebook: str) -> str:
    """Return a fresh name ``<stem>-<YYYYMMDD-HHMMSS>-<4 hex>``, safe as a folder's name."""
    return f"{run_slug(notebook)}-{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}"
