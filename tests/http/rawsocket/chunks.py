"""Chunked bodies: served where the HTTP library checks their framing, else refused whatever is in them."""
import http.client
import json

from wire import GET, POST, BODY, SMUGGLED, all_refused, must, connect, read_all, read_reply

HEAD = POST + b"Transfer-Encoding: chunked\r\n\r\n"

GOOD = {
    "two chunks": HEAD + b"5\r\n" + BODY[:5] + b"\r\na\r\n" + BODY[5:] + b"\r\n0\r\n\r\n",
    "in capitals, with zeros": HEAD.replace(b"chunked", b"Chunked") + b"00F\r\n" + BODY + b"\r\n000\r\n\r\n",
    "trailers": HEAD + b"f\r\n" + BODY + b"\r\n0\r\nX-A: b\r\n\r\n",
}

# name: (bytes, statuses of the one reply)
BAD = {
    "size negative": (HEAD + b"-1\r\n\r\n" + SMUGGLED, {400}),
    "size not a number": (HEAD + b"zz\r\n\r\n" + SMUGGLED, {400}),
    "size 0x": (HEAD + b"0x5\r\nhello\r\n0\r\n\r\n" + SMUGGLED, {400}),
    "size beyond 64 bits": (HEAD + b"10000000000000000f\r\nx\r\n0\r\n\r\n" + SMUGGLED, {400, 413}),
    "longer than its size": (HEAD + b"3\r\nabcdef\r\n0\r\n\r\n", {400}),
    "extension of 30,000 bytes that goes on": (HEAD + b"f;" + b"x" * 30000 + b"\r" + BODY * 9000, {400, 413, 431}),
    "extension of 200,000 bytes": (HEAD + b"f;" + b"x" * 200000 + b"\r\n" + BODY + b"\r\n0\r\n\r\n", {400, 413, 431}),
    "size of 100,000 digits": (HEAD + b"0" * 100000 + b"f\r\n" + BODY + b"\r\n0\r\n\r\n", {400, 413, 431}),
    "trailers of 200,000 bytes": (
        HEAD + b"f\r\n" + BODY + b"\r\n0\r\nX-A: " + b"y" * 200000 + b"\r\n\r\n", {400, 413, 431}),
    "extension of 73,596 bytes": (HEAD + b"f;" + b"x" * 73596 + b"\r\n" + BODY + b"\r\n0\r\n\r\n", {400, 413, 431}),
}

# One request for whoever ends lines at CRLF, two for libmicrohttpd before 0.9.77.
AMBIGUOUS = {
    "size line ended by LF": (HEAD + b"f\n" + BODY + b"\r\n0\r\n\r\n" + SMUGGLED, {400}),
    "chunk ended by LF": (HEAD + b"f\r\n" + BODY + b"\n0\r\n\r\n" + SMUGGLED, {400}),
    "LF in an extension": (HEAD + b"f;\n" + BODY + b"\r\n0\r\n\r\n" + SMUGGLED, {400}),
    "CR in an extension": (HEAD + b"f;a\rb\r\n" + BODY + b"\r\n0\r\n\r\n" + SMUGGLED, {400}),
    "NUL in an extension": (HEAD + b"f;a\0b\r\n" + BODY + b"\r\n0\r\n\r\n" + SMUGGLED, {400}),
    "last chunk ended by LF": (HEAD + b"f\r\n" + BODY + b"\r\n0\n\n" + SMUGGLED, {400}),
    "extension of the last chunk": (HEAD + b"f\r\n" + BODY + b"\r\n0;x\r\n" + SMUGGLED[:-4] + b"\r\n\r\n", {200, 400}),
}


def case_chunks_served(args):
    """Well-formed chunks are read, and the connection goes on; malformed ones are refused once."""
    for name, request in GOOD.items():
        s = connect(args)
        s.sendall(request)
        status, _, body, _ = read_reply(s)
        must(status == 200, name, status, body)
        s.sendall(GET + b"\r\n")
        must(read_reply(s)[0] == 200, name, "the next request on the connection fails")
    all_refused(args, BAD)


def case_chunks_unambiguous(args):
    """Chunks that two servers could read differently are refused."""
    all_refused(args, AMBIGUOUS)


def case_chunks_refused(args):
    """Chunks of whatever kind are not read at all: one 411 in JSON that gives the reason, and a close."""
    requests = GOOD | {name: request for name, (request, _) in (BAD | AMBIGUOUS).items()}
    all_refused(args, {name: (request, {411}) for name, request in requests.items()})
    s = connect(args)
    s.sendall(HEAD)  # no chunk has been sent, so none is waited for
    status, headers, body, _ = read_reply(s)
    must(status == 411 and headers.get("connection") == "close", status, headers)
    error = json.loads(body)
    must(error["code"] == "length_required" and "chunked_bodies" in error["error"], error)


def case_chunks_of_a_generator(args):
    """http.client (and so Python's requests) sends a generator in chunks: it reads the reply, 200 or 411."""
    host, port = args.address.rsplit(":", 1)
    for _ in range(args.times):
        c = http.client.HTTPConnection(host, int(port), timeout=60 * args.slack)
        c.request("POST", "/v1/activations/relu", body=iter([b'{"data":['] + [b"1.5," * 1000] * 500 + [b"1]}"]))
        r = c.getresponse()
        body = r.read()
        must(r.status == args.limit, r.status, "instead of", args.limit, body[:200])
        c.close()


def case_chunked_too_long(args):
    """A chunked body is counted: 413 for one that goes on, also after the cap for discarding."""
    for extra in (0, args.bytes):
        s = connect(args)
        s.sendall(HEAD)
        chunk = b"1000\r\n" + b"x" * 4096 + b"\r\n"
        try:
            for _ in range((args.limit + extra) // 4096 + 1):
                s.sendall(chunk)
            s.sendall(b"0\r\n\r\n")
        except OSError:
            pass
        status, headers, body, rest = read_reply(s)
        must(status == 413 and b"body_too_large" in body, extra, status, body)
        if headers.get("connection") == "close":
            rest += read_all(s)[0]
        must(not rest, "a second answer", rest[:300])
