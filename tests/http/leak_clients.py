"""leak_clients.py ADDRESS PID REQUESTS - memory and descriptors of the daemon, before and after so many requests of each route.

A route is asked well, badly, and by clients that leave before they are answered. The daemon may keep memory that the first tenth takes (caches,
arenas, scratch of the workers). The rest may not add up.
"""

import json
import os
import socket
import struct
import sys
import time

ROW = [round((7 * i) % 17, 1) for i in range(64)]
BODIES = [
    ("digits:predict", {"instances": [ROW], "set": 0.1}, {"instances": [ROW], "set": 0.2}),
    ("digits:gradients", {"instances": [ROW], "labels": [3], "input_gradient": True}, {"instances": [ROW], "labels": [10]}),
    ("digits:explain", {"instances": [ROW], "class": "3"}, {"instances": [ROW], "class": "ten"}),
    ("digits:baseline", {"window": "load"}, {"window": "yesterday"}),
]
PATHS = [
    ("models/digits/neurons?units=true&sort=drift", "models/digits/neurons?sort=name"),
    ("models/digits/advice", "models/digit/advice"),
    ("models/digits/sample.npz", "models/breast-cancer/sample.npz"),
    ("activations/relu/plot.svg?compare=gelu,silu&derivative=true", "activations/relu/plot.svg?compare=gelu,gelu"),
    ("guide?task=binary&network=mlp&depth=3", "guide?task=ternary"),
]
KEPT_BYTES, ROUNDS = 1 << 20, 4
TOGETHER = 10  # clients that leave; of them the daemon holds no more at once


def request(address, method, path, body=""):
    head = f"{method} /v1/{path} HTTP/1.1\r\nHost: {address}\r\nContent-Length: {len(body)}\r\n\r\n"
    return (head + body).encode()


def routes(address):
    """-> name, request that is answered, request that is refused"""
    for action, good, bad in BODIES:
        yield action, *(request(address, "POST", f"models/{action}", json.dumps(body)) for body in (good, bad))
    for good, bad in PATHS:
        yield good, request(address, "GET", good), request(address, "GET", bad)


class Client:
    def __init__(self, address):
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), 300)
        self.text = b""

    def ask(self, text):
        """-> the status"""
        self.socket.sendall(text)
        while b"\r\n\r\n" not in self.text:
            self.more()
        head, _, self.text = self.text.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split()[0])
        while len(self.text) < length:
            self.more()
        self.body, self.text = self.text[:length], self.text[length:]
        return int(head.split()[1])

    def get(self, path):
        assert self.ask(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()) == 200
        return self.body

    def more(self):
        some = self.socket.recv(1 << 18)
        if not some:
            raise ConnectionError("the daemon has closed the connection")
        self.text += some


def holds(pid):
    """-> resident bytes, descriptors"""
    with open(f"/proc/{pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE"), len(os.listdir(f"/proc/{pid}/fd"))


def keeps(pid, name, ask):
    """More is there after each of some rounds: once, as many requests may have met as never before."""
    instrumented = bool(os.environ.get("TEST_SLOW"))  # a sanitizer keeps what was freed, and looks for leaks itself
    for _ in range(ROUNDS):
        before = holds(pid)
        ask()
        after = holds(pid)
        print(f"# {name}: {after[0] - before[0]} bytes more, {before[1]} and {after[1]} descriptors")
        if after[1] <= before[1] and (after[0] - before[0] <= KEPT_BYTES or instrumented):
            return False
    return True


def ask_both(client, good, bad, times, name):
    for _ in range(times):
        statuses = client.ask(good), client.ask(bad)
        assert statuses[0] == 200 and statuses[1] in (400, 404), f"{name}: {statuses}"


def leave(address, scraper, text, times):
    """Clients that send all of a request and are gone: by an end, or by a reset. Few at once; and until nobody is left."""
    host, port = address.rsplit(":", 1)
    for number in range(times):
        with socket.create_connection((host, int(port)), 300) as s:
            if number % 2:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            s.sendall(text)
        while number % TOGETHER == TOGETHER - 1 and b"\naxond_http_connections 2\n" not in scraper.get("/metrics"):
            time.sleep(0.001)


def check_leavers(address, scraper, pid, requests):
    """-> names of the routes that keep something"""
    rows = [ROW] * 100
    long = {
        "digits:predict": {"instances": rows, "set": 0.1},
        "digits:gradients": {"instances": rows, "labels": [1] * 100},
        "digits:explain": {"instances": rows},
    }
    texts = {name: good for name, good, _ in routes(address)}
    texts.update({name: request(address, "POST", f"models/{name}", json.dumps(body)) for name, body in long.items()})
    wrong = []
    for name, text in texts.items():
        leave(address, scraper, text, requests // 10)
        left = f"{name}, left by {requests} clients"
        wrong += [left] * keeps(pid, left, lambda text=text: leave(address, scraper, text, requests))
    return wrong


def main(address, pid, requests):
    client, wrong = Client(address), []
    fill = request(address, "POST", "models/digits:predict", json.dumps({"instances": [[i % 17] * 64 for i in range(400)]}))
    assert client.ask(fill) == 200
    for name, good, bad in routes(address):
        ask_both(client, good, bad, requests // 10, name)
        wrong += [name] * keeps(pid, name, lambda: ask_both(client, good, bad, requests, name))
    wrong += check_leavers(address, Client(address), pid, requests)
    sys.exit(f"# these keep memory or descriptors: {wrong}" if wrong else 0)


main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
