"""The choice of ports: the former one, else the usual one, else a free one."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.ports import HOST, choose_ports, free_port, is_free


@pytest.fixture
def busy() -> Iterator[int]:
    with socket.socket() as server:
        server.bind((HOST, 0))
        server.listen()
        yield server.getsockname()[1]


def test_a_part_gets_its_usual_port_when_it_is_free(tmp_path: Path) -> None:
    usual = free_port()

    assert choose_ports({"api": usual}, tmp_path / "ports.json") == {"api": usual}


def test_a_busy_port_is_replaced_by_a_free_one(tmp_path: Path, busy: int) -> None:
    chosen = choose_ports({"api": busy}, tmp_path / "ports.json")["api"]

    assert chosen != busy
    assert is_free(chosen)


def test_the_replacement_is_kept_on_the_next_start_even_when_the_usual_port_is_free_again(tmp_path: Path) -> None:
    with socket.socket() as server:
        server.bind((HOST, 0))
        server.listen()
        usual = server.getsockname()[1]
        first = choose_ports({"api": usual}, tmp_path / "ports.json")

    assert is_free(usual)
    assert choose_ports({"api": usual}, tmp_path / "ports.json") == first


def test_two_parts_never_get_the_same_port(tmp_path: Path) -> None:
    port = free_port()

    chosen = choose_ports({"api": port, "inbox": port}, tmp_path / "ports.json")

    assert len(set(chosen.values())) == 2


def test_a_broken_memory_costs_only_the_old_numbers(tmp_path: Path) -> None:
    memory = tmp_path / "ports.json"
    memory.write_text("{half a fi")
    usual = free_port()

    assert choose_ports({"api": usual}, memory) == {"api": usual}


def test_a_port_is_free_again_right_after_its_server_ended(tmp_path: Path) -> None:
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind((HOST, 0))
        server.listen()
        port = server.getsockname()[1]
        with socket.create_connection((HOST, port)) as client:
            server.accept()[0].close()  # closed by the server first: its side lingers in TIME_WAIT
            assert client.recv(1) == b""

    assert is_free(port)
