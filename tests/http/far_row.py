"""far_row.py URL - rows of which one lies far from all others: means and deviations of
GET /v1/models/far/neurons are those of doubles, within what server/api/REFERENCE.md promises.

The model has one layer of units that see x, x / 1000, -x and x + 100."""

import json
import math
import random
import sys
import urllib.request

ROWS = 256
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def ask(path, body=None):
    data = None if body is None else json.dumps(body).encode()
    with OPENER.open(sys.argv[1] + path, data, timeout=60) as reply:
        return json.load(reply)


def worst(at, far):
    """-> the largest error of a mean, by the largest output, and of a deviation, by itself"""
    rng = random.Random(at)
    rows = [[rng.random() + 0.1] for _ in range(ROWS)]
    rows[at] = [far]
    reply = ask("/v1/models/far:predict", {"instances": rows, "capture": ["hidden1"]})
    (layer,) = ask("/v1/models/far/neurons?units=true&window=load")["layers"]
    SEEN.extend(reply["captured"]["hidden1"])
    of_mean = of_std = 0.0
    for unit, outputs in zip(layer["units_detail"], zip(*SEEN)):
        mean = math.fsum(outputs) / len(outputs)
        std = math.sqrt(math.fsum((y - mean) ** 2 for y in outputs) / len(outputs))
        largest = max(map(abs, outputs))
        of_mean = max(of_mean, abs(unit["mean"] - mean) / largest if largest else 0)
        of_std = max(of_std, abs(unit["std"] - std) / std if std else 0)
    return of_mean, of_std


SEEN = []
failed = 0
# The last one is the farthest, or what came before would hide it.
for at, far, bound in ((77, 1e3, 1e-5), (1, -1e5, 1e-5), (0, 1e8, 1e-3), (0, -1e10, 1e-3)):
    of_mean, of_std = worst(at, far)
    print(f"# row {at} is {far:g}: means to {of_mean:.1e} of the largest output, deviations to {of_std:.1e}")
    failed += of_mean > 3e-6 or of_std > bound
sys.exit(failed > 0)
