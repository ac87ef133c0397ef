#!/usr/bin/env python3
"""Ask axond from Python with nothing but its standard library: python3 stdlib.py [http://localhost:8000]

One connection for all requests, a request id, a key if $API_KEY holds one, and another try when the service is busy.
"""
import http.client
import json
import os
import sys
import time
import urllib.parse
from pathlib import Path


class AxondError(Exception):
    """A refusal: its code is for programs, its text for people."""

    def __init__(self, status, code, text, request_id):
        super().__init__(f"{status} {code}: {text} (request {request_id})")
        self.status, self.code, self.request_id = status, code, request_id


class Axond:
    """A service. Not for several threads at once: each takes one of its own."""

    def __init__(self, base, key=None, tries=4, timeout=30):
        url = urllib.parse.urlsplit(base)
        kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
        self.connection = kind(url.hostname, url.port, timeout=timeout)  # opened by the first request, and kept
        self.prefix, self.key, self.tries = url.path.rstrip("/"), key, tries

    def post(self, path, body, request_id):
        headers = {"Content-Type": "application/json", "X-Request-Id": request_id}
        if self.key:
            headers["Authorization"] = f"Bearer {self.key}"
        for left in reversed(range(self.tries)):
            try:
                self.connection.request("POST", self.prefix + path, json.dumps(body), headers)
                response = self.connection.getresponse()
                text = response.read()
            except (http.client.RemoteDisconnected, ConnectionError):
                self.connection.close()  # it was idle for too long, or the service was started anew
                if not left:
                    raise
                continue
            if response.status not in (429, 503) or not left:
                break
            time.sleep(float(response.headers.get("Retry-After", "1")))  # busy, or not ready yet
        reply = json.loads(text)
        if response.status != 200:
            raise AxondError(response.status, reply["code"], reply["error"], response.headers["X-Request-Id"])
        return reply

    def predict(self, model, rows, request_id, **more):
        return self.post(f"/v1/models/{model}:predict", {"instances": rows, **more}, request_id)


def main():
    axond = Axond(sys.argv[1] if len(sys.argv) > 1 else "http://localhost:8000", os.environ.get("API_KEY"))
    digit = json.loads((Path(__file__).parent.parent / "examples/digit.json").read_text())["instances"]

    best = axond.predict("digits", digit, "example-1", top_k=1)["classes"][0][0]
    print(f"label {best['label']}, score {best['score']:.4f}")
    try:
        axond.predict("digits", [[1, 2, 3]], "example-2")
    except AxondError as error:
        print(f"code {error.code}, request {error.request_id}")


if __name__ == "__main__":
    main()
