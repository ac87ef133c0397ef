"""losses.py - ONNX's losses: logits or log-probabilities, labels, and perhaps weights; each as JSON and as .npy."""
from urllib.parse import urlencode

from service import same

OP_TYPES = {"SoftmaxCrossEntropyLoss": "logits", "NegativeLogLikelihoodLoss": "predictions"}

# name -> why the API has no form for it
CANNOT = {}


def check(service, case):
    path = "/v1/losses/" + case.op_type  # ONNX's names are aliases
    x, labels, weight = (case.inputs + [None])[:3]
    options = {"reduction": case.attribute("reduction", "mean"), "ignore_index": case.attribute("ignore_index")}
    options = {k: v for k, v in options.items() if v is not None}

    reply = service.json(path, labels=labels, weight=weight, **{OP_TYPES[case.op_type]: x}, **options)
    same("loss", reply["loss"], case.outputs[0])
    if weight is not None:
        options["weight"] = ",".join(map(str, weight.tolist()))
    loss, per_row, gradient = service.npy(path + "?" + urlencode(options), x, labels)
    same("loss as .npy", loss, case.outputs[0])
    same("per_row", per_row, reply["per_row"])
    same("gradient", gradient, reply["gradient"])
    if len(case.outputs) > 1:  # log_prob: the other half of what the node does
        reply = service.json("/v1/activations/log_softmax", data=x, axis=1)
        same("log_prob", reply["data"], case.outputs[1])
