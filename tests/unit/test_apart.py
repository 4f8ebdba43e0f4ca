"""Values compared in a process of their own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from jupyter_mlops import values
from jupyter_mlops.pipeline.apart import Question, compare_apart


def dump(folder: Path, **given: Any) -> Path:
    values.dump(given, list(given), folder)
    return folder


def ask(tmp_path: Path, *names: str) -> list[Question]:
    return [Question(str(tmp_path / "a"), str(tmp_path / "b"), name) for name in names]


def test_each_variable_gets_its_answer(tmp_path: Path) -> None:
    dump(tmp_path / "a", x=1, y=[0.3], z="s")
    dump(tmp_path / "b", x=2, y=[0.1 + 0.2], z="s")
    found = compare_apart(ask(tmp_path, "x", "y", "z"))
    assert [each.verdict for each in found] == ["different", "equal within tolerance", "equal"]
    assert found[0].words == "1 in the notebook, 2 in the pipeline"
    assert compare_apart([]) == []


SIBLING = """\
class Box:
    def __init__(self, value):
        self.value = value

class Fatal:
    def __reduce__(self):
        return die, ()

def die():
    import os
    os.kill(os.getpid(), 9)
"""
MAKE = """\
import sys
from pathlib import Path
sys.path.insert(0, "")
from beside import Box, Fatal
from jupyter_mlops import values
for name, value in (("a", 1), ("b", 2)):
    values.dump({"box": Box(value)}, ["box"], Path(name))
    values.dump({"fatal": Fatal()}, ["fatal"], Path("fatal-" + name))
"""


def test_modules_beside_the_notebook_are_found_and_stay_out_of_this_process(
    tmp_path: Path,
) -> None:
    (tmp_path / "beside.py").write_text(SIBLING)
    subprocess.run([sys.executable, "-c", MAKE], cwd=tmp_path, check=True)
    (found,) = compare_apart(ask(tmp_path, "box"), tmp_path)
    assert found.words == "value: 1 in the notebook, 2 in the pipeline"
    assert "beside" not in sys.modules

    (lost,) = compare_apart(ask(tmp_path, "box"), tmp_path.parent)
    assert lost.verdict == "different"
    assert "cannot be compared" in lost.words
    assert "beside" in lost.words


def test_a_value_that_kills_the_process_is_different_and_the_others_go_on(tmp_path: Path) -> None:
    (tmp_path / "beside.py").write_text(SIBLING)
    subprocess.run([sys.executable, "-c", MAKE], cwd=tmp_path, check=True)
    fatal = Question(str(tmp_path / "fatal-a"), str(tmp_path / "fatal-b"), "fatal")
    box = ask(tmp_path, "box")[0]
    found = compare_apart([box, fatal, box], tmp_path)
    assert [each.verdict for each in found] == ["different"] * 3
    assert found[1].words == ("it cannot be compared: the comparing process was killed by SIGKILL")
    assert found[0] == found[2]
