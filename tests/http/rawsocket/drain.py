"""SIGTERM: what was accepted is answered."""
import ctypes
import json
import os
import select
import signal
import socket
import struct
import threading
import time

from wire import GET, POST, BODY, Wrong, must, connect, read_reply


IDLE_S = 0.25  # drain.c's SILENT_NEW_MS: a connection on which so long nothing was sent is closed


def case_drain(args):
    """SIGTERM under load: a request of which the daemon has taken a byte is answered, whole.

    Clients post in a loop, most on kept connections, some on a new one each time. Each request ends in one of: a whole reply; a refused connect; or a
    close without a byte of reply on a connection that had already served, which a client may repeat (RFC 9112 9.3.1).
    A reply that is cut, a reset after a byte of reply, or silence on a fresh connection is a loss; but not of a client
    that this machine held up for so long between its connect and its first bytes that the daemon may take it for idle.
    """
    lost, answered, crossed = [], [0], [0]
    stop_at = time.monotonic() + 60 * args.slack

    def client(number):
        while time.monotonic() < stop_at:
            began = time.monotonic()
            try:
                s = connect(args)
            except (ConnectionRefusedError, ConnectionResetError):
                return
            served, silent = 0, 0
            while time.monotonic() < stop_at:
                got = b""
                try:
                    silent = silent or time.monotonic() - began
                    s.sendall(POST + b"Content-Length: 15\r\n\r\n")
                    if number % 2:
                        time.sleep(0.001)
                    s.sendall(BODY)
                    while b"\r\n\r\n" not in got:
                        piece = s.recv(65536)
                        if not piece:
                            raise ConnectionResetError
                        got += piece
                    status, headers, body, _ = read_reply(s, got)
                except (ConnectionError, Wrong, socket.timeout) as e:
                    if not got and (served or silent > IDLE_S):
                        crossed[0] += 1
                        break
                    lost.append(f"client {number}, request {served}: {e!r} after {got!r}")
                    break
                if status != 200 or json.loads(body)["data"] != [1, 0]:
                    lost.append(f"client {number}: {status} {body!r}")
                answered[0] += 1
                served += 1
                if headers.get("connection") == "close":
                    if s.recv(1) != b"":
                        lost.append("bytes after the last reply")
                    break
                if number % 4 == 3:
                    time.sleep(0.005)
                if number % 4 == 2:  # a new connection for each request
                    break
            s.close()

    threads = [threading.Thread(target=client, args=(i,)) for i in range(args.count)]
    for t in threads:
        t.start()
    time.sleep(args.seconds)
    while answered[0] <= args.count and not lost and time.monotonic() < stop_at:  # load, however slow the machine is
        time.sleep(0.01)
    os.kill(args.pid, signal.SIGTERM)
    for t in threads:
        t.join()
    must(not lost, "\n".join(lost[:10]))
    must(answered[0] > args.count, "only", answered[0], "answers")
    print(f"# {answered[0]} answered, {crossed[0]} crossed the close of an idle connection")


def case_drain_slow_upload(args):
    """An upload that is under way when SIGTERM comes is finished and answered with Connection: close."""
    s = connect(args)
    idle = connect(args)
    idle.sendall(GET + b"\r\n")
    read_reply(idle)
    s.sendall(POST + b"Content-Length: 15\r\n\r\n" + BODY[:5])
    time.sleep(0.2)
    os.kill(args.pid, signal.SIGTERM)
    must(idle.recv(1) == b"", "the idle connection is still open")
    time.sleep(0.3)
    try:
        connect(args)
        raise Wrong("a new connection was accepted")
    except ConnectionRefusedError:
        pass
    s.sendall(BODY[5:])
    status, headers, body, _ = read_reply(s)
    must(status == 200 and headers.get("connection") == "close", status, headers, body)
    must(s.recv(1) == b"", "still open")


def case_drain_half_line(args):
    """A request line of which 1 to 34 bytes had come when SIGTERM came is read to its end and answered."""
    request = GET + b"\r\n"
    halves = []
    for n in range(1, 35):
        for served_before in (False, True):
            s = connect(args)
            if served_before:
                s.sendall(POST + b"Content-Length: 15\r\n\r\n" + BODY)
                must(read_reply(s)[0] == 200)
            s.sendall(request[:n])
            halves.append((n, served_before, s))
    fresh, kept = connect(args), connect(args)
    kept.sendall(request)
    read_reply(kept)
    os.kill(args.pid, signal.SIGTERM)
    for idle in (kept, fresh):  # once both are closed, the drain has looked at all the others as well
        must(idle.recv(1) == b"", "an idle connection is still open")
    for n, served_before, s in halves:
        s.sendall(request[n:])
        status, headers, _, _ = read_reply(s)
        must(status == 200 and headers.get("connection") == "close", n, served_before, status, headers)


class Filter(ctypes.Structure):
    """struct sock_fprog of a program of one instruction: nothing is let in."""
    _fields_ = [("length", ctypes.c_ushort), ("program", ctypes.c_void_p)]


def handshakes(port):
    """Connections to a local port of which the kernel still waits for the last part of the handshake."""
    with open("/proc/self/net/tcp") as table:
        lines = [line.split() for line in table][1:]
    return sum(line[1].endswith(f":{port:04X}") and line[3] == "03" for line in lines)


def case_drain_handshake(args):
    """A handshake that had begun when SIGTERM came ends, and the request after it is answered.

    The client's half of it is held up by a socket filter, so that the order of events is ours.
    """
    so_attach_filter, so_detach_filter = 26, 27  # linux, which names them in no module of Python's
    host, port = args.address.rsplit(":", 1)
    drop_all = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0))
    s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        s.setsockopt(socket.SOL_SOCKET, so_attach_filter, bytes(Filter(1, ctypes.addressof(drop_all))))
    except PermissionError:
        print("# not tried: this kernel lets no ordinary user filter a socket")
        return
    s.setblocking(False)
    s.connect_ex((host, int(port)))
    while handshakes(int(port)) == 0:
        time.sleep(0.001)
    os.kill(args.pid, signal.SIGTERM)
    while True:  # until the drain has begun
        try:
            connect(args).close()
            time.sleep(0.001)
        except ConnectionRefusedError:
            break
    s.setsockopt(socket.SOL_SOCKET, so_detach_filter, 0)
    s.settimeout(30 * args.slack)
    select.select([], [s], [], 30 * args.slack)
    s.sendall(POST + b"Content-Length: 15\r\n\r\n" + BODY)
    status, headers, _, _ = read_reply(s)
    must(status == 200 and headers.get("connection") == "close", status, headers)


def case_hang(args):
    """Hold a connection with half a body for a while, whatever happens."""
    s = connect(args)
    s.sendall(POST + b"Content-Length: 1000\r\n\r\nx")
    print("holding", flush=True)
    start = time.monotonic()
    try:
        s.settimeout(60)
        s.recv(1)
    except OSError:
        pass
    print(f"# held for {time.monotonic() - start:.1f} s")
