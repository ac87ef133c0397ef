#!/usr/bin/env python3
"""Send NumPy arrays to axond with requests: python3 numpy_arrays.py [http://localhost:8000]

Three ways for the same rows and the same bits: JSON, NumPy's own .npy, and the Open Inference Protocol's bytes after JSON, which
tritonclient sends, written by hand. JSON is the slowest: a number is text there.
"""
import io
import json
import os
import sys
from pathlib import Path

import numpy as np
import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry


def session(key=None):
    """Connections that are kept, and another try after 429 and 503, when Retry-After says."""
    retry = Retry(total=4, status_forcelist=[429, 503], allowed_methods=None, backoff_factor=0.5,
                  respect_retry_after_header=True, raise_on_status=False)
    made = requests.Session()
    for scheme in ("http://", "https://"):
        made.mount(scheme, HTTPAdapter(max_retries=retry))
    if key:
        made.headers["Authorization"] = f"Bearer {key}"
    return made


def check(response):
    """The response, or an error with the service's own code and sentence."""
    if response.status_code != 200:
        error = response.json()
        raise ValueError(f"code {error['code']}, request {response.headers['X-Request-Id']}: {error['error']}")
    return response


def predict_json(http, base, model, rows):
    body = {"instances": rows.tolist()}
    reply = check(http.post(f"{base}/v1/models/{model}:predict", json=body, timeout=30))
    return np.array(reply.json()["predictions"], dtype=np.float32)


def predict_npy(http, base, model, rows):
    body = io.BytesIO()
    np.save(body, rows)
    reply = check(http.post(f"{base}/v1/models/{model}:predict", data=body.getvalue(), timeout=30,
                            headers={"Content-Type": "application/x-npy"}))
    return np.load(io.BytesIO(reply.content))


def predict_v2(http, base, model, rows):
    """The JSON tells name, shape and bytes of each tensor; a header tells where the JSON ends and the bytes begin."""
    metadata = check(http.get(f"{base}/v2/models/{model}", timeout=30)).json()
    blob = np.ascontiguousarray(rows, dtype="<f4").tobytes()
    head = json.dumps({
        "id": "example-3",
        "inputs": [{"name": metadata["inputs"][0]["name"], "shape": list(rows.shape), "datatype": "FP32",
                    "parameters": {"binary_data_size": len(blob)}}],
        "outputs": [{"name": metadata["outputs"][0]["name"], "parameters": {"binary_data": True}}],
    }).encode()
    reply = check(http.post(f"{base}/v2/models/{model}/infer", data=head + blob, timeout=30,
                            headers={"Content-Type": "application/octet-stream",
                                     "Inference-Header-Content-Length": str(len(head))}))
    length = int(reply.headers["Inference-Header-Content-Length"])
    output = json.loads(reply.content[:length])["outputs"][0]
    return np.frombuffer(reply.content[length:], dtype="<f4").reshape(output["shape"])


def main():
    base = (sys.argv[1] if len(sys.argv) > 1 else "http://localhost:8000").rstrip("/")
    http = session(os.environ.get("API_KEY"))
    digit = json.loads((Path(__file__).parent.parent / "examples/digit.json").read_text())["instances"]
    rows = np.array(digit, dtype=np.float32)

    y = predict_json(http, base, "digits", rows)
    print(f"label {y[0].argmax()}, score {y[0].max():.4f}")
    for way in (predict_npy, predict_v2):
        print(f"{way.__name__}: the same bits: {np.array_equal(way(http, base, 'digits', rows), y)}")
    try:
        predict_npy(http, base, "digits", rows[:, :3])
    except ValueError as error:
        print(str(error).split(",", 1)[0])


if __name__ == "__main__":
    main()
