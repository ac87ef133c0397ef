"""fastapi_app.py ENGINE PORT REPOSITORY ONNX - the models of a repository over FastAPI; ENGINE: torch or onnxruntime.

Tuned by hand, as a tutorial does not: orjson in and out, numpy between, no pydantic model, no check
of bodies. The plain form is fastapi_tutorial.py.
ONNX: the folder that onnx_export.py wrote.
"""

import sys
from pathlib import Path

import numpy as np
import orjson
from fastapi import FastAPI, Request
from fastapi.responses import Response

import serve


def torch_runs(repository, _):
    import torch

    import torch_networks

    def runs(net):
        def run(x):
            with torch.inference_mode():
                return net(torch.from_numpy(x)).numpy()

        return run

    return {name: runs(net) for name, net in torch_networks.all_of(repository).items()}


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
    serve.run(service(ENGINES[engine](repository, onnx)), int(port))
