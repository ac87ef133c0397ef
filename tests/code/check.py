#!/usr/bin/env python3
"""check.py ADDRESS FRAMEWORK - the code of every catalogue entry against the service; TAP. See README.md."""
import http.client
import json
import re
import sys

import numpy as np

from frameworks import FRAMEWORKS
from parameters import OTHER

# Float32 in another order of operations: so much of the result, and of the row's largest value, which cancels in some of them.
RTOL, ATOL = 2e-6, 3e-7
KINKS = (-6, -3, -1.5, -1, -0.75, -0.5, -0.25, 0, 0.25, 0.5, 0.75, 1, 1.5, 3, 6)


def inputs():
    """[rows, 32]: the places where formulas change and their neighbours, large and small values, and many in between."""
    near = [np.nextafter(np.float32(k), np.float32(to)) for k in KINKS for to in (-9, 9) if k != 0]
    ends = [1e-30, -1e-30, 1e-6, -1e-6, 30, -30, 20, -20]
    drawn = np.random.default_rng(7).normal(0, 4, 512 - len(near) - len(KINKS) - len(ends))
    values = np.concatenate([KINKS, near, ends, drawn]).astype(np.float32)
    return np.random.default_rng(8).permutation(values).reshape(-1, 32)


class Service:
    def __init__(self, address):
        self.connection = http.client.HTTPConnection(address, timeout=60)

    def ask(self, method, path, **body):
        self.connection.request(method, path, json.dumps(body) if body else None)
        reply = self.connection.getresponse()
        answer = json.loads(reply.read())
        if reply.status != 200:
            raise SystemExit(f"{method} {path}: {reply.status} {answer}")
        return answer


def compare(service, framework, name, code, x, parameters):
    """None, or how the code's y differs."""
    want = np.array(service.ask("POST", "/v1/activations/" + name, data=x.tolist(), parameters=parameters)["data"], np.float32)
    got = np.asarray(framework.run(code, x))
    if got.shape != want.shape:
        return f"shape {got.shape}, want {want.shape}"
    error = np.abs(got - want) - RTOL * np.abs(want) - ATOL * np.abs(x).max(axis=1, keepdims=True)
    worst = np.unravel_index(np.argmax(error), error.shape)  # a NaN, if there is one
    if not error[worst] <= 0:
        return f"y{list(map(int, worst))} is {got[worst]:.9g}, want {want[worst]:.9g}"
    return None


def changed(code, changes):
    for pattern, text in changes:
        code, count = re.subn(pattern, text, code)
        if count == 0:
            return None
    return code


def cases(activations, of):
    """(what, name, code, parameters) of each entry, and of those that OTHER changes; code None: a change found nothing"""
    for activation in activations:
        name, code = activation["name"], activation["code"][of]
        yield name, name, code, {}
        parameters, changes = OTHER.get(name, ({}, {}))
        changes = changes.get(of, changes.get("*"))
        if changes:
            yield f"{name} with {parameters}", name, changed(code, changes), parameters


def main():
    address, of = sys.argv[1:]
    service, framework, x, count, failed = Service(address), FRAMEWORKS[of](), inputs(), 0, 0
    activations = service.ask("GET", "/v1/activations")["activations"]
    for name in OTHER.keys() - {activation["name"] for activation in activations}:
        raise SystemExit(f"parameters.py: no activation {name}")
    for what, name, code, parameters in cases(activations, of):
        try:
            why = compare(service, framework, name, code, x, parameters) if code else "parameters.py changes nothing"
        except Exception as error:  # the code is what is tested: whatever it raises is its fault
            why = f"{type(error).__name__}: {error}"
        count, failed = count + 1, failed + (why is not None)
        print(f"{'not ok' if why else 'ok'} {count} - {of}: {what}")
        if why:
            print("# " + str(why).replace("\n", "\n# "))
    print(f"1..{count}")
    return 1 if failed or count < len(activations) else 0


if __name__ == "__main__":
    sys.exit(main())
