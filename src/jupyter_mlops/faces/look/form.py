"""A form made from the parameters cell: it starts a rerun with what was chosen."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import escape
from pathlib import Path
from typing import Any

from ...errors import MlopsError
from ...notebook import moments
from ...notebook.document import read
from ...notebook.parameters import Parameter, check_parameters, read_parameters
from ..views import Table, View

Start = Callable[[list[str], Callable[[str], None], threading.Event], View | None]
"""Runs a verb's words, tells its progress line by line, and ends it once the event is set."""


def show(path: Path, start: Start) -> View | None:
    """Show the form of a notebook's parameters; a table with the command where widgets are missing.

    Raises `MlopsError` ``form.no-parameters``, and as reading the notebook and its parameters does.
    """
    notebook = read(path)
    parameters = read_parameters(notebook, computed=True)
    if not parameters:
        raise MlopsError(
            "form.no-parameters",
            "The notebook has no parameters.",
            hint="tag a cell of plain assignments, such as `depth = 6  # 1..20`, `parameters`.",
            place=notebook.place(),
        )
    try:
        import ipywidgets  # noqa: F401
    except ImportError:
        return _table(path, parameters)
    from IPython.display import display

    display(Form(path, parameters, start).widget)  # type: ignore[no-untyped-call]
    return None


class Form:
    """The widgets of one form. ``widget`` is what to display."""

    def __init__(self, path: Path, parameters: tuple[Parameter, ...], start: Start) -> None:
        import ipywidgets as w

        self._path = path
        self._start = start
        self._over = threading.Event()
        self.fields = {each.name: _field(each) for each in parameters}
        self._defaults = {name: field.value for name, field in self.fields.items()}
        self.rerun = w.Button(description="Rerun", button_style="primary", icon="play")
        self.stop = w.Button(description="Stop", icon="stop", disabled=True)
        self.reset = w.Button(description="Defaults", icon="undo")
        self.told = w.HTML()
        self.rerun.on_click(lambda _: self._begin())
        self.stop.on_click(lambda _: self._over.set())
        self.reset.on_click(lambda _: self._reset())
        rows = [
            w.HBox([self.fields[each.name], w.HTML(_help(each))], layout=w.Layout(flex_flow="wrap"))
            for each in parameters
        ]
        title = w.HTML(f"<b>{escape(path.name)}</b>")
        buttons = w.HBox([self.rerun, self.stop, self.reset])
        self.widget = w.VBox([title, *rows, buttons, self.told], layout=w.Layout(max_width="720px"))

    def words(self) -> list[str]:
        """Return the command's words for what differs from the defaults.

        Raises `MlopsError` as `check_parameters` does.
        """
        notebook = read(self._path)
        given = {
            name: str(field.value)
            for name, field in self.fields.items()
            if field.value != self._defaults[name]
        }
        check_parameters(notebook, read_parameters(notebook, computed=True), given)
        words = [word for name, value in given.items() for word in ("-p", f"{name}={value}")]
        return ["rerun", str(self._path), *words]

    def _reset(self) -> None:
        for name, field in self.fields.items():
            field.value = self._defaults[name]

    def _begin(self) -> None:
        try:
            words = self.words()
        except MlopsError as error:
            self._tell_error(error)
            return
        self._over = threading.Event()
        threading.Thread(target=self._run, args=(words,), name="mlops-rerun", daemon=True).start()

    def _run(self, words: list[str]) -> None:
        lines: list[str] = []

        def tell(line: str) -> None:
            lines.append(line)
            self.told.value = f"<pre>{escape(chr(10).join(lines[-6:]))}</pre>"

        with self._running():
            try:
                view = self._start(words, tell, self._over)
            except MlopsError as error:
                self._tell_error(error)
                return
            self.told.value = view._repr_html_() if view is not None else "stopped"

    @contextmanager
    def _running(self) -> Iterator[None]:
        self.rerun.disabled, self.stop.disabled = True, False
        self.told.value = "starting…"
        try:
            yield
        finally:
            self.rerun.disabled, self.stop.disabled = False, True

    def _tell_error(self, error: MlopsError) -> None:
        words = escape(str(error))
        self.told.value = f'<span style="color:var(--jp-error-color1,#c62828)">{words}</span>'


def _field(parameter: Parameter) -> Any:
    """Return the widget that fits a parameter: a choice, a slider, a box to tick or a line."""
    import ipywidgets as w

    common = {
        "description": parameter.name,
        "style": {"description_width": "130px"},
        "layout": w.Layout(width="430px"),
    }
    limits, default = parameter.limits, parameter.default
    if limits.choices:
        choices = list(limits.choices)
        if (parameter.optional or default is None) and None not in choices:
            choices.append(None)
        listed = [(str(choice), choice) for choice in choices]
        return w.Dropdown(options=listed, value=default if default in choices else None, **common)
    if parameter.type == "bool" and default is not None:
        return w.Checkbox(value=default, **common, indent=True)
    numeric = parameter.type in ("int", "float") and default is not None
    if numeric and limits.low is not None and limits.high is not None:
        return _slider(parameter, common)
    if numeric and parameter.type == "int":
        return w.IntText(value=default, **common)
    if numeric:
        return w.FloatText(value=default, **common)
    if parameter.computed:
        return w.Text(value="", placeholder=parameter.computed, **common)
    shown = moments.plain(default)
    return w.Text(value=shown if isinstance(shown, str) else repr(default), **common)


def _slider(parameter: Parameter, common: dict[str, Any]) -> Any:
    import ipywidgets as w

    limits = parameter.limits
    low, high = float(limits.low or 0), float(limits.high or 0)
    if parameter.type == "int":
        first, last = int(low) + limits.above, int(high) - limits.below
        return w.IntSlider(value=parameter.default, min=first, max=last, **common)
    step = (high - low) / 100
    return w.FloatSlider(
        value=parameter.default, min=low, max=high, step=step, readout_format=".4g", **common
    )


def _help(parameter: Parameter) -> str:
    # The comment that states the limits says them in the author's own words.
    words = parameter.help or ("" if parameter.limits.choices else str(parameter.limits))
    shade = "color-mix(in srgb,currentColor 62%,transparent)"
    return f'<span style="color:{shade};font-size:12px">{escape(words)}</span>'


def _table(path: Path, parameters: tuple[Parameter, ...]) -> View:
    rows: list[list[Any]] = [
        [
            each.name,
            each.computed or repr(moments.plain(each.default)),
            each.type,
            str(each.limits),
            each.help,
        ]
        for each in parameters
    ]
    first = parameters[0]
    return View(
        [
            f"Run it again with `%mlops rerun {path.name} -p {first.name}={first.default}`.",
            "For a form with sliders: `pip install ipywidgets`, then restart the kernel.",
        ],
        [Table("Parameters", ("name", "default", "type", "allowed", "help"), rows)],
    )
