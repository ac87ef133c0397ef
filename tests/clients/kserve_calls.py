#!/usr/bin/env python3
"""kserve_calls.py ADDRESS MODELS ready|broken - KServe's InferenceRESTClient in protocol V1 and V2, unmodified, and its agent's calls.

MODELS is the folder that the daemon serves: the shipped models, and with `broken` one that cannot be loaded. A case is a
function (cases.py).
"""
import asyncio
import itertools
import shutil
import sys

import httpx
import numpy
from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig
from kserve.protocol.infer_type import RequestedOutput

from cases import Counted, count, predicted, rows_of, run, same_bits

ADDRESS, MODELS, MODE = sys.argv[1:4]
BASE = f"http://{ADDRESS}"


async def refused(call, status, *words):
    """httpx's exception has this status and begins with our sentence, which the client has read as JSON."""
    try:
        answer = await call
    except httpx.HTTPStatusError as error:
        assert error.response.status_code == status, error
        sentence = str(error).split(f", '{status} ")[0]
        assert sentence and all(word in sentence for word in words), error
        return
    raise AssertionError(f"answered: {answer}")


def request(array, binary, **options):
    given = InferInput("pixels", list(array.shape), "FP32")
    given.set_data_from_numpy(array, binary_data=binary)
    return InferRequest(model_name="digits", infer_inputs=[given], **options)


# ---- V1 ----

async def case_v1_health(v1, v2):
    assert await v1.is_server_live(BASE) is True
    assert await v1.is_model_ready(BASE, "digits") is True
    await refused(v1.is_model_ready(BASE, "nobody"), 404, "nobody")


async def case_v1_infer(v1, v2):
    array = rows_of("digits", 5)
    reply = await v1.infer(BASE, {"instances": array.tolist()}, model_name="digits")
    same_bits(numpy.array(reply["predictions"], "f4"), predicted(ADDRESS, "digits", array))
    named = [{"pixels": row} for row in array.tolist()]
    assert await v1.infer(BASE, {"instances": named}, model_name="digits") == reply
    await refused(v1.infer(BASE, {"instances": [[1]]}, model_name="digits"), 400, "64")
    await refused(v1.infer(BASE, {"instances": [[1]]}, model_name="nobody"), 404, "nobody")


async def case_v1_explain(v1, v2):
    reply = await v1.explain(BASE, "digits", {"instances": rows_of("digits", 1).tolist()})
    assert len(reply["explanations"]) == 1, reply


# ---- V2 ----

async def case_v2_health(v1, v2):
    assert await v2.is_server_live(BASE) is True and await v2.is_server_ready(BASE) is True
    assert await v2.is_model_ready(BASE, "digits") is True
    assert await v2.is_model_ready(BASE, "nobody") is False


async def case_v2_infer(v1, v2):
    for binary, rows in itertools.product((True, False), (1, 32, 256)):
        array = rows_of("digits", rows)
        want = predicted(ADDRESS, "digits", array)
        for outputs in (None, [{"binary_data": True}], [{"binary_data": False}]):
            wanted = outputs and [RequestedOutput("probabilities", parameters) for parameters in outputs]
            reply = await v2.infer(BASE, request(array, binary, request_id="mine", request_outputs=wanted), model_name="digits")
            assert reply.model_name == "digits" and reply.id == "mine", reply
            (output,) = reply.outputs
            assert output.name == "probabilities" and output.shape == [rows, 10] and output.datatype == "FP32", output
            same_bits(numpy.array(output.as_numpy(), "f4"), want)


async def case_v2_parameters(v1, v2):
    array = rows_of("digits", 1)
    headers = {}
    for parameters in ({"binary_data_output": True}, {"binary_data_output": False, "priority": 1, "own": "word"}):
        reply = await v2.infer(BASE, request(array, True, parameters=parameters), model_name="digits", response_headers=headers)
        same_bits(numpy.array(reply.outputs[0].as_numpy(), "f4"), predicted(ADDRESS, "digits", array))
        assert ("inference-header-content-length" in headers) == parameters["binary_data_output"], headers
        headers.clear()


async def case_v2_several_outputs(v1, v2):
    wanted = [RequestedOutput("hidden2", {"binary_data": True}), RequestedOutput("probabilities", {"binary_data": False})]
    reply = await v2.infer(BASE, request(rows_of("digits", 2), True, request_outputs=wanted), model_name="digits")
    assert {output.name: output.shape for output in reply.outputs} == {"hidden2": [2, 64], "probabilities": [2, 10]}, reply


async def case_v2_no_rows(v1, v2):
    """The client sends no rows as "data": null, with a binary size of 0."""
    for binary in (True, False):
        reply = await v2.infer(BASE, request(numpy.zeros((0, 64), "f4"), binary), model_name="digits")
        assert reply.outputs[0].shape == [0, 10], reply


async def case_v2_errors(v1, v2):
    await refused(v2.infer(BASE, request(numpy.zeros((1, 3), "f4"), True), model_name="digits"), 400, "pixels", "3", "64")
    await refused(v2.infer(BASE, request(rows_of("digits", 1), False), model_name="nobody"), 404, "nobody")
    given = InferInput("pixels", [1, 64], "FP64")
    given.set_data_from_numpy(rows_of("digits", 1).astype("f8"))
    asked = InferRequest(model_name="digits", infer_inputs=[given])
    await refused(v2.infer(BASE, asked, model_name="digits"), 400, "FP64", "FP32")


# ---- its agent, which has no library ----

async def case_agent_loads_and_unloads(v1, v2):
    """It lays a folder down and posts {} to load; it removes the folder, and posts {} to unload."""
    async def agent(word):
        count("kserve agent", word)
        async with httpx.AsyncClient() as client:
            reply = await client.post(f"{BASE}/v2/repository/models/fetched/{word}", json={})
        assert reply.status_code == 200, reply.text
    shutil.copytree(f"{MODELS}/digits", f"{MODELS}/fetched")
    await agent("load")
    assert await v2.is_model_ready(BASE, "fetched") and await v1.is_model_ready(BASE, "fetched")
    shutil.rmtree(f"{MODELS}/fetched")
    await agent("unload")
    assert not await v2.is_model_ready(BASE, "fetched")


async def case_lists_of_models(v1, v2):
    async with httpx.AsyncClient() as client:
        for path in ("/v1/models", "/v2/models"):
            count("kserve's lists", path)
            models = (await client.get(BASE + path)).json()["models"]
            names = [model if isinstance(model, str) else model["name"] for model in models]
            assert {"digits", "breast-cancer"} <= set(names), models


# ---- a model that there is, but that no version serves ----

async def broken_v1_is_not_ready(v1, v2):
    assert await v1.is_model_ready(BASE, "broken") is False
    assert await v1.is_model_ready(BASE, "digits") is True
    assert await v1.is_server_live(BASE) is True


async def broken_v2_is_not_ready(v1, v2):
    assert await v2.is_model_ready(BASE, "broken") is False
    assert await v2.is_model_ready(BASE, "digits") is True
    assert await v2.is_server_live(BASE) is True


if __name__ == "__main__":
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    both = [InferenceRESTClient(RESTConfig(protocol=protocol)) for protocol in ("v1", "v2")]
    run(globals(), Counted("kserve V1", both[0]), Counted("kserve V2", both[1]), prefix="case_" if MODE == "ready" else "broken_")
    for native in both:
        loop.run_until_complete(native.close())
