import json

from jupyter_mlops.faces.views import Table, View


def test_a_view_is_the_same_after_json() -> None:
    table = Table("runs", ("run", "mae"), [["a", 1.5], ["bbb", None]])
    view = View(["two runs"], [table], {"n": 2})
    again = View.from_dict(json.loads(json.dumps(view.to_dict())))
    assert again.text() == view.text()
    assert again._repr_html_() == view._repr_html_()


def test_text_is_aligned_and_html_is_escaped() -> None:
    view = View(tables=[Table("", ("name", "value"), [["<b>", 1.23456], ["longer", 10]])])
    assert view.text().splitlines() == ["name    value", "<b>     1.235", "longer     10"]
    assert "&lt;b&gt;" in view._repr_html_()


def test_code_keeps_its_indents() -> None:
    html = View(["said:", "    if a < b:", "        return"])._repr_html_()
    assert "<div>said:</div><pre>if a &lt; b:</pre><pre>    return</pre>" in html


def test_numbers_and_their_headings_stand_right() -> None:
    html = View(tables=[Table("", ("name", "value"), [["a", 1.5], ["b", 2]])])._repr_html_()
    assert '<th>name</th><th class="number">value</th>' in html
    assert '<td>a</td><td class="number">1.5</td>' in html
