"""record_clients.py ADDRESS CASE... - many clients of a model that records, and what its samples must hold.

  serve MODEL CONNECTIONS REQUESTS ROWS ANSWERS   that many connections post rows that are all different; writes rows and replies
  holds ANSWERS SAMPLE all|some                   the sample's rows are those that were served, each once at most, outputs to the bit
  differ MODEL SAMPLE                             how `axond replay` has to tell the differences of what MODEL says now
"""
import http.client
import json
import math
import struct
import sys
import threading
import zipfile

FEATURES = 64


def sample(path):
    """The arrays of an .npz, as lists of rows; the archive's check sums hold."""
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["inputs.npy", "outputs.npy", "unix_seconds.npy"], archive.namelist()
        return [array(archive.read(name)) for name in archive.namelist()]


def array(text):
    assert text[:8] == b"\x93NUMPY\x01\x00", text[:8]
    end = 10 + struct.unpack("<H", text[8:10])[0]
    header = eval(text[10:end], {"__builtins__": {}})  # a dict of constants, as NumPy reads it
    assert end % 64 == 0 and not header["fortran_order"], header
    letter = {"<f4": "f", "<f8": "d"}[header["descr"]]
    count = math.prod(header["shape"])
    values = struct.unpack(f"<{count}{letter}", text[end:])
    if len(header["shape"]) == 1:
        return list(values)
    columns = header["shape"][1]
    return [values[i * columns:(i + 1) * columns] for i in range(header["shape"][0])]


def row(number):
    """Row `number`: pixels that no other row has."""
    return [(number >> (4 * k) & 15) if k < 6 else (number * (k + 1) * 7) % 17 for k in range(FEATURES)]


def post(connection, model, rows):
    connection.request("POST", f"/v1/models/{model}:predict", json.dumps({"instances": rows}))
    reply = connection.getresponse()
    text = reply.read()
    assert reply.status == 200, (reply.status, text)
    return [[struct.unpack("<f", struct.pack("<f", y))[0] for y in out] for out in json.loads(text)["predictions"]]


def serve(address, model, connections, requests, rows, path):
    answers, faults = {}, []

    def client(index):
        try:
            connection = http.client.HTTPConnection(address, timeout=120)
            for request in range(requests):
                first = (index * requests + request) * rows
                posted = [row(first + i) for i in range(rows)]
                for i, out in enumerate(post(connection, model, posted)):
                    answers[first + i] = out
        except Exception as fault:  # told at the end
            faults.append(repr(fault))

    threads = [threading.Thread(target=client, args=(index,)) for index in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults, faults[:3]
    json.dump(answers, open(path, "w"))


def holds(path, archive, how):
    answers = {int(number): out for number, out in json.load(open(path)).items()}
    numbers = {tuple(row(number)): number for number in answers}
    inputs, outputs, times = sample(archive)
    assert len(numbers) == len(answers) and len(inputs) == len(outputs) == len(times)
    found = [numbers[tuple(int(x) for x in posted)] for posted in inputs]
    assert len(set(found)) == len(found), "a row is there twice"
    for number, out in zip(found, outputs):
        assert list(out) == answers[number], f"row {number} has the outputs of another"
    assert how != "all" or len(found) == len(answers), f"{len(found)} of {len(answers)} rows"
    assert all(t > 1.7e9 for t in times)
    print(len(found))


def differ(address, model, archive):
    """The lines that the command has to print, from what the service says now."""
    inputs, outputs, _ = sample(archive)
    now = post(http.client.HTTPConnection(address, timeout=120), model, [list(posted) for posted in inputs])
    rows = changed = first = 0
    absolute, relative = (-1.0,), (-1.0,)
    for r, (a, b) in enumerate(zip(outputs, now)):
        rows += list(a) != b
        for i, (x, y) in enumerate(zip(a, b)):
            if x != y:
                absolute = max(absolute, (abs(x - y), -r, -i, x, y))
                relative = max(relative, (abs(x - y) / max(abs(x), abs(y)), -r, -i, x, y))
        if a.index(max(a)) != b.index(max(b)):
            first = first if changed else r
            changed += 1
    print(f"model {model} version 2, {len(inputs)} rows: {rows} differ")
    for kind, (size, r, i, x, y) in (("absolute", absolute), ("relative", relative)):
        print(f"largest {kind} difference: {size:.9g}, of row {-r}, output {-i}: recorded {x:.9g}, now {y:.9g}")
    a, b = list(outputs[first]), now[first]
    print(f"{changed} rows have another class, the first is row {first}: recorded {a.index(max(a))}, now {b.index(max(b))}")


address, case, *more = sys.argv[1:]
if case == "serve":
    serve(address, more[0], *map(int, more[1:4]), more[4])
elif case == "holds":
    holds(*more)
else:
    differ(address, *more)
