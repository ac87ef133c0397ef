#!/usr/bin/env python3
"""generated.py ADDRESS CASE - use the client that openapi-python-client made of openapi.json, as its user would.

The package `client` is found by PYTHONPATH. A case is a function; it fails by an exception.
"""
import sys

from client import Client
from client.api.activations import apply_activation, get_activation, get_guide, list_activations, plot_activation
from client.api.losses import evaluate_loss, list_losses
from client.api.models import (get_model_metadata, get_version_status, list_models, predict, predict_label,
                               predict_version)
from client.api.operations import get_metrics, get_openapi, is_live, is_ready
from client.models import (Application, ApplyActivationNonFinite, Dialect, Error, ErrorCode, Evaluation, GetGuideNetwork, GuideTask, NamedRow,
                           NamedRows, Parameters, PredictInputs, PredictInstances, Reduction)

client = Client(base_url=sys.argv[1])


def case_operations():
    assert is_live.sync(client=client).live and is_ready.sync(client=client).ready
    assert "axond_build_info" in get_metrics.sync_detailed(client=client).content.decode()
    assert get_openapi.sync(client=client)["openapi"] == "3.1.0"


def case_activation():
    body = Application(data=[[1.0, -2.0], [3.0, -4.0]], parameters=Parameters.from_dict({"alpha": 0.2}), gradient=True)
    applied = apply_activation.sync("leaky_relu", client=client, body=body)
    assert applied.shape == [2, 2] and applied.data == [[1, -0.4], [3, -0.8]]
    assert applied.gradient == [[1, 0.2], [1, 0.2]] and applied.statistics.count == 4


def case_activation_of_every_rank():
    data = -1.0
    for _ in range(9):
        applied = apply_activation.sync("leaky_relu", client=client, body=Application(data=data, dialect=Dialect.KERAS2))
        want = applied.data
        while isinstance(want, list):
            want = want[0]
        assert want == -0.3
        data = [data]
    assert apply_activation.sync("relu", client=client, body=Application(data=data)).code == ErrorCode.LIMIT_EXCEEDED


def case_activation_not_finite():
    body = Application(data=[1e3, 1.0])
    refused = apply_activation.sync("exponential", client=client, body=body)
    assert isinstance(refused, Error) and refused.code == ErrorCode.NON_FINITE
    applied = apply_activation.sync("exponential", client=client, body=body, non_finite=ApplyActivationNonFinite.NULL)
    assert applied.data == [None, 2.7182817]


def case_catalogue():
    activations = list_activations.sync(client=client).activations
    for activation in activations:
        assert get_activation.sync(activation.name, client=client) == activation
        for alias in activation.aliases:
            assert get_activation.sync(alias, client=client).name == activation.name
    assert {loss.name for loss in list_losses.sync(client=client).losses} >= {"cross_entropy", "mse"}


def case_guide():
    guide = get_guide.sync(client=client, task=GuideTask.MULTICLASS, network=GetGuideNetwork.GAN, depth=3)
    assert (guide.output.activation, guide.output.loss) == ("softmax", "cross_entropy") and guide.watch
    assert guide.hidden[0].activation == "leaky_relu" and guide.hidden[0].parameters.to_dict() == {"alpha": 0.2}
    assert {row.activation for row in guide.hidden} <= {a.name for a in list_activations.sync(client=client).activations}


def case_plot():
    drawn = plot_activation.sync("silu", client=client, compare="relu,gelu", derivative=True, to=3.5)
    assert drawn.count("<path") == 6
    assert plot_activation.sync("silu", client=client, from_=7.0).code == ErrorCode.BAD_PARAMETER


def case_refusal():
    reply = apply_activation.sync_detailed("reluu", client=client, body=Application(data=1.0))
    assert reply.status_code == 404 and reply.parsed.code == ErrorCode.UNKNOWN_ACTIVATION
    assert reply.headers["x-request-id"]
    reply = apply_activation.sync_detailed("relu", client=client, body=Application(data=[[1.0, 2.0], [3.0]]))
    assert reply.status_code == 400 and reply.parsed.error == "data[1]: 1 value, data[0] has 2"


def case_loss():
    body = Evaluation(logits=[[1000.0, 0.0], [0.0, 0.0]], labels=[0, 1])
    evaluated = evaluate_loss.sync("cross_entropy", client=client, body=body)
    assert evaluated.loss == 0.3465736 and evaluated.per_row == [0, 0.6931472]
    assert evaluated.gradient == [[0, 0], [0.25, -0.25]]


def case_loss_with_options():
    body = Evaluation(logits=[[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]], labels=[2, -100], reduction=Reduction.NONE)
    evaluated = evaluate_loss.sync("cross_entropy", client=client, body=body)
    assert evaluated.loss == [0.40760598, 0] and evaluated.gradient[1] == [0, 0, 0]
    body = Evaluation(predictions=[1.0, 5.0], targets=[0.0, 0.0], delta=2)
    assert evaluate_loss.sync("huber", client=client, body=body).per_row == [0.5, 8]


def case_predict():
    rows = [[1.0, 2.0], [-1.0, 2.0]]
    want = [[5.5, -1.5], [4.5, -0.5]]
    asked = PredictInstances(instances=rows, top_k=1, capture=["hidden1"])
    predicted = predict.sync("tiny", client=client, body=asked)
    assert predicted.predictions == want and predicted.classes[0][0].label == "high"
    assert predicted.captured["hidden1"] == [[1, 2, 0], [0, 2, 0]]
    asked = PredictInstances(instances=[NamedRow.from_dict({"point": row}) for row in rows])
    assert predict_version.sync("tiny", 1, client=client, body=asked).predictions == want
    asked = PredictInputs(inputs=NamedRows.from_dict({"point": rows}))
    assert predict_label.sync("tiny", "stable", client=client, body=asked).outputs == want
    assert predict.sync("tiny", client=client, body=PredictInputs(inputs=rows)).outputs == want
    assert predict.sync("scorer", client=client, body=PredictInstances(instances=[1.0, 2.0])).predictions == [10, 20]
    assert predict.sync("tiny", client=client, body=PredictInstances(instances=[])).predictions == []


def case_models():
    models = {model.name: model for model in list_models.sync(client=client).models}
    assert [layer.units for layer in models["tiny"].layers] == [3, 2] and models["tiny"].labels == ["high", 'l"ow']
    signature = get_model_metadata.sync("tiny", client=client).metadata.signature_def.signature_def.serving_default
    assert signature.inputs["point"].tensor_shape.dim[1].size == "2"
    assert get_version_status.sync("tiny", 1, client=client).model_version_status[0].state == "AVAILABLE"


globals()["case_" + sys.argv[2]]()
