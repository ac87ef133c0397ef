"""Bodies: refused early, too long, in chunks, many at once, and left in the middle."""
import http.client
import json
import socket
import struct
import time

from wire import GET, POST, BODY, must, connect, read_all, read_reply, replies_in, rss_kib


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
        ("/v1/activations/relu", {"Content-Encoding": "br"}, args.bytes, 501),
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
    until = time.monotonic() + 10 * args.slack
    while True:  # it has not seen them go yet
        s = connect(args)
        s.sendall(POST + b"Content-Length: 15\r\n\r\n" + BODY)
        status = read_reply(s)[0]
        if status != 503 or time.monotonic() > until:
            break
        time.sleep(0.05)
    must(status == 200, "after the others have gone", status)
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
