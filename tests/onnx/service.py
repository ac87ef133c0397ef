"""service.py - the daemon at an address: JSON and .npy in and out."""
import http.client
import io
import json

import numpy as np


class Refused(AssertionError):
    """The service answered with an error."""


class Service:
    def __init__(self, address):
        self.connection = http.client.HTTPConnection(address, timeout=120)

    def post(self, path, body, content_type):
        self.connection.request("POST", path, body, {"Content-Type": content_type})
        reply = self.connection.getresponse()
        data = reply.read()
        if reply.status != 200:
            raise Refused("POST %s: %d %s" % (path, reply.status, data.decode(errors="replace")))
        return data

    def json(self, path, **fields):
        """Arrays may be numpy's; None is left out."""
        plain = {k: v.tolist() if isinstance(v, (np.ndarray, np.generic)) else v for k, v in fields.items() if v is not None}
        return json.loads(self.post(path, json.dumps(plain), "application/json"))

    def npy(self, path, *arrays):
        """Arrays one after another, as numpy.save() writes them to one file; so is the reply."""
        body = io.BytesIO()
        for array in arrays:
            np.save(body, array)
        reply, out = io.BytesIO(self.post(path, body.getvalue(), "application/x-npy")), []
        while reply.tell() < len(reply.getvalue()):
            out.append(np.load(reply))
        return out


def same(what, got, want, rtol=1e-5, atol=1e-7):
    """got, perhaps of nested lists, has want's shape and values."""
    got, want = np.asarray(got, dtype=np.float64), np.asarray(want, dtype=np.float64)
    assert got.shape == want.shape, "%s: shape %s, want %s" % (what, got.shape, want.shape)
    near = np.isclose(got, want, rtol=rtol, atol=atol, equal_nan=True)
    if not near.all():
        where = tuple(np.argwhere(~near)[0])
        raise AssertionError("%s%s: %.9g, want %.9g; %d of %d differ" %
                             (what, list(map(int, where)), got[where], want[where], (~near).sum(), near.size))
