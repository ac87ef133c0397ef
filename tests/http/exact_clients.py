"""64 connections, six models, reloads and readers; then every figure against doubles over the rows that were answered.

    exact_clients.py ACTIVATIONS models FOLDER                       three hidden layers: relu,tanh,silu
    exact_clients.py ACTIVATIONS run FOLDER ADDRESS PID LOG WINDOW   the daemon that serves FOLDER/models; its sliding window

A client remembers which rows a 200 has answered, and which weights said so. Reloads happen once enough is answered, and clients go on until
they have happened: nothing depends on how fast anybody is.
"""

import collections
import http.client
import json
import math
import os
import random
import signal
import socket
import struct
import sys
import threading
import time

import exact_network as network
import exact_read as read

CLIENTS, ROUNDS, READERS, LEAVERS = 64, 4, 3, 6
SIZES = [1, 1, 1, 2, 3, 7, 31, 32, 100, 255, 256]
FULL = {"queue_rows_max": 1 << 24}
MODELS = {  # what their config.json says beside the network
    "inline": {"batching": FULL},
    "ones": {"batching": FULL},
    "batched": {"batching": FULL | {"queue_delay_us": 2000}, "record": {"rows": 65536}},
    "sampled": {"batching": FULL, "neurons": {"stats": "sampled", "every": read.EVERY}},
    "kept": {"batching": FULL, "versions": {"policy": "all"}},
    "turned": {"batching": FULL},
}
# The rows that are not finite.
BAD = {"inline": "nan", "ones": "overflow", "batched": "overflow", "kept": "overflow", "turned": "nan"}
HEADERS = {"Content-Type": "application/json"}
network.use(sys.argv[1].split(","))
ROWS = network.make_rows()


def write_models(folder):
    for name, more in MODELS.items():
        network.write_config(f"{folder}/models/{name}", more)
        network.write_weights(f"{folder}/models/{name}", 1, 1)


class Served:
    """The answers so far, by model and tag; under one lock."""

    def __init__(self):
        self.lock = threading.Lock()
        self.rows = collections.defaultdict(collections.Counter)  # (model, tag) -> {Row: times}
        self.requests = collections.Counter()  # (model, tag) -> answered 200
        self.refused = collections.Counter()  # model -> outputs that were not finite, refused for that
        self.outputs = {}  # (Row, tag) -> the floats that were answered
        self.errors = []

    def add(self, model, rows, outputs):
        tag = next(tag_of(y) for row, y in zip(rows, outputs) if row.counts)
        with self.lock:
            for row, y in zip(rows, outputs):
                before = self.outputs.setdefault((row, tag), y)
                read.must(same(before, y), model, row.text, "was answered", before, "and now", y)
            self.rows[model, tag].update(rows)
            self.requests[model, tag] += 1


def tag_of(y):
    return round(math.log(y[2] / y[3]))


def same(a, b):
    return a == b or all(x == y or (math.isnan(x) and math.isnan(y)) for x, y in zip(a, b))


# ---- clients


def connect(address):
    return http.client.HTTPConnection(address, timeout=900)


def body_of(rows):
    return '{"instances":[' + ",".join(row.text for row in rows) + "]}"


def choose(model, rng):
    """-> rows, and whether they are to be refused: some are not finite, and the client has asked for no other policy"""
    if model == "sampled":
        return rng.choices(ROWS["hot"], k=rng.choice(SIZES)), False
    strict = BAD[model] == "overflow" and rng.random() < 0.2  # NaN cannot even be said then
    rows = rng.choices(ROWS["plain"], k=1 if model == "ones" else rng.choice(SIZES))
    places = [i for i in read.BAD_ROWS if i < len(rows)] if strict or rng.random() < 0.5 else []
    if model == "ones" and strict:
        places = [0]
    for i in places:
        rows[i] = ROWS[BAD[model]][0]
    return rows, strict and len(places) > 0


def post(connection, served, model, rows, strict):
    query = "" if strict else "?non_finite=token"
    connection.request("POST", f"/v1/models/{model}:predict{query}", body_of(rows), HEADERS)
    reply = connection.getresponse()
    text = reply.read()
    if strict:
        read.must(reply.status == 400 and json.loads(text)["code"] == "non_finite", model, reply.status, text[:200])
        with served.lock:
            served.refused[model] += sum(row.not_finite for row in rows)
        return
    read.must(reply.status == 200, model, reply.status, text[:200])
    outputs = json.loads(text)["predictions"]
    read.must(len(outputs) == len(rows), model, len(outputs), "of", len(rows), "rows")
    served.add(model, rows, [tuple(map(network.float32, y)) for y in outputs])


def client(number, address, served, over):
    rng = random.Random(number)
    connection, rounds = connect(address), 0
    while rounds < ROUNDS or not over.is_set():
        for model in rng.sample(list(MODELS), len(MODELS)):
            rows, strict = choose(model, rng)
            post(connection, served, model, rows, strict)
        rounds += 1
    connection.close()


def leaver(number, address, over):
    """Requests that are cut off: in the middle, or with the last byte. The daemon may answer the latter."""
    rng = random.Random(number)
    host, port = address.rsplit(":", 1)
    body = body_of(ROWS["leaving"] * read.LEAVING_ROWS).encode()
    while not over.is_set():
        model = rng.choice(["inline", "batched"])
        head = f"POST /v1/models/{model}:predict HTTP/1.1\r\nHost: {address}\r\nContent-Length: {len(body)}\r\n\r\n"
        text = head.encode() + body
        with socket.create_connection((host, int(port)), 900) as s:
            if rng.random() < 0.5:  # a reset, not an end
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            s.sendall(text[: -rng.choice([1, 20, len(body)])] if rng.random() < 0.3 else text)
        time.sleep(0.002)


# ---- reloads


def wait_for(condition, served):
    while not condition():
        read.must(not served.errors, *served.errors[:1])
        time.sleep(0.02)


class Daemon:
    def __init__(self, folder, pid, log):
        self.folder, self.pid, self.log = folder, int(pid), log

    def reloads(self):
        with open(self.log, encoding="utf-8") as file:
            return sum("event=models_reloaded" in line for line in file)

    def reload(self, served):
        before = self.reloads()
        os.kill(self.pid, signal.SIGHUP)
        wait_for(lambda: self.reloads() > before, served)

    def write(self, model, version, tag):
        network.write_weights(f"{self.folder}/models/{model}", version, tag)


def reloads(daemon, served):
    """Nothing changes; new versions come; the weights of one change."""

    def answered(model, tag, requests):
        wait_for(lambda: served.requests[model, tag] >= requests, served)

    answered("turned", 1, 10)
    daemon.reload(served)
    for tag in (2, 3):
        for model in ("kept", "turned"):
            daemon.write(model, tag, tag)
        daemon.reload(served)
        for model in ("kept", "turned"):
            answered(model, tag, 10)
        daemon.reload(served)
    daemon.write("turned", 3, 4)
    daemon.reload(served)
    answered("turned", 4, 10)
    daemon.reload(served)


# ---- all of it


def run(folder, address, pid, log, window):
    served, over, done = Served(), threading.Event(), threading.Event()

    def start(function, *arguments):
        def guarded():
            try:
                function(*arguments)
            except Exception as e:  # the end of a thread is not the end of the test
                served.errors.append(f"{function.__name__}: {type(e).__name__}: {e}")

        thread = threading.Thread(target=guarded)
        thread.start()
        return thread

    clients = [start(client, i, address, served, over) for i in range(CLIENTS)]
    others = [start(leaver, i, address, done) for i in range(LEAVERS)]
    others += [start(read.reader, i, connect(address), list(MODELS), window, done) for i in range(READERS)]
    try:
        reloads(Daemon(folder, pid, log), served)
    finally:
        over.set()
        for thread in clients:
            thread.join()
        done.set()
        for thread in others:
            thread.join()
    read.must(not served.errors, *served.errors[:3])
    read.check_all(connect(address), served, ROWS, window)


if sys.argv[2] == "models":
    write_models(sys.argv[3])
else:
    try:
        run(*sys.argv[3:])
    except AssertionError as e:
        sys.exit(f"# {e}")
