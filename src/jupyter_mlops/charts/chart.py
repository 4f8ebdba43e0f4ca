"""A chart: its specification in Vega-Lite, and the text that stands for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

VEGA_LITE = "application/vnd.vegalite.v5+json"
_SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"

LOOSE = {"zero": False, "nice": True}
"""A scale for values whose distance from zero tells nothing."""
COLOURS = {"range": ["#3b82c4", "#f0883e"], "interpolate": "hcl-long"}
"""Both ends are easily seen on white and on black."""
GREY = "#808080"


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart in Vega-Lite; ``text`` is what stands for it where that is not drawn."""

    title: str
    spec: dict[str, Any]
    text: str

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        # JupyterLab draws HTML rather than a chart where it is given both.
        return {VEGA_LITE: self.spec, "text/plain": f"{self.title}\n{self.text}"}


def spec(title: str, **content: Any) -> dict[str, Any]:
    """Return a specification in Vega-Lite 5.

    The front end's theme colours the text; a background of our own would not follow it.
    """
    config = {"background": "transparent", "view": {"stroke": None}}
    return {"$schema": _SCHEMA, "title": title, "config": config, **content}
