"""Who a container is on the host's folders."""

from __future__ import annotations

import os
from pathlib import Path

from jupyter_mlops.images import containers, dockerfile


def test_a_container_writes_as_the_host_user_but_not_as_root(tmp_path: Path) -> None:
    work = tmp_path / "work"
    (work / "steps").mkdir(parents=True)
    public, private = tmp_path / "public", tmp_path / "private"
    public.mkdir()
    public.chmod(0o755)
    private.mkdir()
    private.chmod(0o700)
    if os.getuid() != 0:
        assert containers.user_of(work, reads=private) == f"{os.getuid()}:{os.getgid()}"
        return
    # root's private folder can be read by nobody else, so its containers stay root, stripped
    assert containers.user_of(work, reads=private) == "0:0"
    assert (work / "steps").stat().st_uid == 0
    user = dockerfile.USER
    assert containers.user_of(work, reads=public) == f"{user}:{user}"
    assert {path.stat().st_uid for path in (work, work / "steps")} == {user}


def test_every_container_is_hardened() -> None:
    options = containers.hardening()
    assert options["cap_drop"] == ["ALL"]
    assert options["security_opt"] == ["no-new-privileges"]
    assert options["read_only"] is True
    assert options["init"] is True
    assert options["pids_limit"] > 0
