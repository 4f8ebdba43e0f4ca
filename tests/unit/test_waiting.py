from __future__ import annotations

from pathlib import Path

from jupyter_mlops.capture.waiting import Trouble, Waiting, set_trouble, trouble, waiting
from jupyter_mlops.project import Project
from jupyter_mlops.tracking import cursor
from jupyter_mlops.tracking.cursor import Cursor


def test_what_waits_follows_from_the_cursors(project_root: Path) -> None:
    project = Project(project_root)
    assert waiting(project, "mine", 0) == Waiting(0, 0, None)
    for name, state in (
        ("mine", Cursor(records=5)),
        ("done", Cursor(finished=True)),
        ("other", Cursor()),
    ):
        cursor.save(project.folder("journal", name), state)
    project.folder("journal", "new")
    assert waiting(project, "mine", 12) == Waiting(7, 2, None)
    assert str(waiting(project, "mine", 1240)) == "1,235 records of this run and 2 other runs"
    assert str(waiting(project, "mine", 6)) == "1 record of this run and 2 other runs"
    cursor.save(project.journals / "other", Cursor(finished=True))
    cursor.save(project.journals / "new", Cursor(finished=True))
    assert str(waiting(project, "mine", 5)) == "nothing"


def test_the_writer_tells_what_is_wrong(project_root: Path) -> None:
    project = Project(project_root)
    set_trouble(project, Trouble(0.0, "no folder yet"))
    assert trouble(project) is None
    project.folder("journal", "mine")
    set_trouble(project, Trouble(0.0, "The server does not answer."))
    words = str(waiting(project, "mine", 2))
    assert words.startswith("2 records of this run, since ")
    assert words.endswith(": The server does not answer.")
    # What has all arrived has no trouble.
    assert str(Waiting(0, 0, trouble(project))) == "nothing"
    (project.state / "writer.json").write_text("{")
    assert trouble(project) is None
    set_trouble(project, None)
    assert not (project.state / "writer.json").exists()
