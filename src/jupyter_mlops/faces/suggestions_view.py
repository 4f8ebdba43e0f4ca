"""Suggested tags as the sidebar's message."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..models import PlaceMessage, SuggestedTagView, SuggestionsView
from ..notebook.document import parse


def suggestions_view(path: Path, name: str, content: dict[str, Any]) -> SuggestionsView:
    """Suggest tags for a notebook as it is in an editor.

    Raises `MlopsError` as reading and suggesting do. Nothing is run or written.
    """
    from ..pipeline.suggestion import suggest

    notebook = parse(json.dumps(content), path=path, name=name)
    return SuggestionsView(
        notebook=name,
        tags=[
            SuggestedTagView(
                cell=PlaceMessage.model_validate(notebook.place(each.cell).to_dict()),
                tag=each.tag,
                reason=each.reason,
            )
            for each in suggest(notebook)
        ],
    )
