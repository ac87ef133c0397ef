"""For t4410 and clients/t7070: .npy bodies and answers, written and read by this file alone or by NumPy."""
import io
import json
import math
import random
import struct
import sys
from urllib.error import HTTPError
from urllib.request import Request, urlopen

ADDRESS = sys.argv[1]
NPY, JSON = "application/x-npy", "application/json"
CODES = {"<f4": "f", "<f8": "d", "<f2": "e", "<i8": "q", "<i4": "i", "<i2": "h", "|i1": "b", "|u1": "B"}


def npy(values, shape, descr="<f4", fortran=False):
    """values [product(shape)] in the order of the file."""
    head = repr({"descr": descr, "fortran_order": fortran, "shape": tuple(shape)})
    head += " " * (63 - (10 + len(head)) % 64) + "\n"
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(head)) + head.encode() + struct.pack(f"<{len(values)}{CODES[descr]}", *values)


def arrays(data):
    """[(shape, values)] of the .npy arrays that stand one after another."""
    found = []
    while data:
        assert data[:8] == b"\x93NUMPY\1\0", data[:20]
        begin = 10 + struct.unpack_from("<H", data, 8)[0]
        head = eval(data[10:begin], {})  # our own reply
        assert head["descr"] == "<f4" and not head["fortran_order"] and begin % 64 == 0
        count = math.prod(head["shape"])
        found.append((head["shape"], struct.unpack_from(f"<{count}f", data, begin)))
        data = data[begin + 4 * count :]
    return found


def ask(path, body, content_type=NPY, accept=None):
    headers = {"Content-Type": content_type, **({"Accept": accept} if accept else {})}
    try:
        with urlopen(Request(f"http://{ADDRESS}/v1/models/{path}", body, headers)) as reply:
            return reply.status, reply.headers["Content-Type"], reply.read()
    except HTTPError as error:
        return error.code, error.headers["Content-Type"], error.read()


def answer(path, body, content_type=NPY, accept=None):
    status, kind, data = ask(path, body, content_type, accept)
    assert status == 200, data
    return arrays(data) if kind == NPY else json.loads(data)


def refusal(path, body, **how):
    status, kind, data = ask(path, body, **how)
    assert status == 400 and kind == JSON, data
    return json.loads(data)["error"]


def float32(x):
    return struct.unpack("<f", struct.pack("<f", x))[0]


def flat(rows):
    return [x for row in rows for x in row]


random.seed(5)
ROWS = [[random.randint(0, 16) for _ in range(64)] for _ in range(5)]
BODY = json.dumps({"instances": ROWS}).encode()
PREDICT = "digits:predict"


def in_kind():
    want = answer(PREDICT, BODY, JSON)["predictions"]
    [(shape, got)] = answer(PREDICT, npy(flat(ROWS), [5, 64]))
    assert shape == (5, 10) and list(got) == [float32(x) for x in flat(want)]


def every_dtype():
    want = answer(PREDICT, npy(flat(ROWS), [5, 64]))
    for descr in CODES:
        assert answer(PREDICT, npy(flat(ROWS), [5, 64], descr)) == want, descr


def fortran_order():
    columns = [row[c] for c in range(64) for row in ROWS]
    assert answer(PREDICT, npy(columns, [5, 64], fortran=True)) == answer(PREDICT, npy(flat(ROWS), [5, 64]))


def accept_decides():
    body = npy(flat(ROWS), [5, 64])
    as_array, as_json = answer(PREDICT, body), answer(PREDICT, BODY, JSON)
    assert answer(PREDICT, BODY, JSON, accept=NPY) == as_array
    assert answer(PREDICT, BODY, JSON, accept="*/*") == as_json
    assert answer(PREDICT, body, accept="*/*") == as_array
    assert answer(PREDICT, body, accept=JSON) == as_json
    assert answer(PREDICT, body, accept="application/json;q=0.5, application/x-npy") == as_array


def nan_is_untouched():
    rows = [row[:] for row in ROWS]
    rows[2][7] = math.nan
    [(_, got)] = answer(PREDICT, npy(flat(rows), [5, 64]))
    assert all(math.isnan(x) for x in got[20:30]) and not any(math.isnan(x) for x in got[:20] + got[30:])


def query_has_the_other_keys():
    body = npy(flat(ROWS), [5, 64])
    want = answer(PREDICT, json.dumps({"instances": ROWS, "top_k": 2, "capture": ["hidden1"]}).encode(), JSON)
    assert answer(PREDICT + "?top_k=2&capture=hidden1", body, accept=JSON) == want
    outputs, hidden, last = answer(PREDICT + "?capture=hidden1,output", body)
    assert hidden[0] == (5, 128) and last == outputs
    assert list(hidden[1]) == [float32(x) for x in flat(want["captured"]["hidden1"])]


def no_rows():
    assert answer(PREDICT, npy([], [0, 64])) == [((0, 10), ())]


def a_thousand_times():
    body = npy(flat(ROWS) * 1000, [5000, 64])
    [(shape, got)] = answer(PREDICT, body)
    assert shape == (5000, 10) and list(got) == list(answer(PREDICT, npy(flat(ROWS), [5, 64]))[0][1]) * 1000


def refused_by_name():
    body = npy(flat(ROWS), [5, 64])
    for query, text in (("top_k=2", "top_k: an answer as .npy holds"), ("capture=nope", "capture[0]: no layer is called 'nope'"),
                        ("top_k=x", "top_k: expected a whole number"), ("k=2", "query: unknown parameter 'k'")):
        assert text in refusal(f"{PREDICT}?{query}", body), query
    assert "unknown parameter 'top_k'" in refusal(PREDICT + "?top_k=2", BODY, content_type=JSON)
    for wrong, text in ((npy(ROWS[0], [64]), "shape [64], the model takes [rows, 64]; put the row into an array"),
                        (npy(ROWS[0][:63], [1, 63]), "shape [1, 63]"), (body + b"xx", "2 bytes after array 1"),
                        (body[:-1], "was it written completely?"), (b"", "0 bytes that are not a .npy file"), (BODY, "not a .npy file"),
                        (npy([1e300] * 64, [1, 64], "<f8"), "instances[0][0]: 1e+300 is outside the range of float32"),
                        (body.replace(b"<f4", b"<c8"), "descr '<c8' is not supported")):
        assert text in refusal(PREDICT, wrong), (text, refusal(PREDICT, wrong))


def gradients():
    path, rows = "digits:gradients", npy(flat(ROWS), [5, 64])
    labels, targets = [1, 2, 3, 4, 5], [[0.1] * 10] * 5
    want = answer(path, json.dumps({"instances": ROWS, "labels": labels, "input_gradient": True}).encode(), JSON)
    assert answer(path + "?input_gradient=true", rows + npy(labels, [5], "<i8")) == want
    [(shape, got)] = answer(path, rows + npy(labels, [5, 1], "<i4"), accept=NPY)
    assert shape == (5, 64) and list(got) == [float32(x) for x in flat(want["input_gradient"])]
    want = answer(path, json.dumps({"instances": ROWS, "targets": targets}).encode(), JSON)
    assert answer(path, rows + npy(flat(targets), [5, 10])) == want
    assert "ends after array 1, expected labels or targets" in refusal(path, rows)
    assert "labels[4]: 50 is no class" in refusal(path, rows + npy([1, 2, 3, 4, 50], [5], "<i8"))
    assert "bytes after array 2" in refusal(path, rows + npy(labels, [5], "<i8") * 2)


def explain():
    want = answer("digits:explain", json.dumps({"instances": ROWS, "class": "3", "top_k": 2}).encode(), JSON)
    assert answer('digits:explain?class=%223%22&top_k=2', npy(flat(ROWS), [5, 64])) == want


def numpy_itself():
    import numpy

    x = numpy.random.default_rng(1).integers(0, 17, (7, 64))
    want = numpy.float32(answer(PREDICT, json.dumps({"instances": x.tolist()}).encode(), JSON)["predictions"])
    for form in (x.astype("f4"), x.astype("f8"), x.astype("f2"), x, x.astype("u1"), numpy.asfortranarray(x), x[::1].T.copy().T):
        file = io.BytesIO()
        numpy.save(file, form)
        y = numpy.load(io.BytesIO(ask(PREDICT, file.getvalue())[2]))
        assert y.dtype == numpy.float32 and (y == want).all(), form.dtype


CASES = (in_kind, every_dtype, fortran_order, accept_decides, nan_is_untouched, query_has_the_other_keys, no_rows, a_thousand_times,
         refused_by_name, gradients, explain)

if __name__ == "__main__":
    {case.__name__: case for case in (*CASES, numpy_itself)}[sys.argv[2]]()
