#!/usr/bin/env python3
"""triton_calls.py ADDRESS MODELS sync|aio [INFER-KEY ADMIN-KEY] - every call of tritonclient.http, unmodified, without shared memory.

MODELS is the folder that the daemon serves: a copy of the shipped models. Answers of infer are those of :predict, bit for
bit, whichever way they come. With keys: how the client sends one, and what it is told without. A case is a function (cases.py).
"""
import asyncio
import itertools
import json
import os
import shutil
import sys

import numpy
import tritonclient.http
import tritonclient.http.aio
from tritonclient.utils import InferenceServerException

from cases import Counted, post, predicted, rows_of, run, same_bits

ADDRESS, MODELS, MODE, *KEYS = sys.argv[1:]
triton = tritonclient.http.aio if MODE == "aio" else tritonclient.http
OUTPUT = {"digits": "probabilities", "breast-cancer": "probability"}
INPUT = {"digits": "pixels", "breast-cancer": "measures"}


def tensor(model, array, binary=True, name=None, datatype="FP32"):
    given = triton.InferInput(name or INPUT[model], list(array.shape), datatype)
    return given.set_data_from_numpy(array, binary_data=binary)


def output(name, **options):
    return triton.InferRequestedOutput(name, **options)


async def refused(call, status, *words):
    """The call's exception has this status, and a message with these words: ours, not the client's own."""
    try:
        answer = await call
    except InferenceServerException as error:
        message = error.message()
        assert error.status() == str(status), f"status {error.status()}: {message}"
        assert "an exception occurred in the client" not in message, message
        missing = [word for word in words if word not in message]
        assert not missing, f"{missing} not in '{message}'"
        return message
    raise AssertionError(f"answered: {answer}")


# ---- the server and its models ----

async def case_health(client):
    assert await client.is_server_live() and await client.is_server_ready()


async def case_ready_models(client):
    assert await client.is_model_ready("digits") and await client.is_model_ready("digits", "1")
    assert not await client.is_model_ready("nobody")
    assert not await client.is_model_ready("digits", "9")


async def case_server_metadata(client):
    metadata = await client.get_server_metadata()
    assert metadata["name"] == "axond" and metadata["version"], metadata
    assert {"statistics", "binary_tensor_data", "classification", "model_repository"} <= set(metadata["extensions"]), metadata
    assert not any("shared_memory" in extension for extension in metadata["extensions"]), metadata


async def case_model_metadata(client):
    for version in ("", "1"):
        metadata = await client.get_model_metadata("digits", version)
        assert metadata["name"] == "digits" and metadata["versions"] == ["1"], metadata
        assert metadata["platform"] == "axon_mlp", metadata
        assert metadata["inputs"] == [{"name": "pixels", "datatype": "FP32", "shape": [-1, 64]}], metadata
        assert metadata["outputs"] == [{"name": "probabilities", "datatype": "FP32", "shape": [-1, 10]}], metadata
    await refused(client.get_model_metadata("nobody"), 404, "nobody")
    await refused(client.get_model_metadata("digits", "9"), 404, "digits", "9")


async def case_model_config(client):
    for version in ("", "1"):
        config = await client.get_model_config("digits", version)
        assert config["name"] == "digits" and config["max_batch_size"] > 0, config
        assert [(i["name"], i["data_type"], i["dims"]) for i in config["input"]] == [("pixels", "TYPE_FP32", [64])], config
        assert [(o["name"], o["data_type"], o["dims"]) for o in config["output"]] == [("probabilities", "TYPE_FP32", [10])], config
        assert config["dynamic_batching"] == {} and config["model_transaction_policy"] == {"decoupled": False}, config
        assert config["response_cache"] == {"enable": False}, config
    await refused(client.get_model_config("nobody"), 404, "nobody")


# ---- the repository ----

async def states(client):
    index = await client.get_model_repository_index()
    return {entry["name"]: (entry["state"], entry.get("version"), entry.get("reason")) for entry in index}


async def case_repository_index(client):
    index = await states(client)
    assert index["digits"][:2] == ("READY", "1") and index["breast-cancer"][:2] == ("READY", "1"), index


async def case_unload_and_load(client):
    array = rows_of("breast-cancer", 2)
    want = predicted(ADDRESS, "breast-cancer", array)
    assert await client.unload_model("breast-cancer") is None
    assert not await client.is_model_ready("breast-cancer")
    index = await states(client)
    assert index.get("breast-cancer", ("UNAVAILABLE",))[0] == "UNAVAILABLE", index
    try:
        await client.infer("breast-cancer", [tensor("breast-cancer", array)])
        raise AssertionError("a model that was unloaded answers")
    except InferenceServerException as error:
        assert error.status() in ("404", "503") and "breast-cancer" in error.message(), error
    assert await client.load_model("breast-cancer") is None
    assert await client.is_model_ready("breast-cancer")
    result = await client.infer("breast-cancer", [tensor("breast-cancer", array)])
    same_bits(result.as_numpy("probability"), want)
    await client.unload_model("breast-cancer", unload_dependents=True)
    await client.load_model("breast-cancer")


async def case_load_with_a_config(client):
    array = rows_of("digits", 1)
    with open(f"{MODELS}/digits/config.json", encoding="utf-8") as file:
        config = json.load(file)
    best = int(predicted(ADDRESS, "digits", array).argmax())
    config["output"]["labels"] = [f"figure {i}" for i in range(10)]
    await client.load_model("digits", config=json.dumps(config))

    async def label():
        result = await client.infer("digits", [tensor("digits", array)], outputs=[output("probabilities", class_count=1)])
        return result.as_numpy("probabilities").flatten()[0].decode().split(":", 2)[2]
    assert await label() == f"figure {best}"
    await refused(client.load_model("digits", config='{"layers": 3}'), 400, "layers")
    assert await client.is_model_ready("digits"), "a config that is refused changes nothing"
    await client.load_model("digits")
    assert await label() == str(best)


async def case_load_what_came_later(client):
    shutil.copytree(f"{MODELS}/digits", f"{MODELS}/later", dirs_exist_ok=True)
    await client.load_model("later")
    array = rows_of("digits", 3)
    result = await client.infer("later", [tensor("digits", array)])
    same_bits(result.as_numpy("probabilities"), predicted(ADDRESS, "digits", array))
    shutil.rmtree(f"{MODELS}/later")
    await client.unload_model("later")
    assert not await client.is_model_ready("later")


async def case_load_in_vain(client):
    await refused(client.load_model("nobody"), 404, "nobody")
    await refused(client.load_model("digits", config="{}", files={"file:1/model.onnx": b"0123"}), 400, "file:1/model.onnx")
    assert await client.is_model_ready("digits")


# ---- statistics and settings ----

async def counts(client, *which):
    (entry,) = (await client.get_inference_statistics(*which))["model_stats"]
    return entry


async def case_statistics(client):
    before = await counts(client, "digits")
    for rows in (1, 5):
        await client.infer("digits", [tensor("digits", rows_of("digits", rows))])
    after = await counts(client, "digits", "1")
    assert after["name"] == "digits" and after["version"] == "1", after
    assert after["inference_count"] - before["inference_count"] == 6, (before, after)
    assert 1 <= after["execution_count"] - before["execution_count"] <= 2, (before, after)
    assert after["last_inference"] > 1_700_000_000_000, after
    stats = after["inference_stats"]
    for key in ("success", "fail", "queue", "compute_input", "compute_infer", "compute_output", "cache_hit", "cache_miss"):
        assert isinstance(stats[key]["count"], int) and isinstance(stats[key]["ns"], int), (key, stats)
    assert stats["success"]["count"] - before["inference_stats"]["success"]["count"] == 2, (before, after)
    assert stats["queue"]["count"] == stats["success"]["count"], stats
    assert stats["compute_infer"]["ns"] > before["inference_stats"]["compute_infer"]["ns"], (before, after)
    await refused(client.infer("digits", [tensor("digits", numpy.zeros((1, 3), "f4"))]), 400)
    failed = await counts(client, "digits")
    assert failed["inference_stats"]["fail"]["count"] - stats["fail"]["count"] == 1, (after, failed)
    everyone = await client.get_inference_statistics()
    assert {"digits", "breast-cancer"} <= {entry["name"] for entry in everyone["model_stats"]}, everyone
    await refused(client.get_inference_statistics("nobody"), 404, "nobody")


async def case_log_settings(client):
    settings = await client.get_log_settings()
    assert {"log_info", "log_warning", "log_error", "log_verbose_level"} <= set(settings), settings
    changed = await client.update_log_settings({"log_verbose_level": 1})
    assert changed["log_verbose_level"] == 1, changed
    assert await client.get_log_settings() == changed
    assert await client.update_log_settings({"log_verbose_level": settings["log_verbose_level"]}) == settings
    await refused(client.update_log_settings({"log_noise": 1}), 400, "log_noise")


async def case_trace_settings(client):
    await refused(client.get_trace_settings(), 501, "trac")
    await refused(client.get_trace_settings("digits"), 501, "trac")
    await refused(client.update_trace_settings(settings={"trace_level": ["TIMESTAMPS"]}), 501, "trac")
    await refused(client.update_trace_settings("digits", {"trace_rate": "1"}), 501, "trac")


async def case_shared_memory_is_refused(client):
    handle = b"AAAA"
    for call in (client.get_system_shared_memory_status(), client.get_system_shared_memory_status("in"),
                 client.register_system_shared_memory("in", "/in", 256), client.unregister_system_shared_memory("in"),
                 client.unregister_system_shared_memory(), client.get_cuda_shared_memory_status(),
                 client.register_cuda_shared_memory("in", handle, 0, 256), client.unregister_cuda_shared_memory()):
        await refused(call, 501, "shared memory")
    given = triton.InferInput("pixels", [1, 64], "FP32")
    given.set_shared_memory("in", 256)
    await refused(client.infer("digits", [given]), 400, "shared memory", "pixels")
    wanted = output("probabilities")
    wanted.set_shared_memory("out", 40)
    given = tensor("digits", rows_of("digits", 1))
    await refused(client.infer("digits", [given], outputs=[wanted]), 400, "shared memory", "probabilities")


# ---- infer ----

async def case_infer_in_every_way(client):
    """Binary and JSON in, binary, JSON and unsaid out, each body and reply plain, gzip and deflate."""
    ways = itertools.product((True, False), (True, False, None), (None, "gzip", "deflate"), (None, "gzip", "deflate"))
    ways = list(ways)
    for model, rows in itertools.product(OUTPUT, (1, 32, 256)):
        array = rows_of(model, rows) + numpy.float32(0.1) * numpy.arange(rows, dtype=numpy.float32)[:, None]
        want = predicted(ADDRESS, model, array)
        for binary_in, binary_out, sent, asked in ways if rows < 256 else ways[::5]:
            outputs = None if binary_out is None else [output(OUTPUT[model], binary_data=binary_out)]
            result = await client.infer(model, [tensor(model, array, binary_in)], outputs=outputs,
                                        request_compression_algorithm=sent, response_compression_algorithm=asked)
            same_bits(result.as_numpy(OUTPUT[model]), want)
            assert result.as_numpy(OUTPUT[model]).shape == (rows, 10 if model == "digits" else 1)
            said = result.get_response()
            assert said["model_name"] == model and said["model_version"] == "1", said
            assert ("data" in said["outputs"][0]) == (binary_out is False), said


async def case_a_version(client):
    array = rows_of("digits", 2)
    result = await client.infer("digits", [tensor("digits", array)], model_version="1")
    same_bits(result.as_numpy("probabilities"), predicted(ADDRESS, "digits", array))


async def case_hidden_layers(client):
    """Several outputs, some of them binary and some JSON, in the order in which they were asked for."""
    array = rows_of("digits", 4)
    reply = post(ADDRESS, "/v1/models/digits:predict", {"instances": array.tolist(), "capture": ["hidden1", "hidden2"]})
    reply = json.loads(reply[2])
    want = {"probabilities": reply["predictions"], **reply["captured"]}
    for binary in itertools.product((True, False), repeat=3):
        names = ["hidden2", "probabilities", "hidden1"]
        outputs = [output(name, binary_data=each) for name, each in zip(names, binary)]
        result = await client.infer("digits", [tensor("digits", array)], outputs=outputs)
        assert sorted(o["name"] for o in result.get_response()["outputs"]) == sorted(names), result.get_response()
        for name in names:
            same_bits(result.as_numpy(name), numpy.array(want[name], dtype=numpy.float32))


async def case_classification(client):
    array = rows_of("digits", 3)
    scores = predicted(ADDRESS, "digits", array)
    for count, binary in itertools.product((1, 3, 50), (True, False)):
        outputs = [output("probabilities", binary_data=binary, class_count=count)]
        result = await client.infer("digits", [tensor("digits", array)], outputs=outputs)
        got = result.as_numpy("probabilities")
        assert got.shape == (3, min(count, 10)), got
        assert result.get_output("probabilities")["datatype"] == "BYTES"
        for row, line in zip(scores, got):
            for place, text in enumerate(line):
                value, index, label = (text.decode() if isinstance(text, bytes) else text).split(":")
                assert label == index, text
                same_bits(numpy.array([value], dtype=numpy.float32), row[int(index):int(index) + 1])
                assert row[int(index)] == numpy.sort(row)[::-1][place], (text, row)


async def case_no_rows(client):
    for binary in (True, False):
        result = await client.infer("digits", [tensor("digits", numpy.zeros((0, 64), "f4"), binary)])
        assert result.as_numpy("probabilities").shape == (0, 10)


async def case_not_a_number(client):
    """Binary tensors carry it as it is; JSON as ?non_finite= says, and by default it is refused."""
    array = rows_of("digits", 2)
    array[1, 5] = numpy.nan
    result = await client.infer("digits", [tensor("digits", array)])
    want = result.as_numpy("probabilities")
    assert numpy.isnan(want[1]).all() and not numpy.isnan(want[0]).any(), want
    outputs = [output("probabilities", binary_data=False)]
    await refused(client.infer("digits", [tensor("digits", array)], outputs=outputs), 400, "probabilities", "non_finite")
    result = await client.infer("digits", [tensor("digits", array)], outputs=outputs, query_params={"non_finite": "token"})
    assert numpy.isnan(result.as_numpy("probabilities")[1]).all()
    same_bits(result.as_numpy("probabilities")[0], want[0])


async def case_request_id_and_what_is_ignored(client):
    array = rows_of("digits", 1)
    want = predicted(ADDRESS, "digits", array)
    for binary in (True, False):
        result = await client.infer(
            "digits", [tensor("digits", array, binary)], request_id="the 7th", sequence_id=7, sequence_start=True,
            sequence_end=True, priority=1, timeout=30_000_000, headers={"X-Request-Id": "mine", "X-Own": "1"},
            query_params={"non_finite": "token"}, parameters={"mine": "yes", "deep": 3})
        assert result.get_response()["id"] == "the 7th", result.get_response()
        same_bits(result.as_numpy("probabilities"), want)
    result = await client.infer("digits", [tensor("digits", array)])
    assert "id" not in result.get_response(), result.get_response()


async def case_timeout(client):
    """In a microsecond nobody reads 256 rows."""
    given = [tensor("digits", rows_of("digits", 256))]
    await refused(client.infer("digits", given, timeout=1), 504, "deadline")
    result = await client.infer("digits", given, timeout=60_000_000)
    assert result.as_numpy("probabilities").shape == (256, 10)


async def case_sequence_by_name(client):
    result = await client.infer("digits", [tensor("digits", rows_of("digits", 1))], sequence_id="conversation")
    assert result.as_numpy("probabilities").shape == (1, 10)


async def case_body_made_here_and_sent_elsewhere(client):
    array = rows_of("digits", 2)
    want = predicted(ADDRESS, "digits", array)
    for binary in (True, False):
        body, length = await client.generate_request_body(
            [tensor("digits", array, binary)], outputs=[output("probabilities", binary_data=binary)], request_id="own")
        headers = {"Inference-Header-Content-Length": str(length)} if length else {}
        _, headers, reply = post(ADDRESS, "/v2/models/digits/infer", body, headers)
        length = headers["Inference-Header-Content-Length"]
        assert (length is not None) == binary, headers
        result = await client.parse_response_body(reply, header_length=int(length) if length else None)
        same_bits(result.as_numpy("probabilities"), want)


async def all_the_same(client):
    """Whoever is in the middle of a request is counted in no phase, or in all: perf_analyzer ends where two differ."""
    for _ in range(16):
        stats = (await counts(client, "digits"))["inference_stats"]
        phases = {stats[key]["count"] for key in ("success", "queue", "compute_input", "compute_infer", "compute_output")}
        assert len(phases) == 1, stats
    return 16


async def case_at_once(client):
    """async_infer of the sync client; many at once of the other."""
    array = rows_of("digits", 8)
    want = predicted(ADDRESS, "digits", array)
    if MODE == "aio":
        calls = [client.infer("digits", [tensor("digits", array)]) for _ in range(32)]
        *results, read = await asyncio.gather(*calls, all_the_same(client))
        assert read == 16
    else:
        waiting = [await client.async_infer("digits", [tensor("digits", array)], request_id=str(i),
                                            request_compression_algorithm=(None, "gzip")[i % 2],
                                            response_compression_algorithm=(None, "deflate")[i % 2]) for i in range(32)]
        results = [one.get_result() for one in waiting]
        assert [one.get_response()["id"] for one in results] == [str(i) for i in range(32)]
        try:
            (await client.async_infer("nobody", [tensor("digits", array)])).get_result()
            raise AssertionError("a model that there is not answers")
        except InferenceServerException as error:
            assert error.status() == "404" and "nobody" in error.message()
    for result in results:
        same_bits(result.as_numpy("probabilities"), want)


# ---- refusals ----

async def case_errors_of_infer(client):
    array = rows_of("digits", 1)
    zeros = numpy.zeros((2, 63), "f4")
    for binary in (True, False):
        def infer(model="digits", array=array, outputs=None, version="", **of_tensor):
            return client.infer(model, [tensor("digits", array, binary, **of_tensor)], model_version=version, outputs=outputs)
        await refused(infer(array=zeros), 400, "pixels", "63", "64")
        await refused(infer(array=zeros[0]), 400, "pixels", "63", "64")
        await refused(infer(name="pixel"), 400, "pixel")
        await refused(infer(array=array.astype("f8"), datatype="FP64"), 400, "FP64", "FP32", "astype(numpy.float32)")
        await refused(infer(array=array.astype("i8"), datatype="INT64"), 400, "INT64", "FP32")
        await refused(infer("nobody"), 404, "nobody")
        await refused(infer("no such/model?"), 404)
        await refused(infer(version="9"), 404, "9")
        await refused(infer(outputs=[output("logits")]), 400, "logits")
    given = tensor("digits", array)
    await refused(client.infer("digits", [given, given]), 400, "pixels")
    await refused(client.infer("digits", []), 400, "inputs")
    await refused(client.infer("digits", [given], query_params={"unheard": "of"}), 400, "unheard")
    given.set_shape([2, 64])
    await refused(client.infer("digits", [given]), 400, "pixels", "256", "512")
    result = await client.infer("digits", [tensor("digits", array)])
    same_bits(result.as_numpy("probabilities"), predicted(ADDRESS, "digits", array))


async def case_errors_of_compressed_calls(client):
    """An error is never compressed: the sync client would not read it."""
    zeros = numpy.zeros((2, 63), "f4")
    for algorithm in ("gzip", "deflate"):
        await refused(client.infer("digits", [tensor("digits", zeros)], request_compression_algorithm=algorithm,
                                   response_compression_algorithm=algorithm), 400, "pixels", "63", "64")


async def case_broken_connections_are_no_errors_later(client):
    """Whatever was refused, the connection goes on; and what needs no body may have any query."""
    await refused(client.infer("digits", [tensor("digits", numpy.zeros((4000, 63), "f4"), False)]), 400, "63")
    assert await client.is_server_ready(query_params={"a": 1, "b": 2}) and await client.is_server_live(headers={"X-A": "1"})


# ---- a daemon that wants keys ----

class Plugin(tritonclient.http.InferenceServerClientPlugin):
    """The client's own way to add a header to whatever it sends."""

    def __init__(self, key):
        self.key = key

    def __call__(self, request):
        request.headers["X-API-Key"] = self.key


async def keyed_headers(client):
    infer, admin = KEYS
    array = rows_of("digits", 1)

    def ask(**headers):
        return client.infer("digits", [tensor("digits", array)], headers={k.replace("_", "-"): v for k, v in headers.items()})
    for headers in ({"Authorization": f"Bearer {infer}"}, {"X_API_Key": infer}, {"X_API_Key": admin}):
        result = await ask(**headers)
        assert result.as_numpy("probabilities").shape == (1, 10)
    assert await client.is_server_ready() and await client.is_server_live() and await client.is_model_ready("digits")
    await refused(client.infer("digits", [tensor("digits", array)]), 401, "key")
    for headers in ({"X_API_Key": infer[:-1]}, {"Authorization": f"Basic {infer}"}, {"Authorization": "Bearer"}):
        message = await refused(ask(**headers), 401)
        assert infer[:-1] not in message, message


async def keyed_scopes(client):
    infer, admin = ({"X-API-Key": key} for key in KEYS)
    await refused(client.load_model("digits", headers=infer), 403)
    await refused(client.update_log_settings({"log_verbose_level": 0}, headers=infer), 403)
    await refused(client.load_model("digits"), 401)
    await client.load_model("digits", headers=admin)
    assert (await client.get_server_metadata(headers=infer))["name"] == "axond"


async def keyed_plugin(client):
    client.client.register_plugin(Plugin(KEYS[0]))
    result = await client.infer("digits", [tensor("digits", rows_of("digits", 1))])
    assert result.as_numpy("probabilities").shape == (1, 10)
    client.client.unregister_plugin()


async def main():
    options = {"concurrency": 4} if MODE == "sync" else {}
    client = triton.InferenceServerClient(ADDRESS, **options)
    return client, Counted("tritonclient.http" + (".aio" if MODE == "aio" else ""), client)


if __name__ == "__main__":
    assert os.path.isdir(MODELS)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    native, counted = loop.run_until_complete(main())
    run(globals(), counted, prefix="keyed_" if KEYS else "case_")
    if MODE == "aio":
        loop.run_until_complete(native.close())
    else:
        native.close()
