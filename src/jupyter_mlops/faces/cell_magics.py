"""``%%mlops``: first lines that tag their cell, which runs as if they were comments; and notes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import MlopsError
from ..notebook.cell_magic import VERBS, declared_tags, is_declaration, without_declaration
from .kernel_verbs import Here, call

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from .views import View


def register(shell: InteractiveShell) -> None:
    """Make ``%%mlops`` known to the shell."""

    def mlops(line: str, cell: str) -> View | None:
        verb, _, rest = line.strip().partition(" ")
        if verb in VERBS:
            text = "\n".join(part for part in (rest.strip(), cell.strip()) if part)
            return call(verb, ["--", text], Here(shell, shell.user_ns))
        declared_tags(f"%%mlops {line}")
        # Reached where other code than a cell's first line calls the magic.
        raise MlopsError(
            "cell.magic",
            f"`%%mlops {line}` does not stand in the first line of its cell.",
            hint="move it to the top of the cell, above other cell magics.",
        )

    shell.register_magic_function(mlops, "cell", "mlops")  # type: ignore[arg-type]
    transforms: list[Any] = shell.input_transformers_cleanup
    if _as_comment not in transforms:
        transforms.append(_as_comment)


def _as_comment(lines: list[str]) -> list[str]:
    """Turn the line that declares a cell's tags into a comment; a wrong one is left to the magic.

    So the cell is compiled, run and displayed by IPython as any other, with its own line numbers.
    """
    source = "".join(lines)
    if not lines or not lines[0].lstrip().startswith("%%mlops") or not is_declaration(source):
        return lines
    try:
        declared_tags(source)
    except MlopsError:
        return lines
    return without_declaration(source).splitlines(keepends=True)


# IPython then leaves it out where it only asks whether the lines typed so far are a whole cell: one
# that begins with `%%` is not before an empty line.
_as_comment.has_side_effects = True  # type: ignore[attr-defined]
