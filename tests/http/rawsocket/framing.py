"""Framing: bytes that two servers could read differently, and what the standard allows."""
import re
import time

from wire import GET, POST, BODY, SMUGGLED, all_refused, must, connect, exchange, read_all, read_reply, rejected, replies_in

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
    "no host": (b"GET /v1/activations/relu HTTP/1.1\r\n\r\n" + SMUGGLED, {400}),
    "two hosts": (GET + b"Host: y\r\n\r\n" + SMUGGLED, {400}),
    "two hosts on 1.0": (GET.replace(b"1.1", b"1.0") + b"Host: y\r\n\r\n", {400}),
    "two keys": (GET + b"X-API-Key: a\r\nX-API-Key: b\r\n\r\n" + SMUGGLED, {400}),
    "a key twice": (GET + b"Authorization: Bearer a\r\nAuthorization: Bearer a\r\n\r\n" + SMUGGLED, {400}),
    "control byte in key": (GET + b"X-API-Key: a\x02\r\n\r\n" + SMUGGLED, {400}),
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
    """Each is refused by one reply and a close; a request that is hidden in it is never answered."""
    all_refused(args, FRAMING)


def case_refusals_counted(args):
    """Whatever was refused is counted as such, and what was not is not."""
    unseen = []
    for name, (request, _) in FRAMING.items():
        before = rejected(args)
        exchange(args, request)
        until = time.monotonic() + 5 * args.slack
        while rejected(args) == before and time.monotonic() < until:
            time.sleep(0.02)
        if rejected(args) == before:
            unseen.append(name)
    must(not unseen, "in no metric:", unseen)
    before = rejected(args)
    for request in (b"", GET + b"\r\n", POST + b"Content-Length: 15\r\n\r\n" + BODY, b"\r\n" + GET + b"\r\n"):
        exchange(args, request, linger=False)
    must(rejected(args) == before, "counted as refused, but was not")


ACCEPTED = {
    "GET": (GET + b"\r\n", 200),
    "absolute form": (b"GET http://x/v1/activations/relu HTTP/1.1\r\nHost: x\r\n\r\n", 200),
    "HTTP/1.0 without host": (b"GET /v1/activations/relu HTTP/1.0\r\n\r\n", 200),
    "length": (POST + b"Content-Length: 15\r\n\r\n" + BODY, 200),
    "length with zeros": (POST + b"Content-Length: 0000000000015\r\n\r\n" + BODY, 200),
    "blanks around value": (POST + b"Content-Length:  \t 15\r\n\r\n" + BODY, 200),
    "blanks after a value": (
        POST + b"Accept: */* \t\r\nContent-Encoding: identity \r\nX-A: b \r\nContent-Length: 15\r\nX-B: \t\r\n\r\n" + BODY, 200),
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
    longest = args.limit // 32
    fields = b"".join(b"X-Field-%d: " % i + b"v" * (i * 31 % longest) + b"\r\n" for i in range(60))
    small = POST + b"Content-Length: 15\r\nX-A: b\r\n\r\n" + BODY
    large = POST + fields + b"Content-Length: 15\r\n\r\n" + BODY
    must(0.75 * args.limit < len(large) < args.limit, len(large))
    s = connect(args)
    for request, steps in ((small, (1, 2, 7, 40)), (large, (977, args.limit // 3, args.limit // 2 + 1))):
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
    """65 headers and 16 KiB of headers are refused with 431 that says which limit; more than the parser holds, too."""
    for request, name in (
        (GET + b"".join(b"X-%d: y\r\n" % i for i in range(64)) + b"\r\n", "headers_count_max"),
        (GET + b"X-A: " + b"y" * 16384 + b"\r\n\r\n", "headers_bytes_max"),
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
    for given, echoed in ((b"a-B_9.z", True), (b"a-B_9.z \t", True), (b"x" * 64, True), (b"x" * 65, False), (b"a b", False), (b"a;b", False)):
        s.sendall(GET + b"X-Request-Id: " + given + b"\r\n\r\n")
        got = read_reply(s)[1]["x-request-id"]
        must((got == given.decode().strip()) == echoed and re.fullmatch(r"[A-Za-z0-9._-]{1,64}", got), given, got)
    made = set()
    for _ in range(200):
        s.sendall(GET + b"\r\n")
        made.add(read_reply(s)[1]["x-request-id"])
    must(len(made) == 200, "ids repeat")
