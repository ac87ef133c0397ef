#!/usr/bin/env python3
"""batch_clients.py CASE --address HOST:PORT - many clients at once, each with rows of its own.

Every case is a function case_NAME(args); it returns nothing if the daemon behaved and raises (exit 1, reason on
stderr) if not. Only the standard library. The models are those of t1060-batching.sh.
"""
import argparse
import http.client
import json
import os
import random
import signal
import sys
import threading
import time


class Wrong(Exception):
    """The daemon did not behave."""


def must(truth, *what):
    if not truth:
        raise Wrong(" ".join(str(w) for w in what))


def connection(args):
    return http.client.HTTPConnection(args.address, timeout=60 * args.slack)


def body(seed, rows, features):
    numbers = random.Random(seed)
    return json.dumps({"instances": [[round(numbers.uniform(-1, 1), 4) for _ in range(features)] for _ in range(rows)]})


def ask(conn, model, text):
    conn.request("POST", f"/v1/models/{model}:predict", text, {"Content-Type": "application/json"})
    reply = conn.getresponse()
    return reply.status, reply.read()


def all_at_once(count, client):
    """client(i) on a thread each; the first complaint of any of them."""
    complaints = []

    def run(i):
        try:
            client(i)
        except Exception as e:  # a thread's end is no end of the test
            complaints.append(f"client {i}: {type(e).__name__}: {e}")

    threads = [threading.Thread(target=run, args=(i,)) for i in range(count)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    must(not complaints, *complaints[:3])


def case_same(args):
    """Replies under load are byte for byte what each request gets when it is alone."""
    bodies = [body(i, 1 + i % 7, args.features) for i in range(args.count)]
    conn = connection(args)
    alone = [ask(conn, args.model, text) for text in bodies]
    must(all(status == 200 for status, _ in alone), "alone:", [s for s, _ in alone if s != 200])
    must(len({text for _, text in alone}) == args.count, "replies are not distinct")
    until = time.monotonic() + args.seconds

    def client(i):
        mine = connection(args)
        rounds = 0
        while rounds < 2 or time.monotonic() < until:
            got = ask(mine, args.model, bodies[i])
            must(got == alone[i], "status", got[0], "differs from the reply alone:", got[1][:120])
            rounds += 1

    all_at_once(args.count, client)


def case_long(args):
    """A long request has the rows that its parts have, and a short one beside it is answered."""
    rows = json.loads(body(1, 4096, args.features))["instances"]

    def client(i):
        conn = connection(args)
        if i == 0:
            status, text = ask(conn, args.model, json.dumps({"instances": rows}))
            must(status == 200, status, text[:200])
            got = json.loads(text)["predictions"]
            for first in (0, 255, 2000, 4090):
                _, part = ask(conn, args.model, json.dumps({"instances": rows[first:first + 6]}))
                must(json.loads(part)["predictions"] == got[first:first + 6], "rows differ from", first)
        else:
            time.sleep(0.05)
            status, text = ask(conn, args.model, json.dumps({"instances": rows[:1]}))
            must(status == 200, status, text[:200])

    all_at_once(2, client)


def case_drain(args):
    """SIGTERM while requests wait and while they are computed: whoever got through to it gets an answer."""
    answered, refused = [], []
    stop = threading.Event()

    def client(i):
        text = body(i, 1 + i % 3, args.features)
        while not stop.is_set():
            conn = connection(args)
            sent = False
            try:
                conn.connect()
                conn.request("POST", f"/v1/models/{args.model}:predict", text, {"Content-Type": "application/json"})
                sent = True
                reply = conn.getresponse()
                must(reply.status == 200 and reply.read(), "status", reply.status)
                answered.append(i)
            except (ConnectionRefusedError, ConnectionResetError, TimeoutError) as e:
                must(not sent, "sent, and then:", type(e).__name__)
                refused.append(i)
                return
            finally:
                conn.close()

    def terminate():
        time.sleep(args.seconds)
        os.kill(args.pid, signal.SIGTERM)
        time.sleep(5 * args.slack)
        stop.set()

    ending = threading.Thread(target=terminate, daemon=True)
    ending.start()
    all_at_once(args.count, client)
    must(len(answered) >= args.count, "only", len(answered), "answers before the end")


def case_waiting(args):
    """Requests that wait: their statuses, and how long the slowest took; prints "STATUS SECONDS" for each."""
    lines = []

    def client(i):
        began = time.monotonic()
        try:
            status, _ = ask(connection(args), args.model, body(i, args.rows, args.features))
        except (ConnectionError, http.client.HTTPException) as e:
            status = type(e).__name__
        lines.append(f"{status} {time.monotonic() - began:.2f}")

    all_at_once(args.count, client)
    print("\n".join(lines))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("case")
    parser.add_argument("--address", required=True)
    parser.add_argument("--slack", type=float, default=1)
    parser.add_argument("--model", default="plain")
    parser.add_argument("--features", type=int, default=256)
    parser.add_argument("--count", type=int, default=64)
    parser.add_argument("--rows", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=1)
    parser.add_argument("--pid", type=int)
    args = parser.parse_args()
    try:
        globals()["case_" + args.case](args)
    except Wrong as e:
        print(f"{args.case}: {e}", file=sys.stderr)
        sys.exit(1)


main()
