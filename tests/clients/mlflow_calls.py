#!/usr/bin/env python3
"""mlflow_calls.py ADDRESS - MLflow's ScoringServerClient, unmodified, with pandas, NumPy and SciPy; CSV by requests.

The daemon serves one model, breast-cancer, whose columns are named as in COLUMNS. A case is a function (cases.py).
"""
import json
import sys

import numpy
import pandas
import requests
import scipy.sparse
from mlflow.pyfunc.scoring_server.client import ScoringServerClient

from cases import Counted, count, predicted, rows_of, run, same_bits

ADDRESS = sys.argv[1]
BASE = f"http://{ADDRESS}"
MODEL = "breast-cancer"
COLUMNS = [f"measure {i}" for i in range(30)]


def frame(rows=4):
    array = rows_of(MODEL, rows)
    return array, pandas.DataFrame(array.astype("f8"), columns=COLUMNS, index=[f"row {i}" for i in range(rows)])


async def answers(client, data, array, **options):
    reply = await client.invoke(data, **options)
    want = predicted(ADDRESS, MODEL, array)
    same_bits(reply.get_predictions("ndarray", dtype="float32"), want)
    assert len(reply.get_predictions("dataframe")) == len(array)


async def refused(call, status, *words):
    """The client's exception has the status, and the reply with MLflow's and our own keys."""
    try:
        answer = await call
    except Exception as error:
        text = str(error)
        assert f"error code {status}" in text and all(word in text for word in words), text
        reply = json.loads(text[text.index("response: ") + len("response: "):-1])
        assert reply["error_code"] and reply["message"] == reply["error"] and reply["code"], reply
        return
    raise AssertionError(f"answered: {answer}")


async def case_ping_and_version(client):
    await client.wait_server_ready(timeout=10)
    assert await client.ping() is None
    assert (await client.get_version()).strip()


async def case_data_frame(client):
    array, data = frame()
    await answers(client, data, array)
    await answers(client, data, array, params={"temperature": 0.7})


async def case_data_frame_in_another_order(client):
    array, data = frame()
    data.insert(3, "another", "not a number")
    await answers(client, data[list(reversed(data.columns))], array)


async def case_data_frame_without_names(client):
    array, data = frame()
    data.columns = range(30)
    await answers(client, data, array)


async def case_data_frame_of_float32_and_bool(client):
    array, data = frame()
    array[:, 4] = array[:, 4] > array[0, 4]
    data = pandas.DataFrame(array, columns=COLUMNS)
    data["measure 4"] = data["measure 4"].astype(bool)
    await answers(client, data, array)


async def case_data_frame_of_no_rows(client):
    _, data = frame()
    reply = await client.invoke(data[:0])
    assert reply["predictions"] == [], reply


async def case_data_frame_with_mistakes(client):
    _, data = frame()
    await refused(client.invoke(data.drop(columns="measure 7")), 400, "measure 7")
    missing = data.copy()
    missing.iloc[2, 5] = float("nan")
    await refused(client.invoke(missing), 400, "2", "measure 5")
    words = data.astype(object)
    words.iloc[1, 6] = "much"
    await refused(client.invoke(words), 400, "1", "measure 6")
    doubled = data.copy()
    doubled.columns = ["measure 1" if name == "measure 2" else name for name in COLUMNS]
    await refused(client.invoke(doubled), 400, "measure 1")


async def case_arrays(client):
    array, _ = frame()
    await answers(client, array, array)
    await answers(client, array.astype("f8"), array)
    await answers(client, array.tolist(), array)
    whole = numpy.arange(60).reshape(2, 30)
    await answers(client, whole, whole.astype("f4"))
    await refused(client.invoke(array[:, :3]), 400, "3", "30")


async def case_sparse_matrix(client):
    array, _ = frame()
    array[array < 1] = 0
    await answers(client, scipy.sparse.csr_matrix(array), array)
    await answers(client, scipy.sparse.csc_matrix(array), array)


async def case_text_that_is_json_already(client):
    array, data = frame()
    for body in ({"dataframe_records": data.to_dict(orient="records")}, {"instances": array.tolist()}, {"inputs": array.tolist()},
                 {"inputs": {"measures": array.tolist()}}, {"dataframe_split": data.to_dict(orient="split"), "params": {}}):
        await answers(client, json.dumps(body), array)
    await refused(client.invoke(json.dumps({"instances": [], "inputs": []})), 400)
    await refused(client.invoke("{"), 400)


async def case_dictionary_of_arrays_cannot_be_sent(client):
    """The client itself fails, before it has sent anything."""
    array, _ = frame()
    try:
        await client.invoke({"measures": array})
    except ValueError as error:
        assert "unpack" in str(error), error
        return
    raise AssertionError("mlflow can send a dictionary now: let it be answered")


# ---- what MLflow's pages do with curl ----

def send(body, content_type):
    count("requests, /invocations", content_type.split(";")[0])
    return requests.post(f"{BASE}/invocations", data=body, headers={"Content-Type": content_type}, timeout=60)


def case_csv(client):
    array, data = frame()
    want = predicted(ADDRESS, MODEL, array)
    for text in (data.to_csv(), data.to_csv(index=False), data.to_csv(index=False, lineterminator="\r\n"),
                 data.to_csv(index=False, quoting=1)):
        for content_type in ("text/csv", "text/csv; charset=utf-8"):
            reply = send(text.encode(), content_type)
            assert reply.status_code == 200, reply.text
            same_bits(numpy.array(reply.json()["predictions"], "f4"), want)
    reply = send(data.drop(columns="measure 9").to_csv(), "text/csv")
    assert reply.status_code == 400 and "measure 9" in reply.json()["message"], reply.text
    assert send(data.to_csv().encode("latin-1"), "text/csv; charset=latin-1").status_code == 415


def case_health(client):
    count("requests, /invocations", "GET /health")
    reply = requests.get(f"{BASE}/health", timeout=60)
    assert reply.status_code == 200 and reply.text == "\n" and reply.headers["Content-Type"] == "application/json", reply.text


if __name__ == "__main__":
    host, port = ADDRESS.rsplit(":", 1)
    run(globals(), Counted("mlflow", ScoringServerClient(host, int(port))))
