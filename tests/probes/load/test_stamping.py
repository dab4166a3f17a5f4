"""Kernel stamps are on before the first answer comes."""

import socket

from probes.load.stamping import kernel_stamps
from probes.load.transport import SO_TIMESTAMPNS


def first_byte_of_a_new_socket():
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()) as sender:
        receiver, _ = listener.accept()
        with receiver:
            receiver.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
            sender.send(b".")
            return receiver.recvmsg(1, 64)[1]


def test_while_it_is_held_the_very_first_byte_of_any_socket_is_stamped():
    for _ in range(20):
        with kernel_stamps() as on:
            assert on
            assert first_byte_of_a_new_socket()


def test_it_gives_up_where_nothing_is_stamped_and_where_the_option_is_not_known():
    with kernel_stamps(socket.SO_KEEPALIVE) as on:
        assert not on
    with kernel_stamps(9999) as on:
        assert not on
