"""Incidents of production, driven over HTTP on the digits model: those that cost accuracy raise an
alert, those that do not are silent, and so is unchanged traffic.

The baseline is of 300 held-out rows, the traffic of the 150 others.  An alert is that of the
shipped rules: drift above 0.1 and above ten times its noise, of which there is no more than 0.02,
in any layer; or a mean confidence of 0.03 below the baseline's.  A sensor that is dead is told
beside that, whether or not it harms: axond_input_newly_stuck_features is above 0.

    incidents.py URL rows          the baseline's rows as .npy on standard output
    incidents.py URL labels        their labels
    incidents.py URL incidents     a line per incident, in TAP
    incidents.py URL unchanged     the same of 200 windows
"""

import json
import random
import sys
import time
import urllib.request

from rows import held_out, npy

BASELINE_ROWS = 300
WINDOW_ROWS = 300
WINDOW_S = 1  # --neuron-window
HARM = 0.05  # of accuracy

ROWS, LABELS = held_out("digits")


# ---- incidents: a function of a picture (64 numbers, 0 to 16) and a random generator ----------


def clipped(row):
    return [min(max(v, 0), 16) for v in row]


def moved(row, right, down):
    return [
        row[(r - down) * 8 + c - right] if 0 <= r - down < 8 and 0 <= c - right < 8 else 0
        for r in range(8)
        for c in range(8)
    ]


HARMFUL = {
    "divided twice": lambda row, rng: [v / 16 for v in row],
    "half of the features 0": lambda row, rng: [v if i % 2 else 0 for i, v in enumerate(row)],
    "a stuck column": lambda row, rng: [16 if i % 8 == 5 else v for i, v in enumerate(row)],
    "transposed image": lambda row, rng: [row[i % 8 * 8 + i // 8] for i in range(64)],
    "shifted image": lambda row, rng: moved(row, 2, 1),
    "strong noise": lambda row, rng: clipped([v + rng.gauss(0, 8) for v in row]),
}
HARMLESS = {
    "slight noise": lambda row, rng: clipped([v + rng.gauss(0, 0.5) for v in row]),
    "a little brighter": lambda row, rng: clipped([v * 1.05 for v in row]),
    "rounded to even counts": lambda row, rng: [2 * round(v / 2) for v in row],
    "one dead pixel": lambda row, rng: [0 if i == 18 else v for i, v in enumerate(row)],
}
STUCK = {"half of the features 0", "a stuck column", "one dead pixel"}


# ---- the service ------------------------------------------------------------------------------


class Service:
    def __init__(self, url):
        self.url = url
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def predict(self, rows):
        request = urllib.request.Request(
            f"{self.url}/v1/models/digits:predict",
            json.dumps({"instances": rows}).encode(),
            {"Content-Type": "application/json"},
        )
        with self.opener.open(request, timeout=300) as reply:
            return json.load(reply)["predictions"]

    def metrics(self):
        """-> {series: value}"""
        with self.opener.open(f"{self.url}/metrics", timeout=300) as reply:
            lines = reply.read().decode().splitlines()
        return {
            name: float(value)
            for name, value in (line.rsplit(" ", 1) for line in lines if line[0] != "#")
        }


def of_model(name, layer=None):
    labels = 'model="digits",version="1"' + (f',layer="{layer}"' if layer else "")
    return f"axond_{name}{{{labels}}}"


class Window:
    """Rows that fill the sliding window, and what the service says of them."""

    def __init__(self, service, rows, labels):
        before = service.metrics()
        answers = service.predict(rows)
        now = service.metrics()
        right = sum(p.index(max(p)) == label for p, label in zip(answers, labels))
        self.accuracy = right / len(rows)
        self.confidence = self.mean_confidence(before, now)
        self.confidence_drop = now[of_model("baseline_confidence")] - self.confidence
        self.layers = [
            (now[of_model("neuron_drift", layer)], now[of_model("neuron_drift_noise", layer)])
            for layer in ("hidden1", "hidden2")
        ]
        self.drift = max(drift for drift, _ in self.layers)
        self.expected_accuracy = now[of_model("expected_accuracy")]
        self.stuck = now[of_model("input_newly_stuck_features")]

    @staticmethod
    def mean_confidence(before, now):
        total, count = (
            now[of_model(f"prediction_confidence_{part}")]
            - before.get(of_model(f"prediction_confidence_{part}"), 0)
            for part in ("sum", "count")
        )
        return total / count

    def alerts(self):
        drifted = any(d > 0.1 and d > 10 * noise and noise <= 0.02 for d, noise in self.layers)
        return drifted or self.confidence_drop > 0.03

    def __str__(self):
        noise = max(n for _, n in self.layers)
        return (
            f"accuracy {self.accuracy:.3f}, drift {self.drift:.3f}, noise {noise:.4f}, "
            f"confidence {self.confidence:.3f} ({-self.confidence_drop:+.3f}), "
            f"expected accuracy {self.expected_accuracy:.3f}, stuck {self.stuck:.0f}"
        )


# ---- the cases --------------------------------------------------------------------------------


class Tap:
    def __init__(self):
        self.count = self.failed = 0

    def ok(self, good, text):
        self.count += 1
        self.failed += not good
        print(f"{'ok' if good else 'not ok'} - {text}", flush=True)


def traffic(rng):
    """-> rows, labels: a window's, none of which the baseline has seen"""
    chosen = [rng.randrange(BASELINE_ROWS, len(ROWS)) for _ in range(WINDOW_ROWS)]
    return [ROWS[i] for i in chosen], [LABELS[i] for i in chosen]


def turn_window():
    """Rows have left the window once they are this old."""
    time.sleep(WINDOW_S * 1.1)


def incidents(service, tap):
    rng = random.Random(1)
    rows, labels = traffic(rng)
    usual = Window(service, rows, labels)
    tap.ok(not usual.alerts(), f"unchanged traffic is silent ({usual})")
    for name, change in {**HARMFUL, **HARMLESS}.items():
        turn_window()
        window = Window(service, [change(row, rng) for row in rows], labels)
        lost = usual.accuracy - window.accuracy
        harms = lost > HARM
        tap.ok(harms == (name in HARMFUL), f"{name}: {'' if harms else 'no '}harm to accuracy")
        tap.ok(
            window.alerts() == harms,
            f"{name}: {'an alert' if harms else 'silence'} ({window})",
        )
        stuck = name in STUCK
        if stuck or name in HARMLESS:
            tap.ok((window.stuck > 0) == stuck, f"{name}: {'' if stuck else 'no '}dead sensors")
    turn_window()
    order = list(range(WINDOW_ROWS))
    rng.shuffle(order)
    window = Window(service, [rows[i] for i in order], [labels[i] for i in order])
    tap.ok(not window.alerts(), f"another order of the rows: silence ({window})")


def unchanged(service, tap):
    rng = random.Random(2)
    alerts, stuck, largest, lowest = 0, 0, 0.0, 1.0
    for _ in range(200):
        window = Window(service, *traffic(rng))
        alerts += window.alerts()
        stuck += window.stuck > 0
        largest = max(largest, window.drift)
        lowest = min(lowest, -window.confidence_drop)
        time.sleep(WINDOW_S / 20)  # half a part: the window slides meanwhile
    tap.ok(
        alerts == 0,
        f"200 windows of unchanged traffic give {alerts or 'no'} alerts "
        f"(drift up to {largest:.3f}, confidence down to {lowest:+.3f})",
    )
    tap.ok(stuck == 0, f"and {stuck or 'no'} of them dead sensors")


def main():
    url, case = sys.argv[1:]
    if case in ("rows", "labels"):
        of = npy(ROWS[:BASELINE_ROWS]) if case == "rows" else npy(LABELS[:BASELINE_ROWS], "<i8")
        sys.stdout.buffer.write(of)
        return 0
    tap = Tap()
    {"incidents": incidents, "unchanged": unchanged}[case](Service(url), tap)
    return tap.failed > 0


if __name__ == "__main__":
    sys.exit(main())
