"""Write the sidebar's ``labextension/src/messages.ts`` from the server's pydantic models.

``--check`` writes nothing and fails where the file is not what the models say.
Needs ``npm ci`` in ``labextension/`` and the package importable.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from pydantic.json_schema import models_json_schema

from jupyter_mlops.models import MESSAGES

FOLDER = Path(__file__).resolve().parents[1] / "labextension"
TARGET = FOLDER / "src" / "messages.ts"


def schema() -> dict[str, Any]:
    """Return one JSON Schema whose definitions are the messages and their parts."""
    _, found = models_json_schema(
        [(message, "serialization") for message in MESSAGES], title="Messages"
    )
    definitions: dict[str, Any] = found["$defs"]
    # what is of any JSON type would become a recursive type that TypeScript users must unpack
    definitions.pop("JsonValue", None)
    for name, definition in definitions.items():
        definitions[name] = _without_titles(definition) | {"title": name}
    return {
        "title": "Messages",
        "type": "object",
        "additionalProperties": False,
        "properties": {m.__name__: {"$ref": f"#/$defs/{m.__name__}"} for m in MESSAGES},
        "$defs": definitions,
    }


def _without_titles(node: Any) -> Any:
    """Drop the per-field titles, each of which would become a type of its own."""
    if isinstance(node, list):
        return [_without_titles(item) for item in node]
    if not isinstance(node, dict):
        return node
    if node.get("$ref") == "#/$defs/JsonValue":
        return {}
    return {
        key: {name: _without_titles(field) for name, field in value.items()}
        if key == "properties"
        else _without_titles(value)
        for key, value in node.items()
        if key != "title"
    }


def typescript() -> str:
    """Return the text of ``messages.ts``."""
    done = subprocess.run(
        ["node", "types.mjs"],
        cwd=FOLDER,
        input=json.dumps(schema()),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        sys.exit(f"types.mjs failed (is `npm ci` done?):\n{done.stderr}")
    return done.stdout


def main() -> None:
    text = typescript()
    if "--check" not in sys.argv[1:]:
        TARGET.write_text(text, encoding="utf-8")
    elif not TARGET.exists() or TARGET.read_text(encoding="utf-8") != text:
        sys.exit(f"{TARGET} is not what the models say: run {Path(__file__).name}")


if __name__ == "__main__":
    main()
