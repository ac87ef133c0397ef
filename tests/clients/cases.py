"""cases.py - cases that are run and reported, and calls of a client that are counted. Imported by the scripts of clients.

A case is a function case_NAME of a script; it fails by an exception. run() prints a line for each, `passed` or `failed`, a
tab, and its name in words; what went wrong stands before it. At the end it prints how many calls each method of each client took.
"""
import asyncio
import collections
import inspect
import json
import traceback
import urllib.request

import numpy

calls = collections.Counter()   # (client, method): how often it was called
failed = collections.Counter()  # ... and how often its case ended with that call
last = None


class Counted:
    """A client whose calls are counted; sync and async ones are awaited alike."""

    def __init__(self, name, client):
        self.name, self.client = name, client

    def __getattr__(self, method):
        target = getattr(self.client, method)

        async def call(*args, **options):
            count(self.name, method)
            value = target(*args, **options)
            return await value if inspect.isawaitable(value) else value
        return call


def count(client, method):
    global last
    last = client, method
    calls[last] += 1


def run(namespace, *arguments, prefix="case_"):
    """Every function of a script's namespace whose name begins so, with these arguments."""
    global last
    for name, case in [item for item in namespace.items() if item[0].startswith(prefix)]:
        last, verdict = None, "passed"
        try:
            outcome = case(*arguments)
            if inspect.isawaitable(outcome):
                asyncio.get_event_loop().run_until_complete(outcome)
        except Exception:  # whatever it is, the other cases are run as well
            traceback.print_exc()
            failed[last] += 1
            verdict = "failed"
        print(verdict, name.removeprefix(prefix).replace("_", " "), sep="\t", flush=True)
    table()
    print("all cases ran")


def table():
    rows = [("client", "method", "calls", "passed")]
    rows += [(*key, calls[key], calls[key] - failed[key]) for key in sorted(calls)]
    for client in sorted({client for client, _ in calls}):
        count = sum(n for key, n in calls.items() if key[0] == client)
        rows.append((client, "all", count, count - sum(n for key, n in failed.items() if key and key[0] == client)))
    for row in rows:
        print("{:<24}{:<36}{:>6}{:>8}".format(*row))


# ---- what answers are compared with ----

def rows_of(model, rows):
    """Rows that training never saw, from the first on, as float32."""
    with open(f"tests/data/{model}/heldout.json", encoding="utf-8") as file:
        held = numpy.array(json.load(file)["instances"], dtype=numpy.float32)
    return numpy.resize(held, (rows, held.shape[1]))


def post(address, path, body, headers=None):
    """The status, headers and bytes that answer a body of bytes or of JSON."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(f"http://{address}{path}", data, {"Content-Type": "application/json", **(headers or {})})
    with urllib.request.urlopen(request) as reply:
        return reply.status, reply.headers, reply.read()


def predicted(address, model, array):
    """An array's answers by :predict, as float32: the text that it writes reads back to the same bits."""
    reply = json.loads(post(address, f"/v1/models/{model}:predict", {"instances": array.tolist()})[2])
    return numpy.array(reply["predictions"], dtype=numpy.float32)


def same_bits(got, want):
    want = want.reshape(got.shape)
    assert got.dtype == numpy.float32 and got.tobytes() == want.tobytes(), f"{got} is not {want} bit for bit"
