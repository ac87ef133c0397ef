"""fastapi_app.py ENGINE PORT REPOSITORY ONNX - the models of a repository over FastAPI; ENGINE: torch or onnxruntime.

Written for speed: uvloop and httptools, one process, orjson in and out, no pydantic model, the
handler on the event loop, one compute thread, scale and offset folded into the first layer.
ONNX: the folder that onnx_export.py wrote.
"""

import sys
from pathlib import Path

import numpy as np
import orjson
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import Response

import model


def torch_runs(repository, _):
    import torch

    torch.set_num_threads(1)
    kinds = {
        "relu": torch.nn.ReLU,
        "sigmoid": torch.nn.Sigmoid,
        "softmax": lambda: torch.nn.Softmax(dim=1),
    }

    def network(layers):
        parts = []
        for weight, bias, activation in layers:
            linear = torch.nn.Linear(weight.shape[1], weight.shape[0])
            linear.weight.data = torch.from_numpy(weight)
            linear.bias.data = torch.from_numpy(bias)
            parts += [linear, kinds[activation]()]
        net = torch.nn.Sequential(*parts).eval()
        example = torch.zeros(2, layers[0][0].shape[1])
        return torch.jit.freeze(torch.jit.trace(net, example))

    def runs(net):
        def run(x):
            with torch.inference_mode():
                return net(torch.from_numpy(x)).numpy()

        return run

    return {name: runs(network(layers)) for name, layers in model.all_of(repository).items()}


def onnxruntime_runs(_, folder):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1

    def runs(path):
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        return lambda x: session.run(None, {"x": x})[0]

    return {path.stem: runs(str(path)) for path in Path(folder).glob("*.onnx")}


ENGINES = {"torch": torch_runs, "onnxruntime": onnxruntime_runs}


def service(runs):
    app = FastAPI(openapi_url=None)

    @app.get("/v2/health/ready")
    async def ready():
        return Response(b'{"ready":true}', media_type="application/json")

    @app.post("/v1/models/{name}:predict")
    async def predict(name: str, request: Request):
        rows = orjson.loads(await request.body())["instances"]
        predictions = runs[name](np.asarray(rows, dtype=np.float32))
        text = orjson.dumps({"predictions": predictions}, option=orjson.OPT_SERIALIZE_NUMPY)
        return Response(text, media_type="application/json")

    return app


if __name__ == "__main__":
    engine, port, repository, onnx = sys.argv[1:]
    uvicorn.run(
        service(ENGINES[engine](repository, onnx)),
        host="127.0.0.1",
        port=int(port),
        loop="uvloop",
        http="httptools",
        log_level="warning",
        access_log=False,
        backlog=4096,
        timeout_keep_alive=600,
    )
