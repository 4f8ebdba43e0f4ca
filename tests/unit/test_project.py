import errno
import subprocess
import sys
from pathlib import Path

import pytest

from jupyter_mlops.errors import MlopsError
from jupyter_mlops.os_errors import explain_os_errors
from jupyter_mlops.project import Project


def test_the_root_is_the_nearest_marked_parent(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.delenv("JUPYTER_MLOPS_PROJECT", raising=False)
    (tmp_path / "mlops.toml").write_text("")
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    (deep / "nb.ipynb").write_text("")
    assert Project.find(deep / "nb.ipynb").root == tmp_path
    assert not (tmp_path / ".mlops").exists(), "finding a project writes nothing"
    monkeypatch.setenv("JUPYTER_MLOPS_PROJECT", str(deep))
    assert Project.find(tmp_path).root == deep


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("gates = 3", "gates"),
        ("[imagse]\n", "imagse"),
        ("[monitor]\nthreshold = 'high'", "monitor.threshold"),
        ("[monitor", "not TOML"),
    ],
)
def test_wrong_settings_are_refused_by_name(project_root: Path, text: str, words: str) -> None:
    (project_root / "mlops.toml").write_text(text)
    with pytest.raises(MlopsError, match=words) as caught:
        _ = Project(project_root).settings
    assert caught.value.code == "settings.invalid"


def test_a_second_holder_of_a_lock_is_told_so_and_a_dead_one_frees_it(project_root: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; from jupyter_mlops.project import Project\n"
        "with Project(Path(sys.argv[1])).lock('x', what='a promotion'):\n"
        "    print('held', flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", script, str(project_root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        project = Project(project_root)
        with (
            pytest.raises(MlopsError, match="busy with a promotion") as caught,
            project.lock("x", what="a promotion"),
        ):
            pass
        assert caught.value.code == "project.busy"
        holder.kill()
        holder.wait()
        with project.lock("x", what="a promotion"):
            pass


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.ENOSPC, "project.disk-full"),
        (errno.EFBIG, "project.disk-full"),
        (errno.EROFS, "project.read-only"),
        (errno.EACCES, "project.read-only"),
    ],
)
def test_os_errors_are_explained(number: int, code: str) -> None:
    with pytest.raises(MlopsError) as caught, explain_os_errors("here"):
        raise OSError(number, "no", "here/file")
    assert caught.value.code == code
    assert "here/file" in str(caught.value)


def test_other_os_errors_stay_what_they_are() -> None:
    with pytest.raises(FileNotFoundError), explain_os_errors("here"):
        Path("/nowhere/at/all").read_text()
