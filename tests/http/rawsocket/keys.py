"""Keys: refused uploads that Python's own client reads, and a key that is taken away from a connection."""
import http.client
import os
import signal
import time

from bodies import post_with_http_client
from wire import must


def case_keyless(args):
    """http.client reads the 401 of a body that it sent whole, every time, and goes on with the connection."""
    for headers in ({}, {"X-API-Key": "no-key"}, {"Authorization": "Bearer no-key"}):
        for i in range(args.times):
            got = post_with_http_client(args, "/v1/models/digits:predict", args.bytes, headers)
            must(got == 401, headers, "attempt", i, got)
    host, port = args.address.rsplit(":", 1)
    c = http.client.HTTPConnection(host, int(port), timeout=60 * args.slack)
    for headers, status in ({}, 401), ({"X-API-Key": args.key}, 200), ({"X-API-Key": args.key + "x"}, 401):
        c.request("GET", "/v1/models", headers=headers)
        opened = c.sock
        reply = c.getresponse()
        reply.read()
        must(reply.status == status, headers, reply.status)
        must(c.sock is opened, "the connection was closed after", reply.status)


def case_taken_away(args):
    """One kept connection: its key is good, then --file takes the place of --keys, and the next request is refused."""
    host, port = args.address.rsplit(":", 1)
    c = http.client.HTTPConnection(host, int(port), timeout=60 * args.slack)
    deadline = None
    while True:
        c.request("GET", "/v1/models", headers={"Authorization": "Bearer " + args.key})
        opened = c.sock
        reply = c.getresponse()
        reply.read()
        must(c.sock is opened, "the connection was closed after", reply.status)
        if deadline is None:
            must(reply.status == 200, reply.status)
            os.replace(args.file, args.keys)
            os.kill(args.pid, signal.SIGHUP)
            deadline = time.monotonic() + 10 * args.slack
        elif reply.status == 401:
            return
        must(time.monotonic() < deadline, "still", reply.status)
        time.sleep(0.01)
