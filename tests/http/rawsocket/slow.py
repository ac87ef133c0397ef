"""Slow clients: deadlines that hold in total, and others who are not slowed down."""
import os
import re
import signal
import socket
import struct
import time

from wire import GET, POST, BODY, must, connect, read_reply, replies_in, gauge, scrape


def drip(s, data, pause, until):
    """Send a byte at a time until the other side closes; the seconds that it took."""
    start = time.monotonic()
    s.settimeout(pause)
    got = b""
    for i in range(len(data)):
        try:
            s.sendall(data[i:i + 1])
        except OSError:
            break
        try:
            piece = s.recv(65536)
            if not piece:
                break
            got += piece
        except socket.timeout:
            pass
        except OSError:
            break
        must(time.monotonic() - start < until, "still open after", until, "seconds")
    return time.monotonic() - start, got


def between(args, took, least, most):
    must(least <= took <= most * args.slack, "cut after", round(took, 2), "s, expected", least, "to", most * args.slack)


def case_slow_headers(args):
    """A byte now and then holds a connection no longer than headers_timeout in all."""
    took, _ = drip(connect(args), GET + b"X: " + b"y" * 1000, 0.1, 20 * args.slack)
    between(args, took, args.seconds * 0.8, args.seconds + 1.5)
    s = connect(args)  # and the second request of a connection
    s.sendall(GET + b"\r\n")
    read_reply(s)
    took, _ = drip(s, GET + b"X: " + b"y" * 1000, 0.1, 20 * args.slack)
    between(args, took, args.seconds * 0.8, args.seconds + 1.5)


def case_silent(args):
    """A connection on which nothing was ever sent."""
    s = connect(args)
    start = time.monotonic()
    must(s.recv(1) == b"")
    between(args, time.monotonic() - start, args.seconds * 0.8, args.seconds + 1.5)


def case_idle(args):
    """A kept connection is closed after idle_timeout, quietly."""
    s = connect(args)
    s.sendall(GET + b"\r\n")
    read_reply(s)
    start = time.monotonic()
    must(s.recv(1) == b"")
    between(args, time.monotonic() - start, args.seconds * 0.8, args.seconds + 1.5)


def case_slow_body(args):
    """A body that comes too slowly is cut in total time, with a 408 that can be read."""
    s = connect(args)
    s.sendall(POST + b"Content-Length: 100000\r\n\r\n")
    took, got = drip(s, b"x" * 100000, 0.1, 20 * args.slack)
    between(args, took, args.seconds * 0.8, args.seconds + 1.5)
    must(replies_in(got) == [b"408"] and b"body_timeout" in got, got)


def case_silent_body(args):
    """Who was fast at first and then is silent gets its 408 after body_timeout, and what it held is free again."""
    whole = b'{"data":"' + b"x" * args.bytes  # held as it is, since the string has no end
    s = connect(args)
    s.sendall(POST + b"Content-Length: %d\r\n\r\n" % (len(whole) + 100) + whole)
    start = time.monotonic()
    status, headers, body, _ = read_reply(s)
    must(status == 408 and headers.get("connection") == "close" and b"body_timeout" in body, status, headers, body)
    between(args, time.monotonic() - start, args.seconds * 0.8, args.seconds + 2)
    until = time.monotonic() + 10 * args.slack
    status = 503
    while status == 503 and time.monotonic() < until:  # bodies_bytes_max has no room for both
        s = connect(args)
        s.sendall(POST + b"Content-Length: %d\r\n\r\n" % (len(whole) + 2) + whole + b'"}')
        status, _, body, _ = read_reply(s)
        s.close()
    must(status in (400, 413), "the silent body's memory is still held:", status, body)


def case_steady_body(args):
    """One that is slow but keeps body_rate_min is not cut, however long it takes."""
    s = connect(args)
    body = b'{"data":[' + b"1," * (args.bytes // 2) + b"1]}"
    s.sendall(POST + b"Content-Length: %d\r\n\r\n" % len(body))
    step = len(body) // 40 + 1
    for i in range(0, len(body), step):
        s.sendall(body[i:i + step])
        time.sleep(args.seconds * 2 / 40)
    must(read_reply(s)[0] == 200)


def case_slow_reader(args):
    """A client that asks for much and reads nothing is cut; others are served meanwhile."""
    body = b'{"data":[' + b"0.123456," * 1500000 + b"1]}"
    s = connect(args, timeout=60, receive_buffer=4096)
    s.sendall(POST + b"Content-Length: %d\r\n\r\n" % len(body) + body)
    time.sleep(0.2)
    other = connect(args)
    other.sendall(GET + b"\r\n")
    must(read_reply(other)[0] == 200)
    other.close()
    deadline = time.monotonic() + (args.seconds * 2 + 5) * args.slack
    while int(gauge(args, "axond_http_connections")) > 1:  # the scrape's own
        must(time.monotonic() < deadline, "the slow reader still holds its connection")
        time.sleep(0.2)


def case_unread_reply(args):
    """A long reply that its client did not take, because it reads nothing or resets, counts as 499 with true bytes."""
    body = b'{"data":[' + b"0.123456," * 1500000 + b"1]}"

    def counts():
        text = scrape(args)
        gone = sum(int(n) for n in re.findall(r'^axond_http_requests_total\{.*code="499".*\} (\d+)$', text, re.M))
        return gone, int(re.search(r"^axond_http_response_bytes_total (\d+)$", text, re.M).group(1))

    for reset in (False, True):
        gone, sent = counts()
        s = connect(args, timeout=60, receive_buffer=4096)
        s.sendall(POST + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        must(s.recv(1000).startswith(b"HTTP/1.1 200"))
        if reset:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            s.close()
        deadline = time.monotonic() + (args.seconds + 5) * args.slack
        while counts()[0] == gone:
            must(time.monotonic() < deadline, "counted as something else:", "reset" if reset else "never read")
            time.sleep(0.1)
        now = counts()
        must(now[0] == gone + 1 and now[1] - sent < len(body) / 2, "bytes out", now[1] - sent, "of", len(body))


def case_untaken_reply(args):
    """A reply that fits into the kernel's buffers, and is left there, has a reason of its own, and true bytes."""
    body = b'{"data":[' + b"0.123456," * 100000 + b"1]}"

    scraped = 0  # bytes of the scrapes themselves, each of which the next one counts

    def counts():
        nonlocal scraped
        text = scrape(args)
        unread = int(re.search(r'^axond_http_rejected_total\{reason="reply_unread"\} (\d+)$', text, re.M).group(1))
        sent = int(re.search(r"^axond_http_response_bytes_total (\d+)$", text, re.M).group(1)) - scraped
        scraped += len(text)
        return unread, sent

    def answers():
        nonlocal scraped
        text = scrape(args)
        scraped += len(text)
        return int(re.search(r"^axond_http_requests_in_flight (\d+)$", text, re.M).group(1)) > 1  # the scrape's own

    for reset in (False, True):
        unread, sent = counts()
        s = connect(args, receive_buffer=4096)
        s.sendall(POST + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        must(s.recv(1000).startswith(b"HTTP/1.1 200"))
        while answers():
            time.sleep(0.02)
        if reset:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        s.close()
        deadline = time.monotonic() + 10 * args.slack
        while counts()[0] == unread:
            must(time.monotonic() < deadline, "not counted", "reset" if reset else "closed")
            time.sleep(0.05)
        now = counts()
        must(now[0] == unread + 1 and now[1] - sent < len(body) / 2, "bytes out", now[1] - sent, "of", len(body))
    unread, sent = counts()
    s = connect(args, receive_buffer=4096)
    for _ in range(3):  # one that is read in the end is counted in full
        s.sendall(POST + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        must(read_reply(s)[0] == 200)
    s.close()
    deadline = time.monotonic() + 10 * args.slack
    while (now := counts())[1] - sent < 3 * len(body) - 6:
        must(time.monotonic() < deadline, "bytes out", now[1] - sent, "of", 3 * len(body))
        time.sleep(0.05)
    must(now[0] == unread, "read, and counted as unread")


def case_silent_reader(args):
    """Who reads its reply fast at first and then not at all is cut after body_timeout, too."""
    body = b'{"data":[' + b"0.123456," * 1500000 + b"1]}"
    s = connect(args, timeout=60, receive_buffer=65536)
    s.sendall(POST + b"Content-Length: %d\r\n\r\n" % len(body) + body)
    got = 0
    while got < args.bytes:  # slowly enough that the keeper sees it go on
        got += len(s.recv(65536))
        time.sleep(0.02)
    start = time.monotonic()
    while int(gauge(args, "axond_http_connections")) > 1:  # the scrape's own
        must(time.monotonic() < start + (args.seconds + 3) * args.slack, "the silent reader still holds its connection")
        time.sleep(0.1)


def case_stopped(args):
    """A process that stood still (SIGSTOP) cuts nobody for that: what had come is read, and all deadlines begin anew."""
    whole = POST + b"Content-Length: 15\r\n\r\n" + BODY
    halves = []
    for n in (0, 10, len(POST), len(whole) - 5):
        for served_before in (False, True):
            s = connect(args)
            if served_before:
                s.sendall(whole)
                must(read_reply(s)[0] == 200)
            s.sendall(whole[:n])
            halves.append((n, served_before, s))
    time.sleep(0.3)
    os.kill(args.pid, signal.SIGSTOP)
    try:
        for n, _, s in halves[::2]:  # the rest of the others comes after the process goes on
            s.sendall(whole[n:])
        new = connect(args)
        new.sendall(whole)
        time.sleep(args.seconds + 2)
    finally:
        os.kill(args.pid, signal.SIGCONT)
    time.sleep(0.7)  # the keeper has looked by now
    for n, _, s in halves[1::2]:
        s.sendall(whole[n:])
    for n, served_before, s in halves + [(0, "new", new)]:
        status = read_reply(s)[0]
        must(status == 200, n, served_before, status)


def case_many_slow(args):
    """Hundreds of slow clients do not keep a healthy one from its answers."""
    held = []
    for i in range(args.count):
        s = connect(args)
        s.sendall((GET[:30], GET, POST + b"Content-Length: 1000\r\n\r\nx")[i % 3])
        held.append(s)
    worst = 0.0
    for _ in range(50):
        start = time.monotonic()
        s = connect(args)
        s.sendall(POST + b"Content-Length: 15\r\nConnection: close\r\n\r\n" + BODY)
        must(read_reply(s)[0] == 200)
        worst = max(worst, time.monotonic() - start)
        s.close()
    must(worst < 5.0 * args.slack, "a healthy client waited", worst)
    print(f"# {args.count} slow clients, worst of 50 healthy requests {worst * 1000:.1f} ms")
