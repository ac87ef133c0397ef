"""Connections: how many in all and per address, and small replies without delay."""
import socket
import time

from wire import GET, POST, BODY, Wrong, must, connect, gauge, read_reply


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


def connect_from(args, source):
    s = socket.socket()
    s.bind((source, 0))
    s.settimeout(10 * args.slack)
    host, port = args.address.rsplit(":", 1)
    s.connect((host, int(port)))
    return s


def case_per_address(args):
    """One address gets connections_per_address_max, a few more a 503, then a close; another address still gets in."""
    held = [connect(args) for _ in range(args.limit)]
    for s in held:
        s.sendall(GET + b"\r\n")
        must(read_reply(s)[0] == 200)
    s = connect(args)
    s.sendall(GET + b"\r\n")
    status, headers, body, _ = read_reply(s)
    must(status == 503 and "retry-after" in headers and headers.get("connection") == "close", status, headers)
    must(b"connections_per_address_max" in body, body)
    must(s.recv(1) == b"", "and stayed open")
    crowd = [connect(args) for _ in range(40)]  # of which only few are listened to
    closed = 0
    for c in crowd:
        try:
            c.settimeout(0.2 * args.slack)
            closed += c.recv(1) == b""
        except socket.timeout:
            pass
        except ConnectionError:
            closed += 1
    must(len(crowd) - closed <= 8, len(crowd) - closed, "beyond the limit are still open")
    other = connect_from(args, "127.0.0.2")
    other.sendall(GET + b"\r\n")
    must(read_reply(other)[0] == 200)
    for c in [held[0]] + crowd:
        c.close()
    until = time.monotonic() + 10 * args.slack
    while True:  # until the daemon has seen them go
        s = connect(args)
        s.sendall(GET + b"\r\n")
        try:
            if read_reply(s)[0] == 200:
                break
        except (Wrong, ConnectionError):
            pass
        must(time.monotonic() < until, "a closed connection is still counted")
        time.sleep(0.05)


def case_proxy(args):
    """Behind a trusted proxy (127.0.0.3) each client has its own limit; others are not believed."""
    def ask(s, fields, whole=True):
        s.sendall(POST + fields + b"Content-Length: 15\r\n\r\n" + (BODY if whole else BODY[:5]))
        return s

    proxied = [connect_from(args, "127.0.0.3") for _ in range(args.limit + 2)]
    for s in proxied:  # a proxy may have more connections than the limit
        must(read_reply(ask(s, b""))[0] == 200)
    for s in proxied[:args.limit]:  # requests of one client that take their time
        ask(s, b"X-Forwarded-For: 198.51.100.7, 203.0.113.9\r\n", whole=False)
    s = proxied[args.limit]
    until = time.monotonic() + 10 * args.slack
    while int(gauge(args, "axond_http_requests_in_flight")) < args.limit + 1:  # the scrape's own
        must(time.monotonic() < until, "the slow requests are not seen")
    while (status := read_reply(ask(s, b"X-Forwarded-For: 203.0.113.9\r\n"))[0]) == 200:
        must(time.monotonic() < until, "one client got more than its limit")
    must(status == 503, status)
    must(read_reply(ask(s, b"X-Forwarded-For: 203.0.113.10\r\n"))[0] == 200, "another client is refused")
    must(read_reply(ask(s, b"Forwarded: for=203.0.113.9\r\n"))[0] == 503, "Forwarded is not read")
    must(read_reply(ask(s, b"X-Forwarded-For: 203.0.113.9\r\nX-Forwarded-For: 203.0.113.10\r\n"))[0] == 200)
    status, _, body, _ = read_reply(ask(s, b"X-Forwarded-For: <script>\r\n"))
    must(status == 400 and b"X-Forwarded-For" in body, status, body)
    status, _, body, _ = read_reply(ask(s, b"X-Forwarded-For: 203.0.113.10\r\nForwarded: for=203.0.113.9\r\n"))
    must(status == 400 and b"trusted_proxy_header" in body, status, body)
    must(read_reply(ask(s, b"X-Forwarded-For: 203.0.113.10\r\nForwarded: for=203.0.113.10\r\n"))[0] == 200)
    for h in proxied[:args.limit]:  # nothing was lost meanwhile
        h.sendall(BODY[5:])
        must(read_reply(h)[0] == 200)
    must(read_reply(ask(s, b"X-Forwarded-For: 203.0.113.9\r\n"))[0] == 200, "the limit did not come back")
    stranger = connect(args)
    must(read_reply(ask(stranger, b"X-Forwarded-For: nonsense\r\n"))[0] == 200, "a stranger is believed")


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
    # A timer of TCP takes 40 ms or more, of all but the first; a busy machine some milliseconds of some.
    must(times[50] < 0.030 * args.slack, "three quarters took longer than", times[50])
    print(f"# median {times[100] * 1e6:.0f} us, 99 % {times[197] * 1e6:.0f} us")
