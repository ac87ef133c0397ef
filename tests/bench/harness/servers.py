"""servers.py - who is compared: a row per server, how it is started, what it is asked.

Knows commands and paths; knows no loads. A server whose parts are not there says why in `absent`.
"""

import collections
import http.client
import time
import urllib.error
import urllib.request
from pathlib import Path

from forms import FORMS
from machine import ALL_CORES, SERVER_CORES, Failure, blas_core, free_port
from processes import Process

READY = "/v2/health/ready"
READY_SECONDS, POST_SECONDS = 60, 60
CONNECTIONS_MAX = 16000
PEERS = Path(__file__).resolve().parent.parent / "peers"
AXOND = [
    "{axond}", "--listen", "127.0.0.1:{port}", "--log-level", "error",
    "--connections-max", str(CONNECTIONS_MAX), "--connections-per-address-max", str(CONNECTIONS_MAX),
]  # fmt: skip
ALL = ["--models", "{models}", "--threads", "1"]
SHIPPED_ONLY = ["--models", "configs/models"]
PYTHON = ["{peers}/python/bin/python", "-B"]
TUNED = [*PYTHON, str(PEERS / "fastapi_app.py")]

# needs: a file without which the server is skipped, and what would make it
Server = collections.namedtuple("Server", "name title command needs cores", defaults=(None, None))
PEERS_HINT = "make bench-peers"

SERVERS = {
    s.name: s
    for s in (
        Server("echo", "bare libmicrohttpd, same sizes", ["{echo}", "{port}", "1"], ("{echo}", "make bench")),
        Server("axond", "axond", [*AXOND, *ALL]),
        # More memory per connection, which libmicrohttpd zeroes for each request: start_daemon() in server/http/http.c.
        Server("axond-64k", "axond, --headers-bytes-max 64k", [*AXOND, *ALL, "--headers-bytes-max", "64k"]),
        Server("axond-off", "axond, --neuron-stats off", [*AXOND, *ALL, "--neuron-stats", "off"]),
        Server(
            "torch", "FastAPI + uvloop + PyTorch",
            [*PYTHON, str(PEERS / "fastapi_tutorial.py"), "{port}", "{models}"],
            ("{peers}/python/torch-ok", PEERS_HINT),
        ),
        Server(
            "torch-tuned", "FastAPI + uvloop + PyTorch, hand-tuned with orjson",
            [*TUNED, "torch", "{port}", "{models}", "{onnx}"],
            ("{peers}/python/torch-ok", PEERS_HINT),
        ),
        Server(
            "ort", "FastAPI + uvloop + ONNX Runtime, hand-tuned with orjson",
            [*TUNED, "onnxruntime", "{port}", "{models}", "{onnx}"],
            ("{peers}/python/ok", PEERS_HINT),
        ),
        Server(
            "node", "Node + Fastify + ONNX Runtime",
            ["node", str(PEERS / "fastify.mjs"), "{port}", "{onnx}"],
            ("{peers}/node/ok", PEERS_HINT),
        ),
        # The batcher alone, where it has something to gain: see P8.
        *(
            Server(
                f"batch-{switch}-{threads}", f"axond, batching {switch}, {threads} threads",
                [*AXOND, "--models", f"{{work}}/batching-{switch}", "--threads", str(threads)],
                None, ALL_CORES if threads > 1 else None,
            )
            for threads in (1, 2) for switch in ("on", "off")
        ),
    )
}  # fmt: skip


def is_axond(name):
    return name.startswith(("axond", "batch"))


def is_echo(name):
    return name.startswith("echo")


class Running:
    """A server that answers."""

    def __init__(self, name, places):
        self.server = SERVERS[name]
        self.name = name
        self.port = free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        fill = {**places, "port": self.port}
        env = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        if core := blas_core():
            env["OPENBLAS_CORETYPE"] = core
        self.process = Process(
            [part.format(**fill) for part in self.server.command],
            f"{places['work']}/{name}.log",
            cores=self.server.cores or SERVER_CORES,
            env={} if is_axond(name) else env,
            cwd=f"{places['peers']}/node" if name == "node" else None,
        )
        try:
            self._wait_ready()
        except BaseException:
            self.process.end()
            raise

    def _wait_ready(self):
        end = time.monotonic() + READY_SECONDS
        while time.monotonic() < end:
            self.process.need_alive()
            try:
                self.get(READY)
                return
            except (OSError, http.client.HTTPException):
                time.sleep(0.02)
        raise Failure(f"{self.name} is not ready after {READY_SECONDS} s")

    def get(self, path):
        with urllib.request.urlopen(self.base + path, timeout=10) as reply:
            return reply.read()

    def post(self, path, body, headers):
        """-> the reply's body; whatever is not 200 is a Failure"""
        request = urllib.request.Request(
            self.base + path, data=body, headers={"Content-Type": "application/json", **headers}
        )
        try:
            with urllib.request.urlopen(request, timeout=POST_SECONDS) as reply:
                if reply.status == 200:
                    return reply.read()
                raise Failure(f"{self.name}: {path} gave {reply.status}")
        except urllib.error.HTTPError as e:
            raise Failure(f"{self.name}: {path} gave {e.code}: {e.read(200)!r}") from e
        except (OSError, http.client.HTTPException) as e:
            raise Failure(f"{self.name}: {path}: {e}") from e


def path_of(name, body, reply_bytes):
    """The echo is asked for as many bytes as axond's reply has."""
    return f"/{reply_bytes}" if is_echo(name) else FORMS[body.form].path.format(body.model)


def absent(name, places):
    """-> why the server cannot be started, or None"""
    needs = SERVERS[name].needs
    if not needs or Path(needs[0].format(**places)).exists():
        return None
    return f"{name} is skipped: not installed ({needs[1]})"


