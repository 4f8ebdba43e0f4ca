"""The parameters cell is read without running it, and given values are checked against it."""

from __future__ import annotations

from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlops.errors import MlopsError
from jupyter_mlops.notebook.parameter_schema import schema
from jupyter_mlops.notebook.parameters import (
    Parameter,
    check_parameters,
    parameters_cell,
    read_parameters,
)
from tests.programs import notebook


def read(source: str) -> tuple[Parameter, ...]:
    return read_parameters(notebook(("parameters", source)))


def check(source: str, **given_values: Any) -> dict[str, Any]:
    book = notebook(("parameters", source))
    return check_parameters(book, read_parameters(book), given_values)


@pytest.mark.parametrize(
    ("source", "default", "kind", "optional"),
    [
        ("x = 6", 6, "int", False),
        ("x = -6", -6, "int", False),
        ("x = -1.5e3", -1500.0, "float", False),
        ("x = 10**3", 1000, "int", False),
        ("x = 24 * 60 - 1", 1439, "int", False),
        ("x = [1 / 4, -(2**3)]", [0.25, -8], "list", False),
        ("x: float = 1", 1, "float", False),
        ("x = True", True, "bool", False),
        ("x = None", None, "any", True),
        ("x: int | None = None", None, "int", True),
        ("x: Optional[str] = None", None, "str", True),
        ("x: 'int' = 3", 3, "int", False),
        ("x = 'it\\'s \"so\"'", 'it\'s "so"', "str", False),
        ("x = '''a\nb'''", "a\nb", "str", False),
        ("x = [1, -2, 'c']", [1, -2, "c"], "list", False),
        ("x = (1, 2)", (1, 2), "tuple", False),
        ("x = {'a': [1], 'b': None}", {"a": [1], "b": None}, "dict", False),
        ("x: list[int] = [1]", [1], "list", False),
        ("x: Path = 'a'", "a", "path", False),
        ("x = {1, 2}", {1, 2}, "set", False),
        ("x: set[int] = set()", set(), "set", False),
        ("x: list[int | str] | None = None", None, "list", True),
        ("x: Union[int, str] = 3", 3, "any", False),
        ("x = Path('a') / 'b.csv'", Path("a/b.csv"), "path", False),
    ],
)
def test_plain_assignments(source: str, default: Any, kind: str, optional: bool) -> None:
    (parameter,) = read(source)
    assert (parameter.default, parameter.type, parameter.optional) == (default, kind, optional)
    assert type(parameter.default) is type(default)


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
))  # fmt: skip
def test_every_plain_value_is_read_as_it_is(value: Any) -> None:
    (parameter,) = read(f"x = {value!r}")
    assert repr(parameter.default) == repr(value)


def test_comments_lines_and_order() -> None:
    found = read("'''About.'''\n# first\nb: int = 1  # how much of it\n\na = 2\nA = 3\nb = 4")
    assert [(p.name, p.default, p.help, p.line) for p in found] == [
        ("b", 4, "", 7),
        ("a", 2, "", 5),
        ("A", 3, "", 6),
    ]


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("x = 1\ny = x + 1", 2),
        ("import os", 1),
        ("x, y = 1, 2", 1),
        ("x = 1\nprint(x)", 2),
        ("x: int", 1),
        ("x = 1\n%time y = 2", 2),
        ("x = f'{1}'", 1),
        ("x = 1 / 0", 1),
        ("x = 10**10**10", 1),
        ("x = 1e308 * 10", 1),
        ("x = 'ab' * 3", 1),
    ],
)
def test_more_than_plain_assignments_is_refused(source: str, line: int) -> None:
    with pytest.raises(MlopsError) as caught:
        read(source)
    assert caught.value.code == "parameters.not-plain"
    assert caught.value.place is not None
    assert caught.value.place.line == line


def test_one_cell_has_the_parameters() -> None:
    assert read_parameters(notebook(("step:a", "x = 1"))) == ()
    assert parameters_cell(notebook(("step:a", "x = 1"))) is None
    assert [p.name for p in read_parameters(notebook(("pipeline-parameters", "x = 1")))] == ["x"]
    with pytest.raises(MlopsError) as caught:
        read_parameters(notebook(("parameters", "x = 1"), ("pipeline-parameters", "y = 1")))
    assert caught.value.code == "parameters.two-cells"


@pytest.mark.parametrize(
    ("source", "given_value", "taken"),
    [
        ("x = 1", 5, 5),
        ("x = 1", "5", 5),
        ("x = 1", "-5", -5),
        ("x = 1.0", 5, 5.0),
        ("x = 1.0", "2.5", 2.5),
        ("x = 'a'", "5", "5"),
        ("x = 'a'", "it's", "it's"),
        ("x = True", "false", False),
        ("x = [1]", "[2, 3]", [2, 3]),
        ("x = (1, 2)", [3, 4], (3, 4)),
        ("x = {'a': 1}", "{'b': 2}", {"b": 2}),
        ("x: int | None = 3", "none", None),
        ("x: int | None = 3", None, None),
        ("x = None", "5", 5),
        ("x = None", "word", "word"),
    ],
)
def test_given_values_are_taken_as_the_parameter_s_type(
    source: str, given_value: Any, taken: Any
) -> None:
    found = check(source, x=given_value)["x"]
    assert found == taken
    assert type(found) is type(taken)


@pytest.mark.parametrize(
    ("source", "given_value"),
    [
        ("x = 1", "many"),
        ("x = 1", 1.5),
        ("x = 1", True),
        ("x = 1", None),
        ("x = 'a'", 5),
        ("x = True", 1),
        ("x = [1]", "(1, 2)"),
        ("x = {}", "[]"),
    ],
)
def test_values_of_another_type_are_refused(source: str, given_value: Any) -> None:
    with pytest.raises(MlopsError) as caught:
        check(source, x=given_value)
    assert caught.value.code == "parameters.type"
    assert "`x`" in caught.value.message
    assert caught.value.place is not None
    assert caught.value.place.line == 1


@pytest.mark.parametrize(
    ("source", "given_value", "taken"),
    [
        ("x = date(2013, 1, 1)", "2014-02-03", date(2014, 2, 3)),
        ("x = dt.date.fromisoformat('2013-01-01')", date(2014, 2, 3), date(2014, 2, 3)),
        ("x: date | None = None", "2014-02-03", date(2014, 2, 3)),
        ("x: date | None = date(2013, 1, 1)", "none", None),
        ("x = datetime(2013, 1, 1, 5)", "2014-02-03 06:30", datetime(2014, 2, 3, 6, 30)),
        ("x: datetime = datetime(2013, 1, 1)", date(2014, 2, 3), datetime(2014, 2, 3)),
        ("x = time(12, 30)", "06:30", time(6, 30)),
        ("x = Path('a', 'b.csv')", "c.csv", Path("c.csv")),
        ("x: date = '2013-01-01'", "2014-02-03", "2014-02-03"),
        ("x: date = '2013-01-01'", date(2014, 2, 3), "2014-02-03"),
        ("x: Path = 'a'", Path("b"), "b"),
        # What YAML makes of a date that the notebook wants as text.
        ("x = '2013-01-01'", date(2014, 2, 3), "2014-02-03"),
        ("x = 1.5", "inf", float("inf")),
    ],
)
def test_dates_times_and_paths(source: str, given_value: Any, taken: Any) -> None:
    found = check(source, x=given_value)["x"]
    assert found == taken
    assert type(found) is type(taken)


@pytest.mark.parametrize(
    ("source", "given_value"),
    [
        ("x = date(2013, 1, 1)", "2014-02-30"),
        ("x = date(2013, 1, 1)", datetime(2013, 1, 1)),
        ("x = date(2013, 1, 1)", None),
        ("x: date = '2013-01-01'", "soon"),
        ("x = datetime(2013, 1, 1)", 5),
        ("x = Path('a')", ""),
    ],
)
def test_what_is_no_date_is_refused_with_an_example(source: str, given_value: Any) -> None:
    with pytest.raises(MlopsError) as caught:
        check(source, x=given_value)
    assert caught.value.code == "parameters.type"
    assert "write for example" in caught.value.hint


@pytest.mark.parametrize(
    ("annotation", "allowed", "refused"),
    [
        ("list[int]", [("[1, 2]", [1, 2]), ("[]", [])], ["['a']", "[1.5]", "[True]", "5"]),
        ("list[float]", [([1, 2.5], [1.0, 2.5])], [["a"], [None]]),
        ("List[str] | None", [(["a"], ["a"]), ("none", None)], [[1]]),
        ("tuple[int, str]", [([1, "a"], (1, "a"))], [[1], [1, 2], ["a", 1]]),
        ("tuple[int, ...]", [("1, 2, 3", (1, 2, 3))], [["a"]]),
        ("set[int]", [([1, 1, 2], {1, 2}), ("{3}", {3})], [["a"], "3"]),
        ("dict[str, int]", [("{'a': 1}", {"a": 1})], [{"a": "b"}, {1: 1}]),
        ("dict[int, list[str]]", [({"1": ["a"]}, {1: ["a"]})], [{"a": []}, {"1": [1]}]),
        ("list[date]", [(["2013-01-31"], [date(2013, 1, 31)])], [["soon"]]),
        ("list[list[int]]", [([[1], []], [[1], []])], [[1], [["a"]]]),
        ("int | str", [("3", 3), ("[1]", "[1]"), ("a", "a")], [1.5, [1]]),
        ("Union[int, list[int], None]", [("[1]", [1]), ("none", None)], ["a", ["a"], 1.5]),
        ("Literal['auto'] | int", [("auto", "auto"), ("3", 3)], ["car", 1.5]),
        ("Annotated[list[int], 'sizes']", [([1], [1])], [["a"]]),
    ],
)
def test_what_is_inside_is_checked(
    annotation: str, allowed: list[tuple[Any, Any]], refused: list[Any]
) -> None:
    for value, taken in allowed:
        found = check(f"x: {annotation} = None", x=value)["x"]
        assert (found, repr(found)) == (taken, repr(taken))
    for value in refused:
        with pytest.raises(MlopsError, match="`x` wants") as caught:
            check(f"x: {annotation} = None", x=value)
        assert caught.value.code == "parameters.type"


def test_an_annotation_that_its_own_default_belies_refuses_nothing() -> None:
    assert check("x: list[int] = ['a']", x=["b"]) == {"x": ["b"]}


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(MlopsError) as caught:
        check("depth = 1  # 1..20\nrate = 0.1", depth=30, rte=0.2, rate="fast")
    assert caught.value.code == "parameters.wrong"
    assert "3 parameters are wrong" in caught.value.message
    assert all(f"`{name}`" in caught.value.message for name in ("depth", "rte", "rate"))
    with pytest.raises(MlopsError) as alike:
        check("depth = 1", a=1, b=2)
    assert alike.value.code == "parameters.unknown"


def test_secrets_are_known_by_name_or_comment() -> None:
    found = read(
        "password = ''\napi_key: str | None = None\ndsn = ''  # secret: the database\n"
        "max_token = 5\nkey = 'a'\nsize = 3  # secret of good models\nsecret = None"
    )
    assert [each.name for each in found if each.secret] == ["password", "api_key", "dsn", "secret"]


def test_secrets_are_given_by_reference_only(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("THE_PASSWORD", "hunter2")
    (tmp_path / "pw").write_text("open sesame\n")
    assert check("password = ''", password="env:THE_PASSWORD") == {"password": "env:THE_PASSWORD"}
    assert check("password = ''", password="file:pw") == {"password": f"file:{tmp_path / 'pw'}"}
    assert check("password: str | None = ''", password=None) == {"password": None}
    for value, words in [
        ("hunter2", "as a reference"),
        ("env:NO_SUCH_ONE", "NO_SUCH_ONE is not set"),
        ("file:nothing", "No such file"),
        (12345, "as a reference"),
    ]:
        with pytest.raises(MlopsError, match=words) as caught:
            check("password = ''", password=value)
        assert caught.value.code == "parameters.secret"
        assert "hunter2" not in str(caught.value)
        assert "12345" not in str(caught.value)


def test_unknown_names_are_refused_with_a_guess() -> None:
    with pytest.raises(MlopsError, match="no parameter `deth`") as caught:
        check("depth = 1", deth=2)
    assert caught.value.code == "parameters.unknown"
    assert "did you mean `depth`?" in caught.value.hint
    with pytest.raises(MlopsError) as caught:
        check_parameters(notebook(("step:a", "1")), (), {"x": 1})
    assert "tag a cell" in caught.value.hint


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("x = 6  # depth of the trees, 1..20", "at least 1 and at most 20"),
        ("x = 0.5  # 0..", "at least 0"),
        ("x = 0.1  # ..1e-1", "at most 0.1"),
        ("x: Annotated[int, Field(ge=1, lt=20)] = 6", "at least 1 and below 20"),
        ("x: Annotated[int, range(20)] = 6", "at least 0 and below 20"),
        ("x: Annotated[float, Gt(0)] = 0.1", "above 0"),
        ("x: Literal['gini', 'entropy'] = 'gini'", "one of 'gini', 'entropy'"),
        ('x: "Literal[1, 2] | None" = None', "one of 1, 2"),
        ("x = 'gini'  # one of: gini, entropy", "one of 'gini', 'entropy'"),
        ("x = 30  # see pages 1..20", ""),
        ("x = 3  # version 1.2.3, e.g. 1-2", ""),
        ("x = [1]  # 1..20", ""),
        ("x: float = 1", ""),
        ("x: Annotated[int, Field(ge=1)] | None = None", "at least 1"),
        ("x: Optional[Annotated[int, Ge(1)]] = None", "at least 1"),
        ("x: Union[Literal['a'], None] = None", "one of 'a'"),
        ("x: Literal['auto'] | int = 3", ""),
    ],
)
def test_limits_are_read(source: str, words: str) -> None:
    (parameter,) = read(source)
    assert str(parameter.limits) == words


@pytest.mark.parametrize(
    ("source", "allowed", "refused"),
    [
        ("x = 6  # 1..20", ["1", 20], ["0", 21, -3]),
        ("x: Annotated[float, Field(gt=0, le=1)] = 0.5", ["1", 0.1], ["0", 1.01, float("nan")]),
        ("x: Literal['a', 'b'] = 'a'", ["b"], ["c", ""]),
        ("x: Literal[1, 2] | None = None", ["2", None, "none"], [3]),
        ("x = 2  # one of: 1, 2", ["1"], ["3"]),
    ],
)
def test_what_is_outside_the_limits_is_refused(
    source: str, allowed: list[Any], refused: list[Any]
) -> None:
    for value in allowed:
        check(source, x=value)
    for value in refused:
        with pytest.raises(MlopsError) as outside:
            check(source, x=value)
        assert outside.value.code == "parameters.limits"
        assert "`x` must be" in outside.value.message
        assert outside.value.place is not None
        assert outside.value.place.line == 1


COMPUTED = """%matplotlib inline
import os
from datetime import date

workers: int = os.cpu_count()  # 1..64
day: date = date.today()
folder = os.path.join("a", "b")  # where it goes
token = os.environ["TOKEN"]
depth = 3
if depth > 2:
    wide = True
"""


def test_what_the_cell_computes_may_be_given_to_a_rerun() -> None:
    book = notebook(("parameters", COMPUTED))
    found = {each.name: each for each in read_parameters(book, computed=True)}
    assert list(found) == ["workers", "day", "folder", "token", "depth"]
    assert [each.type for each in found.values()] == ["int", "date", "any", "any", "int"]
    assert found["workers"].computed == "os.cpu_count()"
    assert (found["day"].maker, found["folder"].help) == ("date", "where it goes")
    assert found["token"].secret
    assert (found["depth"].computed, found["depth"].default) == ("", 3)
    declared = tuple(found.values())
    given = {"workers": "2", "day": "2020-02-03", "folder": "z", "depth": "4"}
    checked = check_parameters(book, declared, given)
    assert checked == {"workers": 2, "day": date(2020, 2, 3), "folder": "z", "depth": 4}
    for wrong, code, words in (
        ({"workers": "x"}, "type", "its default is os.cpu_count()."),
        ({"workers": None}, "type", "its default is os.cpu_count()."),
        ({"workers": "65"}, "limits", "its default is os.cpu_count()."),
        ({"token": "plain"}, "secret", "write `token=env:NAME`"),
        ({"wide": False}, "unknown", "it has: workers, day, folder, token, depth."),
    ):
        with pytest.raises(MlopsError) as caught:
            check_parameters(book, declared, wrong)
        assert caught.value.code == f"parameters.{code}"
        assert words in caught.value.hint
    with pytest.raises(MlopsError) as caught:
        read_parameters(book)
    assert caught.value.code == "parameters.not-plain"
    assert "A rerun takes it as it is" in caught.value.hint
    properties = schema("nb", declared)["properties"]
    assert "default" not in properties["workers"]
    assert properties["depth"]["default"] == 3
