import pickle

from jupyter_mlops.errors import MlopsError, Place


def test_an_error_tells_what_where_and_what_to_do() -> None:
    place = Place("notebooks/a.ipynb", 7, "abc", 3)
    error = MlopsError("some.code", "It broke.", hint="mend it.", place=place)
    assert str(error) == "It broke.\n  at notebooks/a.ipynb, cell 7, line 3\n  to do: mend it."
    line = "some.code: It broke. (at notebooks/a.ipynb, cell 7, line 3) To do: mend it."
    assert error._render_traceback_() == [line]


def test_an_error_survives_a_process_border() -> None:
    error = MlopsError("some.code", "It broke.", place=Place("a.ipynb", 1))
    again = pickle.loads(pickle.dumps(error))
    assert again.to_dict() == error.to_dict()
