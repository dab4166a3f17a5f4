"""Kernel stamps are on before the first answer comes, and say when the last byte of a read did."""

import socket
import struct
import time

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


def test_a_read_of_several_writes_is_stamped_between_the_last_of_them_and_the_read():
    size, several = 20, 0
    with kernel_stamps() as on, socket.create_server(("127.0.0.1", 0)) as listener:
        assert on
        with socket.create_connection(listener.getsockname()) as sender:
            sender.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            receiver, _ = listener.accept()
            with receiver:
                receiver.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
                for writes in (1, 2, 5, 17, 100):
                    written_ns = []
                    for _ in range(writes):
                        written_ns.append(time.time_ns())
                        sender.sendall(b"x" * size)
                    come = 0
                    while come < writes * size:
                        data, [(_, _, stamp)], _, _ = receiver.recvmsg(size * 10 + 7, 64)
                        read_ns = time.time_ns()
                        seconds, nanoseconds = struct.unpack("qq", stamp)
                        come += len(data)
                        several += len(data) > size
                        assert written_ns[(come - 1) // size] <= seconds * 10**9 + nanoseconds <= read_ns
    assert several  # so it was looked at
