"""For t4400: compressed bodies that are right, wrong or bombs, and clients that send them."""
import gzip
import json
import struct
import sys
import zlib
from urllib.request import Request, urlopen


def make(folder, rows):
    with open(rows, "rb") as file:
        body = file.read()
    packed = gzip.compress(body)
    raw = zlib.compressobj(6, zlib.DEFLATED, -15)
    half = len(body) // 2
    wrong = bytearray(packed)
    wrong[-6] ^= 1
    blanks = b'{"instances":[' + b" " * (100 << 20)
    bodies = {
        "rows.zlib": zlib.compress(body),
        "rows.raw": raw.compress(body) + raw.flush(),
        "rows.members": gzip.compress(body[:half]) + gzip.compress(body[half:]),
        "rows.truncated": packed[:-9],
        "rows.sum": bytes(wrong),
        "rows.trailing": packed + b"xyz",
        "rows.doubled": packed * 2,
        "rows.empty": b"",
        "bomb.gz": gzip.compress(blanks),
        "small.gz": gzip.compress(json.dumps({"instances": json.loads(body)["instances"][:100]}, separators=(",", ":")).encode()),
    }
    for name, content in bodies.items():
        with open(f"{folder}/{name}", "wb") as file:
            file.write(content)


def ask(address, path, body, headers):
    with urlopen(Request(f"http://{address}{path}", body, headers)) as reply:
        return reply.headers, reply.read()


def infer(address, rows):
    """As tritonclient with request_compression_algorithm and response_compression_algorithm."""
    with open(rows, "rb") as file:
        instances = json.load(file)["instances"]
    flat = [x for row in instances for x in row]
    blob = struct.pack(f"<{len(flat)}f", *flat)
    head = json.dumps({
        "inputs": [{"name": "pixels", "shape": [len(instances), 64], "datatype": "FP32",
                    "parameters": {"binary_data_size": len(blob)}}],
        "outputs": [{"name": "probabilities", "parameters": {"binary_data": True}}],
    }).encode()
    headers = {"Inference-Header-Content-Length": str(len(head)), "Content-Type": "application/octet-stream"}
    plain_headers, plain = ask(address, "/v2/models/digits/infer", head + blob, headers)
    for name, pack, unpack in (("gzip", gzip.compress, gzip.decompress), ("deflate", zlib.compress, zlib.decompress)):
        got, body = ask(address, "/v2/models/digits/infer", pack(head + blob),
                        {**headers, "Content-Encoding": name, "Accept-Encoding": name})
        assert got["Content-Encoding"] == name, got
        # The length of the JSON is that of the decoded bytes.
        assert got["Inference-Header-Content-Length"] == plain_headers["Inference-Header-Content-Length"]
        assert unpack(body) == plain
    # A client that lists what it knows, as aiohttp does on every call, gets numbers as they are.
    got, body = ask(address, "/v2/models/digits/infer", head + blob, {**headers, "Accept-Encoding": "gzip, deflate, br"})
    assert got["Content-Encoding"] is None and body == plain


if __name__ == "__main__":
    if sys.argv[1] == "zlib":
        sys.stdout.buffer.write(zlib.decompress(sys.stdin.buffer.read()))
    else:
        {"make": make, "infer": infer}[sys.argv[1]](*sys.argv[2:])
