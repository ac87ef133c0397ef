"""fastapi_tutorial.py PORT REPOSITORY - the models of a repository over FastAPI and PyTorch, as the tutorial writes it.

The body is a pydantic model, the reply a dict that FastAPI encodes. Around the handler
is the same as in fastapi_app.py: uvloop, frozen networks, one compute thread. The handler is on the event
loop, since a plain `def` would cost a hand-over to another thread.
"""

import sys

import torch
from fastapi import FastAPI
from pydantic import BaseModel

import serve
import torch_networks

app = FastAPI()
networks = torch_networks.all_of(sys.argv[2])


class Rows(BaseModel):
    instances: list[list[float]]


@app.get("/v2/health/ready")
async def ready():
    return {"ready": True}


@app.post("/v1/models/{name}:predict")
async def predict(name: str, rows: Rows):
    with torch.inference_mode():
        y = networks[name](torch.tensor(rows.instances))
    return {"predictions": y.tolist()}


if __name__ == "__main__":
    serve.run(app, int(sys.argv[1]))
