#!/usr/bin/env python3
"""memory_clients.py --address HOST:PORT --pid PID --limit BYTES - the bodies that make a daemon take the most memory.

Sends them one after the other and then at once, and prints the greatest growth of its resident memory as a part of the
limit, after a line "STATUS BODY" for each. Exit 1 if that part is more than --most, or a reply is none of the expected.
Only the standard library. The model is that of t1015-memory.sh: 2 features, 256 outputs.
"""
import argparse
import http.client
import struct
import sys
import threading

JSON, NPY = "application/json", "application/x-npy"


def resident(pid, field):
    with open(f"/proc/{pid}/status") as f:
        return next(int(line.split()[1]) * 1024 for line in f if line.startswith(field))


def npy(count):
    head = "{'descr': '<f4', 'fortran_order': False, 'shape': (%d,), }" % count
    head += " " * (63 - (10 + len(head)) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode() + struct.pack("<f", -1.2345678e-30) * count


def numbers(count, text=b"-1.2345678e-30,"):
    return text * (count - 1) + text[:-1]


def bodies(fits):
    """name, target, content type, body; fits: numbers of which input, gradient and reply just fit into the limit."""
    short = b"1,"
    many = 16 * fits
    yield "gradient fits", "activations/mish", JSON, b'{"gradient":true,"data":[' + numbers(fits * 9 // 10) + b"]}"
    yield "gradient too large", "activations/mish", JSON, b'{"gradient":true,"data":[' + numbers(2 * fits, short) + b"]}"
    yield "data too large", "activations/relu", JSON, b'{"data":[' + numbers(min(many, 16777216), short) + b"]}"
    yield "columns", "activations/relu", JSON, b'{"data":[' + b"[1]," * fits + b"[1]]}"
    yield "gated", "activations/glu", JSON, b'{"data":[' + numbers(fits // 2 * 2, short) + b"]}"
    yield ".npy", "activations/mish", NPY, npy(4 * fits)
    yield ".npy too large", "activations/mish", NPY, npy(13 * fits)
    yield "loss", "losses/mse", JSON, (b'{"reduction":"none","predictions":[' + numbers(fits // 2, short) +
                                       b'],"targets":[' + numbers(fits // 2, short) + b"]}")
    yield "outputs", "models/wide:predict", JSON, b'{"instances":[' + b"[1,2]," * (fits // 180) + b"[1,2]]}"
    yield "outputs too large", "models/wide:predict", JSON, b'{"instances":[' + b"[1,2]," * (fits // 16) + b"[1,2]]}"
    yield "string", "activations/relu", JSON, b'{"dialect":"' + b"x" * (30 * fits) + b'","data":[1]}'
    yield "strings", "activations/relu", JSON, b'{"dialect":[' + (b'"' + b"x" * (fits // 100) + b'",') * 900 + b'1],"data":[1]}'


def post(args, target, kind, body, results, name):
    conn = http.client.HTTPConnection(args.address, timeout=120 * args.slack)
    try:
        conn.request("POST", "/v1/" + target, body, {"Content-Type": kind})
        reply = conn.getresponse()
        reply.read()
        results.append((reply.status, name))
    except (ConnectionError, http.client.HTTPException) as e:  # refused in the middle of a long body
        results.append((type(e).__name__, name))
    finally:
        conn.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--address", required=True)
    parser.add_argument("--pid", type=int, required=True)
    parser.add_argument("--limit", type=int, required=True)
    parser.add_argument("--most", type=float, default=1.3)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--slack", type=float, default=1)
    args = parser.parse_args()
    before = resident(args.pid, "VmRSS:")
    fits = args.limit // (4 + 4 + 2 * 17)
    all_bodies, results = list(bodies(fits)), []
    for name, target, kind, body in all_bodies:
        post(args, target, kind, body, results, name)
        print(*results[-1], "%.2f" % ((resident(args.pid, "VmHWM:") - before) / args.limit))
    for first in range(args.clients):
        threads = [threading.Thread(target=post, args=(args, *b[1:], results, b[0]))
                   for b in all_bodies[first::args.clients] * 2]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
    part = (resident(args.pid, "VmHWM:") - before) / args.limit
    print("together:", *sorted({str(status) for status, _ in results}))
    print("%.2f of the limit" % part)
    sys.exit(part > args.most or not {status for status, _ in results} <= {200, 400, 413, 503, 429, "ConnectionResetError", "BrokenPipeError"})


main()
