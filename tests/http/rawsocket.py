#!/usr/bin/env python3
"""rawsocket.py CASE - what curl cannot send: bytes as they are, at the speed that a bad client has.

Every case is a function case_NAME(args); it returns nothing if the daemon behaved and raises (exit 1, reason on
stderr) if not. Only the standard library. Run through lib.sh's `raw`, which gives address and slack.
"""
import argparse
import http.client
import json
import os
import re
import signal
import socket
import struct
import sys
import threading
import time

GET = b"GET /v1/activations/relu HTTP/1.1\r\nHost: x\r\n"
POST = b"POST /v1/activations/relu HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
BODY = b'{"data":[1,-2]}'


class Wrong(Exception):
    """The daemon did not behave."""


def must(truth, *what):
    if not truth:
        raise Wrong(" ".join(str(w) for w in what))


def connect(args, timeout=30, receive_buffer=None):
    host, port = args.address.rsplit(":", 1)
    s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if receive_buffer:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    s.settimeout(timeout * args.slack)
    s.connect((host, int(port)))
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return s


def read_all(s):
    """Until the other side closes; a reset counts as the end, and is told."""
    data, reset = b"", False
    try:
        while piece := s.recv(65536):
            data += piece
    except ConnectionResetError:
        reset = True
    return data, reset


def read_reply(s, data=b""):
    """One reply with Content-Length from s: (status, headers, body, what came behind it)."""
    while b"\r\n\r\n" not in data:
        piece = s.recv(65536)
        must(piece, "closed after", data)
        data += piece
    head, _, rest = data.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    headers = {k.lower(): v.strip() for k, v in (line.split(":", 1) for line in lines[1:])}
    status = int(lines[0].split()[1])
    if status == 100:
        return read_reply(s, rest)
    while len(rest) < int(headers.get("content-length", 0)):
        piece = s.recv(65536)
        must(piece, "closed in the body of", head)
        rest += piece
    n = int(headers.get("content-length", 0))
    return status, headers, rest[:n], rest[n:]


def replies_in(data):
    return re.findall(rb"HTTP/1\.[01] (\d{3})", data)


def exchange(args, request, linger=True):
    """Send as it is; what comes until the close, or for a second on a connection that stays open."""
    s = connect(args)
    s.sendall(request)
    if not linger:
        s.shutdown(socket.SHUT_WR)
    s.settimeout(1.0 * args.slack)
    data, closed = b"", False
    try:
        while True:
            piece = s.recv(65536)
            if not piece:
                closed = True
                break
            data += piece
    except socket.timeout:
        pass
    except ConnectionResetError:
        closed = True
    s.close()
    return data, closed


SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
# name: (bytes, statuses of the one reply that is allowed; None: a close without a reply is allowed too)
FRAMING = {
    "length and chunked": (POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED, {400}),
    "chunked and length": (POST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" + SMUGGLED, {400}),
    "two lengths": (POST + b"Content-Length: 15\r\nContent-Length: 0\r\n\r\n" + BODY + SMUGGLED, {400}),
    "two equal lengths": (POST + b"Content-Length: 15\r\nContent-Length: 15\r\n\r\n" + BODY, {400}),
    "list of lengths": (POST + b"Content-Length: 15, 15\r\n\r\n" + BODY, {400}),
    "length with plus": (POST + b"Content-Length: +15\r\n\r\n" + BODY, {400}),
    "length minus": (POST + b"Content-Length: -1\r\n\r\n" + BODY, {400}),
    "length hexadecimal": (POST + b"Content-Length: 0xf\r\n\r\n" + BODY, {400}),
    "length empty": (POST + b"Content-Length:\r\n\r\n" + BODY, {400}),
    "length with blank inside": (POST + b"Content-Length: 1 5\r\n\r\n" + BODY, {400}),
    "length beyond 64 bits": (POST + b"Content-Length: 18446744073709551616\r\n\r\n" + BODY, {400, 413}),
    "length of 64 bits": (POST + b"Content-Length: 18446744073709551615\r\n\r\n" + BODY, {400, 413}),
    "length of 63 bits": (POST + b"Content-Length: 9223372036854775807\r\n\r\n" + BODY, {413}),
    "blank before colon": (POST + b"Content-Length : 15\r\n\r\n" + BODY, {400}),
    "tab before colon": (POST + b"Transfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED, {400}),
    "folded length": (POST + b"Content-Length: 1\r\n 5\r\n\r\n" + BODY + SMUGGLED, {400}),
    "folded encoding": (POST + b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n" + SMUGGLED, {400}),
    "folded other header": (GET + b"X-A: 1\r\n\tX-B: 2\r\n\r\n" + SMUGGLED, {400}),
    "header without colon": (GET + b"nonsense\r\n\r\n" + SMUGGLED, {400}),
    "header without name": (GET + b": x\r\n\r\n" + SMUGGLED, {400}),
    "header name with quote": (GET + b'X"A: x\r\n\r\n' + SMUGGLED, {400}),
    "control byte in value": (GET + b"X-A: a\x01b\r\n\r\n" + SMUGGLED, {400}),
    "gzip": (POST + b"Transfer-Encoding: gzip\r\n\r\n" + SMUGGLED, {400, 501}),
    "gzip, chunked": (POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" + SMUGGLED, {400, 501}),
    "chunked, identity": (POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + SMUGGLED, {400, 501}),
    "xchunked": (POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + SMUGGLED, {400, 501}),
    "two encodings": (
        POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED, {400, 501}),
    "encoding empty": (POST + b"Transfer-Encoding:\r\n\r\n0\r\n\r\n" + SMUGGLED, {400, 501}),
    "chunked on 1.0": (
        POST.replace(b"1.1", b"1.0") + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED, {400, 501}),
    # libmicrohttpd 1.0.1 takes no extensions: allowed, as long as it says so
    "chunk extension": (
        POST + b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\nF;name=value\r\n" + BODY + b"\r\n0\r\n\r\n",
        {200, 400}),
    "chunk size negative": (POST + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n" + SMUGGLED, {400}),
    "chunk size not a number": (POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n" + SMUGGLED, {400}),
    "chunk size 0x": (POST + b"Transfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n" + SMUGGLED, {400}),
    "chunk size beyond 64 bits": (
        POST + b"Transfer-Encoding: chunked\r\n\r\n10000000000000000f\r\nx\r\n0\r\n\r\n" + SMUGGLED, {400, 413}),
    "chunk longer than its size": (POST + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabcdef\r\n0\r\n\r\n", {400}),
    "no host": (b"GET /v1/activations/relu HTTP/1.1\r\n\r\n" + SMUGGLED, {400}),
    "two hosts": (GET + b"Host: y\r\n\r\n" + SMUGGLED, {400}),
    "two hosts on 1.0": (GET.replace(b"1.1", b"1.0") + b"Host: y\r\n\r\n", {400}),
    "quote in target": (b'GET /v1/activations/"relu" HTTP/1.1\r\nHost: x\r\n\r\n' + SMUGGLED, {400}),
    "byte above 127 in target": (b"GET /v1/\xc3\xa9 HTTP/1.1\r\nHost: x\r\n\r\n" + SMUGGLED, {400}),
    "backslash in target": (b"GET \\v1\\activations HTTP/1.1\r\nHost: x\r\n\r\n" + SMUGGLED, {400}),
    "fragment in target": (b"GET /v1/activations#x HTTP/1.1\r\nHost: x\r\n\r\n" + SMUGGLED, {400}),
    "broken escape": (b"GET /v1/%zz HTTP/1.1\r\nHost: x\r\n\r\n" + SMUGGLED, {400}),
    "cut escape": (b"GET /v1/activations/% HTTP/1.1\r\nHost: x\r\n\r\n" + SMUGGLED, {400}),
    "NUL in target": (b"GET /v1/activations\0/../x HTTP/1.1\r\nHost: x\r\n\r\n", {400, None}),
    "control byte in target": (b"GET /v1/\x07 HTTP/1.1\r\nHost: x\r\n\r\n" + SMUGGLED, {400, None}),
    "blank in target": (b"GET /v1/a ctivations HTTP/1.1\r\nHost: x\r\n\r\n" + SMUGGLED, {400, None}),
    "method with bracket": (b"G[T /v1/activations HTTP/1.1\r\nHost: x\r\n\r\n" + SMUGGLED, {400}),
    "HTTP/0.9": (b"GET /v1/activations/relu\r\n\r\n", {400, 505, None}),
    "HTTP/2.0": (b"GET /v1/activations/relu HTTP/2.0\r\nHost: x\r\n\r\n" + SMUGGLED, {400, 505, None}),
    "HTTP/1.15": (b"GET /v1/activations/relu HTTP/1.15\r\nHost: x\r\n\r\n" + SMUGGLED, {400, 505, None}),
    "HTTP/2 preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {400, 505, None}),
    "TLS hello": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)) + b"\r\n\r\n", {400, 505, None}),
    "garbage": (b"\xff\xfe\r\n\r\n\r\n", {400, 505, None}),
    "colon alone": (GET + b":\r\n\r\n" + SMUGGLED, {400}),
    "colon alone in place of the end": (GET + b":\r\n" + SMUGGLED, {400}),
    "line ends of LF alone": (b"GET /v1/activations/relu HTTP/1.1\nHost: x\n\n" + SMUGGLED, {400}),
    "one line end of LF": (GET + b"X-A: b\nX-B: c\r\n\r\n" + SMUGGLED, {400}),
    "CR in value": (GET + b"X-A: b\rX-B: c\r\n\r\n" + SMUGGLED, {400}),
    "NUL in value": (GET + b"X-A: b\0c\r\n\r\n" + SMUGGLED, {400}),
    "NUL in length": (POST + b"Content-Length: 1\x005\r\n\r\n" + BODY, {400}),
    "NUL in name": (GET + b"X-A\0B: c\r\n\r\n" + SMUGGLED, {400}),
    "two blanks in the request line": (b"GET  /v1/activations HTTP/1.1\r\nHost: x\r\n\r\n" + SMUGGLED, {400, None}),
    "blank behind the version": (b"GET /v1/activations HTTP/1.1 \r\nHost: x\r\n\r\n" + SMUGGLED, {400, 505, None}),
    "blank before the first header": (b"GET /v1/activations HTTP/1.1\r\n Host: x\r\nHost: y\r\n\r\n", {400}),
}


def case_framing(args):
    """Each is refused by one reply and a close; what is hidden behind it is never answered."""
    wrong = []
    for name, (request, allowed) in FRAMING.items():
        data, closed = exchange(args, request)
        statuses = [int(s) for s in replies_in(data)]
        fine = (len(statuses) == 1 and statuses[0] in allowed) or (not statuses and None in allowed)
        if not fine or not closed or b"smuggled" in data:
            wrong.append(f"{name}: replies {statuses}, {'closed' if closed else 'still open'}, allowed {allowed}")
        elif statuses == [400] and b"libmicrohttpd" not in data and data.lower().count(b"connection: close") != 1:
            wrong.append(f"{name}: no Connection: close")
    must(not wrong, "\n".join(wrong))


ACCEPTED = {
    "GET": (GET + b"\r\n", 200),
    "absolute form": (b"GET http://x/v1/activations/relu HTTP/1.1\r\nHost: x\r\n\r\n", 200),
    "HTTP/1.0 without host": (b"GET /v1/activations/relu HTTP/1.0\r\n\r\n", 200),
    "length": (POST + b"Content-Length: 15\r\n\r\n" + BODY, 200),
    "length with zeros": (POST + b"Content-Length: 0000000000015\r\n\r\n" + BODY, 200),
    "chunked": (POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\n" + BODY[:5] + b"\r\na\r\n" + BODY[5:] + b"\r\n0\r\n\r\n", 200),
    "Chunked": (POST + b"transfer-encoding: Chunked\r\n\r\n00F\r\n" + BODY + b"\r\n000\r\n\r\n", 200),
    "trailers": (POST + b"Transfer-Encoding: chunked\r\n\r\nf\r\n" + BODY + b"\r\n0\r\nX-A: b\r\n\r\n", 200),
    "blanks around value": (POST + b"Content-Length:  \t 15\r\n\r\n" + BODY, 200),
    "every character of a target": (b"GET /v1/-._~:@!$&'()*+,;=%41 HTTP/1.1\r\nHost: x\r\n\r\n", 404),
    "escaped NUL": (b"GET /v1/activations/relu%00x HTTP/1.1\r\nHost: x\r\n\r\n", (400, 404)),
    "dots": (b"GET /v1/models/../activations HTTP/1.1\r\nHost: x\r\n\r\n", (400, 404)),
    "escaped dots": (b"GET /v1/%2e%2e/v1/activations HTTP/1.1\r\nHost: x\r\n\r\n", (400, 404)),
    "twice escaped": (b"GET /v1/activations/%2572elu HTTP/1.1\r\nHost: x\r\n\r\n", (400, 404)),
    "empty value": (GET + b"X-Empty:\r\n\r\n", 200),
    "64 headers": (GET + b"".join(b"X-%d: y\r\n" % i for i in range(63)) + b"\r\n", 200),
    "CONNECT": (b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n", (400, 404, 405)),
    "OPTIONS *": (b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", (400, 404, 405)),
    "TRACE": (b"TRACE /v1/activations/relu HTTP/1.1\r\nHost: x\r\n\r\n", 405),
}


def case_accepted(args):
    """The gate's other side: what is allowed gets its answer, and the connection goes on."""
    wrong = []
    for name, (request, status) in ACCEPTED.items():
        s = connect(args)
        s.sendall(request)
        got, headers, body, _ = read_reply(s)
        if got not in (status if isinstance(status, tuple) else (status,)):
            wrong.append(f"{name}: {got} instead of {status}: {body[:200]}")
        elif b"HTTP/1.0" not in request and headers.get("connection") != "close":
            s.sendall(GET + b"\r\n")
            if read_reply(s)[0] != 200:
                wrong.append(f"{name}: the next request on the connection fails")
        if not re.fullmatch(r"[A-Za-z0-9._-]{1,64}", headers.get("x-request-id", "")):
            wrong.append(f"{name}: no X-Request-Id")
        s.close()
    must(not wrong, "\n".join(wrong))


def case_pieces(args):
    """A request is the same in whatever pieces it comes, also with headers of nearly the limit."""
    fields = b"".join(b"X-Field-%d: " % i + b"v" * (i * 31 % 1900) + b"\r\n" for i in range(60))
    small = POST + b"Content-Length: 15\r\nX-A: b\r\n\r\n" + BODY
    large = POST + fields + b"Content-Length: 15\r\n\r\n" + BODY
    must(50000 < len(large) < 65536, len(large))
    s = connect(args)
    for request, steps in ((small, (1, 2, 7, 40)), (large, (977, 20011, 40009))):
        for step in steps:
            for i in range(0, len(request), step):
                s.sendall(request[i:i + step])
                time.sleep(0.0005)
            status, _, body, _ = read_reply(s)
            must(status == 200, len(request), "bytes in steps of", step, status, body)


def case_pipelined(args):
    """Requests sent at once are answered in order, ids and all."""
    s = connect(args)
    s.sendall(b"".join(POST + b"X-Request-Id: n%d\r\nContent-Length: 15\r\n\r\n" % i + BODY for i in range(50)))
    rest = b""
    for i in range(50):
        status, headers, _, rest = read_reply(s, rest)
        must(status == 200 and headers["x-request-id"] == f"n{i}", i, status, headers)


def case_headers(args):
    """65 headers and 64 KiB of headers are refused with 431 that says which limit; more than the parser holds, too."""
    for request, name in (
        (GET + b"".join(b"X-%d: y\r\n" % i for i in range(64)) + b"\r\n", "headers_count_max"),
        (GET + b"X-A: " + b"y" * 65600 + b"\r\n\r\n", ""),
        (GET + b"".join(b"X-%d: " % i + b"y" * 1200 + b"\r\n" for i in range(60)) + b"\r\n", ""),
        (GET + b"X-A: " + b"y" * 1000000 + b"\r\n\r\n", ""),
        (b"GET /" + b"y" * 1000000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", ""),
    ):
        s = connect(args)
        try:
            s.sendall(request)
        except OSError:
            pass
        data, _ = read_all(s)
        must([int(x) for x in replies_in(data)] in ([431], [414]), name, len(request), data[:200])
        must(name.encode() in data, name, data[:300])


def case_request_ids(args):
    """A good id comes back, a bad one is replaced, made ones differ."""
    s = connect(args)
    for given, echoed in ((b"a-B_9.z", True), (b"x" * 64, True), (b"x" * 65, False), (b"a b", False), (b"a;b", False)):
        s.sendall(GET + b"X-Request-Id: " + given + b"\r\n\r\n")
        got = read_reply(s)[1]["x-request-id"]
        must((got == given.decode()) == echoed and re.fullmatch(r"[A-Za-z0-9._-]{1,64}", got), given, got)
    made = set()
    for _ in range(200):
        s.sendall(GET + b"\r\n")
        made.add(read_reply(s)[1]["x-request-id"])
    must(len(made) == 200, "ids repeat")


# ---- early errors ------------------------------------------------------------------------------

def post_with_http_client(args, path, size, headers=None):
    host, port = args.address.rsplit(":", 1)
    c = http.client.HTTPConnection(host, int(port), timeout=60 * args.slack)
    c.request("POST", path, body=b"x" * size, headers=headers or {})
    r = c.getresponse()
    r.read()
    c.close()
    return r.status


def case_early(args):
    """http.client reads the error of a body that it sent whole, every time."""
    for path, headers, size, status in (
        ("/v1/nothing", {}, args.bytes, 404),
        ("/metrics", {}, args.bytes, 405),
        ("/v1/activations/relu", {"Content-Encoding": "gzip"}, args.bytes, 501),
        ("/v1/activations/relu", {"Content-Type": "text/html"}, args.bytes, 415),
    ):
        for i in range(args.times):
            got = post_with_http_client(args, path, size, headers)
            must(got == status, path, size, "attempt", i, got, "instead of", status)


def case_early_large(args):
    """Beyond discard_bytes_max there is an answer before the body has been sent."""
    s = connect(args)
    s.sendall(POST + b"Content-Length: %d\r\n\r\n" % args.bytes + b"x" * 1000)
    status, headers, body, _ = read_reply(s)
    must(status == 413 and headers.get("connection") == "close", status, headers)
    must(json.loads(body)["code"] == "body_too_large", body)
    must(read_all(s)[0] == b"", "a second answer")


def case_early_large_times(args):
    """Clients that read while they send get the refusal of an upload that is far too large."""
    for _ in range(args.times):
        s = connect(args)
        s.sendall(POST + b"Content-Length: %d\r\n\r\n" % args.bytes)
        sent = 0
        try:
            while sent < args.bytes:
                sent += s.send(b"x" * min(65536, args.bytes - sent))
        except OSError:
            pass
        data, _ = read_all(s)
        must(replies_in(data) == [b"413"], data[:200], "after", sent)


def case_expect(args):
    """Expect: 100-continue: refused at once without the body, or told to go on."""
    for path in (b"nothing", b"models/nope:predict", b"activations/nope", b"losses/nope"):
        s = connect(args)
        s.sendall(POST.replace(b"activations/relu", path) + b"Content-Length: 9000000\r\nExpect: 100-continue\r\n\r\n")
        status, headers, _, _ = read_reply(s)
        must(status == 404 and headers.get("connection") == "close", path, status, headers)
    s = connect(args)
    s.sendall(POST + b"Content-Length: 15\r\nExpect: 100-continue\r\n\r\n")
    must(s.recv(100).startswith(b"HTTP/1.1 100 "), "no 100 Continue")
    s.sendall(BODY)
    must(read_reply(s)[0] == 200)


def case_chunked_too_long(args):
    """A chunked body is counted: 413 for one that goes on, also after the cap for discarding."""
    for extra in (0, args.bytes):
        s = connect(args)
        s.sendall(POST + b"Transfer-Encoding: chunked\r\n\r\n")
        chunk = b"1000\r\n" + b"x" * 4096 + b"\r\n"
        try:
            for _ in range((args.limit + extra) // 4096 + 1):
                s.sendall(chunk)
            s.sendall(b"0\r\n\r\n")
        except OSError:
            pass
        data, _ = exchange_rest(s, args)
        must(replies_in(data) == [b"413"] and b"body_too_large" in data, extra, data[:300])


def exchange_rest(s, args):
    s.settimeout(2 * args.slack)
    data = b""
    try:
        while piece := s.recv(65536):
            data += piece
    except OSError:
        pass
    return data, None


def case_tiny_chunks(args):
    """A million chunks of a byte: an answer, and memory that stays."""
    before = rss_kib(args.pid)
    s = connect(args, timeout=120)
    s.sendall(POST + b"Transfer-Encoding: chunked\r\n\r\n")
    body = b'{"data":[' + b"1," * ((args.count - 11) // 2) + b"1]}"
    pieces = b"".join(b"1\r\n" + body[i:i + 1] + b"\r\n" for i in range(len(body)))
    s.sendall(pieces + b"0\r\n\r\n")
    status, _, text, _ = read_reply(s)
    must(status == 200, status, text[:200])
    # The body itself and its tensors are a few bytes per chunk; a structure per chunk would be far more.
    grown = rss_kib(args.pid) - before
    must(grown < 65536 * args.slack, "memory grew by", grown, "KiB")


def rss_kib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return int(re.search(r"VmRSS:\s+(\d+)", f.read()).group(1))


def case_promises(args):
    """Headers that promise large bodies cost no memory: it grows with what arrives."""
    before = rss_kib(args.pid)
    held = []
    for _ in range(args.count):
        s = connect(args)
        s.sendall(POST + b"Content-Length: %d\r\n\r\n" % args.bytes + b"x" * 10)
        held.append(s)
    time.sleep(0.5)
    grown = rss_kib(args.pid) - before
    must(grown < 40960, "memory grew by", grown, "KiB for", args.count, "promises")
    s = connect(args)
    s.sendall(POST + b"Content-Length: 15\r\n\r\n" + BODY)
    must(read_reply(s)[0] == 200)


def case_bodies_in_flight(args):
    """Bodies of all connections together: beyond the limit 503 with Retry-After, and it comes back."""
    held = [connect(args) for _ in range(2)]
    size = args.limit * 3 // 4
    text = b'{"data":"' + b"x" * size  # held as it is, since the string has no end
    for s in held:  # both are admitted while nothing is there
        s.sendall(POST + b"Content-Length: %d\r\n\r\n" % size)
    time.sleep(0.3)
    held[0].sendall(text[:size - 1])
    time.sleep(0.3)
    held[1].sendall(text[:size])  # the limit is reached in the middle of it
    status, headers, body, _ = read_reply(held[1])
    must(status == 503 and "retry-after" in headers and b"overloaded" in body, status, headers, body)
    s = connect(args)
    s.sendall(POST + b"Content-Length: %d\r\n\r\n" % (args.limit // 2) + b"x" * (args.limit // 2))
    status, headers, body, _ = read_reply(s)
    must(status == 503 and "retry-after" in headers and b"overloaded" in body, status, headers, body)
    for h in held:
        h.close()
    time.sleep(0.5)
    s = connect(args)
    s.sendall(POST + b"Content-Length: 15\r\n\r\n" + BODY)
    must(read_reply(s)[0] == 200, "the limit did not come back")


def case_leaves(args):
    """Clients that leave in the middle of everything."""
    for i in range(args.times):
        for request in (GET[:20], GET, POST + b"Content-Length: 1000\r\n\r\nabc",
                        POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab", GET + b"\r\n"):
            s = connect(args)
            s.sendall(request)
            if i % 2:  # a reset instead of a farewell
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            s.close()
    big = b'{"data":[' + b"0.1," * 200000 + b"1]}"
    for _ in range(3):  # in the middle of the reply
        s = connect(args, receive_buffer=4096)
        s.sendall(POST + b"Content-Length: %d\r\n\r\n" % len(big) + big)
        s.recv(1000)
        s.close()
    s = connect(args)
    s.sendall(GET + b"\r\n")
    must(read_reply(s)[0] == 200)


# ---- slow clients ------------------------------------------------------------------------------

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


def gauge(args, name):
    host, port = args.address.rsplit(":", 1)
    c = http.client.HTTPConnection(host, int(port), timeout=30 * args.slack)
    c.request("GET", "/metrics")
    text = c.getresponse().read().decode()
    c.close()
    return re.search(rf"^{re.escape(name)} (\S+)$", text, re.M).group(1)


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
    must(worst < 1.0 * args.slack, "a healthy client waited", worst)
    print(f"# {args.count} slow clients, worst of 50 healthy requests {worst * 1000:.1f} ms")


# ---- connections -------------------------------------------------------------------------------

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


# ---- drain -------------------------------------------------------------------------------------

def case_drain(args):
    """SIGTERM under load: a request of which the daemon has taken a byte is answered, whole.

    Clients post in a loop, most on kept connections, some on a new one each time. Each request ends in one of: a whole reply; a refused connect; or a
    close without a byte of reply on a connection that had already served, which a client may repeat (RFC 9112 9.3.1).
    A reply that is cut, a reset after a byte of reply, or silence on a fresh connection is a loss.
    """
    lost, answered, crossed = [], [0], [0]
    stop_at = time.monotonic() + 60 * args.slack

    def client(number):
        while time.monotonic() < stop_at:
            try:
                s = connect(args)
            except (ConnectionRefusedError, ConnectionResetError):
                return
            served = 0
            while time.monotonic() < stop_at:
                got = b""
                try:
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
                    if served and not got:
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


def main():
    cases = {name[5:]: f for name, f in globals().items() if name.startswith("case_")}
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("case", choices=sorted(cases))
    parser.add_argument("--address", required=True)
    parser.add_argument("--slack", type=float, default=1)
    parser.add_argument("--pid", type=int)
    parser.add_argument("--bytes", type=int, default=8000000)
    parser.add_argument("--limit", type=int, default=0)
    parser.add_argument("--count", type=int, default=8)
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=1)
    args = parser.parse_args()
    try:
        cases[args.case](args)
    except (Wrong, OSError) as e:
        print(f"# {args.case}: {e!r}".replace("\\n", "\n#   "))
        sys.exit(1)


if __name__ == "__main__":
    main()
