"""The listening socket and its handing over."""

from __future__ import annotations

import os
import socket
import threading
from pathlib import Path

import pytest

from jupyter_mlops.errors import MlopsError
from jupyter_mlops.serving import listening


def test_answers_leave_at_once() -> None:
    with listening.listen("127.0.0.1", 0) as listener:
        # Without the protocol asyncio leaves Nagle's algorithm on: 40 ms for each answer.
        assert listener.proto == socket.IPPROTO_TCP
        port = listener.getsockname()[1]
        assert listening.url_of(listener) == f"http://127.0.0.1:{port}"
        with pytest.raises(MlopsError, match=str(port)) as taken:
            listening.listen("127.0.0.1", port)
    assert taken.value.code == "serving.port"


@pytest.mark.parametrize(("host", "port"), [("127.0.0.1", 70000), ("192.0.2.1", 0)])
def test_addresses_that_cannot_be_listened_on(host: str, port: int) -> None:
    with pytest.raises(MlopsError) as refused:
        listening.listen(host, port)
    assert refused.value.code == "serving.port"


def test_a_successor_gets_the_very_socket(tmp_path: Path) -> None:
    # Longer than the path of a Unix socket may be.
    folder = tmp_path / ("deep" * 30)
    folder.mkdir()
    path = folder / ".prod.sock"
    here = os.getcwd()
    with listening.listen("127.0.0.1", 0) as listener, listening.offer(path) as server:
        assert path.stat().st_mode & 0o077 == 0, "for this user only"
        assert os.getcwd() == here
        server.setblocking(True)
        thread = threading.Thread(target=listening.hand_over, args=(server, listener))
        thread.start()
        with listening.take_over(path) as taken:
            thread.join()
            address = listener.getsockname()
            assert taken.getsockname() == address
            assert taken.proto == socket.IPPROTO_TCP
            # What was queued before the first owner left is the second's.
            with socket.create_connection(address) as client:
                listener.close()
                client.sendall(b"hello")
                taken.setblocking(True)
                connection, _ = taken.accept()
                with connection:
                    assert connection.recv(5) == b"hello"
    with pytest.raises(MlopsError) as nobody:
        listening.take_over(path)
    assert nobody.value.code == "serving.take-over"


def test_nobody_offers(tmp_path: Path) -> None:
    with pytest.raises(MlopsError) as nobody:
        listening.take_over(tmp_path / "gone" / "control.sock")
    assert nobody.value.code == "serving.take-over"
