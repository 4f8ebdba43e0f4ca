from pathlib import Path

import pytest

from jupyter_mlops.deploy.releases import Releases
from jupyter_mlops.errors import MlopsError
from jupyter_mlops.project import Project


@pytest.fixture
def releases(project_root: Path) -> Releases:
    return Releases(Project(project_root))


def _publish(releases: Releases, name: str, text: str) -> None:
    with releases.staging(name) as staged:
        (staged / "model").write_text(text)
        releases.publish(name, releases.next_version(name), staged, {"created": "now"})


def test_versions_count_up_and_the_newest_is_the_name(releases: Releases) -> None:
    for index in range(11):
        _publish(releases, "flights", str(index))
    assert releases.get("flights").ref == "flights/11"
    assert (releases.get("flights/2").folder / "model").read_text() == "1"
    assert [release.version for release in releases.list("flights")] == list(range(1, 12))


@pytest.mark.parametrize("ref", ["flights", "flights/7", "flights/x", "", "../flights", ".hidden"])
def test_an_unknown_release_is_named_with_what_there_is(releases: Releases, ref: str) -> None:
    _publish(releases, "other", "x")
    with pytest.raises(MlopsError, match="other/1") as caught:
        releases.get(ref)
    assert caught.value.code == "release.unknown"


def test_what_was_not_published_leaves_nothing(releases: Releases) -> None:
    def fail(staged: Path) -> None:
        (staged / "model").write_text("half")
        raise RuntimeError

    with pytest.raises(RuntimeError), releases.staging("flights") as staged:
        fail(staged)
    assert releases.list() == []
    assert not (releases.project.releases / "flights").exists()


def test_an_edited_release_is_refused(releases: Releases) -> None:
    _publish(releases, "flights", "the model")
    release = releases.get("flights")
    release.verify()
    (release.folder / "model").write_text("another")
    with pytest.raises(MlopsError, match="`model` has changed") as caught:
        release.verify()
    assert caught.value.code == "release.altered"
