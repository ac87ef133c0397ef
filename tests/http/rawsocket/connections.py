"""Connections: how many in all and per address, and small replies without delay."""
import socket
import time

from wire import GET, POST, BODY, must, connect, read_reply


def case_too_many(args):
    """Beyond connections_max a client reads a 503; far beyond it is closed; afterwards all is well."""
    held = [connect(args) for _ in range(args.limit)]
    for s in held:
        s.sendall(GET + b"\r\n")
        must(read_reply(s)[0] == 200)
    s = connect(args)
    s.sendall(GET + b"\r\n")
    status, headers, _, _ = read_reply(s)
    must(status == 503 and "retry-after" in headers and headers.get("connection") == "close", status, headers)
    crowd = [connect(args) for _ in range(100)]
    closed = 0
    for c in crowd:
        try:
            c.sendall(GET + b"\r\n")
            c.settimeout(5 * args.slack)
            closed += c.recv(100) == b""
        except OSError:
            closed += 1
    must(closed > 0, "every one of 100 connections beyond the limit was kept")
    for c in held + crowd:
        c.close()
    time.sleep(0.5)
    s = connect(args)
    s.sendall(GET + b"\r\n")
    must(read_reply(s)[0] == 200, "the limit did not come back")


def case_per_address(args):
    """One address gets connections_per_address_max, another address still gets in."""
    held = [connect(args) for _ in range(args.limit)]
    for s in held:
        s.sendall(GET + b"\r\n")
        must(read_reply(s)[0] == 200)
    s = connect(args)
    try:
        s.sendall(GET + b"\r\n")
        must(s.recv(100) == b"", "one more was served")
    except ConnectionError:
        pass
    other = socket.socket()
    other.bind(("127.0.0.2", 0))
    other.settimeout(10 * args.slack)
    host, port = args.address.rsplit(":", 1)
    other.connect((host, int(port)))
    other.sendall(GET + b"\r\n")
    must(read_reply(other)[0] == 200)
    held[0].close()
    time.sleep(0.3)
    s = connect(args)
    s.sendall(GET + b"\r\n")
    must(read_reply(s)[0] == 200, "a closed connection is still counted")


def case_flood(args):
    """More connections than the daemon has descriptors: it lives, and serves again afterwards."""
    for _ in range(3):
        held = []
        for _ in range(200):
            s = connect(args)
            try:
                s.sendall(GET + b"\r\n")
            except OSError:
                pass
            held.append(s)
        served = 0
        for s in held:
            try:
                s.settimeout(2 * args.slack)
                served += s.recv(100).startswith(b"HTTP/1.1 200")
            except OSError:
                pass
        must(served > 0, "no connection was served in the flood")
        for s in held:
            s.close()
        time.sleep(0.3)
        s = connect(args)
        s.sendall(GET + b"\r\n")
        must(read_reply(s)[0] == 200)
        s.close()


def case_latency(args):
    """Small replies on a kept connection do not wait for a timer of TCP."""
    s = connect(args)
    times = []
    for _ in range(200):
        start = time.monotonic()
        s.sendall(POST + b"Content-Length: 15\r\n\r\n")  # in two pieces, as http.client sends it
        s.sendall(BODY)
        must(read_reply(s)[0] == 200)
        times.append(time.monotonic() - start)
    times.sort()
    must(times[100] < 0.010 * args.slack, "the median reply took", times[100])
    print(f"# median {times[100] * 1e6:.0f} us, 99 % {times[197] * 1e6:.0f} us")
