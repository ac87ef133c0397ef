"""The cases share this: requests, sockets, replies, and the daemon's own account."""
import http.client
import re
import socket

GET = b"GET /v1/activations/relu HTTP/1.1\r\nHost: x\r\n"
POST = b"POST /v1/activations/relu HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
BODY = b'{"data":[1,-2]}'
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"


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
    """One reply with Content-Length from s: (status, headers, body, what came after it)."""
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


def rss_kib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return int(re.search(r"VmRSS:\s+(\d+)", f.read()).group(1))


def scrape(args):
    host, port = args.address.rsplit(":", 1)
    c = http.client.HTTPConnection(host, int(port), timeout=30 * args.slack)
    c.request("GET", "/metrics")
    text = c.getresponse().read().decode()
    c.close()
    return text


def gauge(args, name):
    return re.search(rf"^{re.escape(name)} (\S+)$", scrape(args), re.M).group(1)


def rejected(args):
    """How many requests and connections were refused, for all reasons together."""
    return sum(int(n) for n in re.findall(r"^axond_http_rejected_total\{.*\} (\d+)$", scrape(args), re.M))


def all_refused(args, table):
    """Each request of the table {name: (bytes, statuses)} gets one reply of these statuses and a close (None among
    them: a close alone will do), and what is hidden in it is never answered."""
    wrong = []
    for name, (request, allowed) in table.items():
        data, closed = exchange(args, request)
        statuses = [int(s) for s in replies_in(data)]
        fine = (len(statuses) == 1 and statuses[0] in allowed) or (not statuses and None in allowed)
        if not fine or not closed or b"smuggled" in data:
            wrong.append(f"{name}: replies {statuses}, {'closed' if closed else 'still open'}, allowed {allowed}")
        elif b"application/json" in data and data.lower().count(b"connection: close") != 1:
            wrong.append(f"{name}: no Connection: close")
    must(not wrong, "\n".join(wrong))
