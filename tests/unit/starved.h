/* starved.h - requests of every kind, small: each allocation of each is to fail in turn. */
#ifndef STARVED_H
#define STARVED_H

#include "api/api.h"
#include "npy_bodies.h"

#define POST(path, type, text)                                                            \
    {                                                                                     \
        .method = "POST", .target = (path), .headers = {[REQUEST_CONTENT_TYPE] = (type)}, \
        .body = (text)                                                                    \
    }
static const struct api_request starved[] = {
    {.method = "GET", .target = "/v1/activations"},
    {.method = "GET", .target = "/v1/activations/silu/plot.svg?beta=2&compare=glu"},
    {.method = "GET", .target = "/v1/guide?task=binary&network=gan"},
    {.method = "GET", .target = "/v1/models"},
    {.method = "GET", .target = "/v1/models/tiny"},
    {.method = "GET", .target = "/v1/models/tiny/metadata"},
    {.method = "GET", .target = "/metrics"},
    {.method = "GET", .target = "/v2/models/tiny"},
    {.method = "POST", .target = "/v2/repository/index", .body = "{\"ready\": false}"},
    {.method = "GET", .target = "/nowhere"},
    {.method = "GET", .target = "/v2"},
    {.method = "GET", .target = "/v2/models"},
    {.method = "GET", .target = "/v2/models/tiny/config"},
    {.method = "GET", .target = "/v2/models/tiny/stats"},
    {.method = "GET", .target = "/v2/logging", .is_local = true},
    {.method = "GET", .target = "/models", .is_local = true},
    {.method = "GET", .target = "/models/tiny", .is_local = true},
    {.method = "GET", .target = "/v2/systemsharedmemory/status"},
    POST("/v1/models/tiny:classify", NULL,
         "{\"examples\": [{\"point\": [1, 2]}], \"signature_name\": \"\"}"),
    POST("/v1/models/half_plus_two:regress", NULL, "{\"examples\": [{\"x\": 1}, {\"x\": [2]}]}"),
    POST("/v1/models/flower:predict", NULL, "{\"instances\": [{\"width\": 1, \"length\": 2}]}"),
    POST("/models/flower/invoke", NULL, "{\"inputs\": {\"width\": [1], \"length\": [2]}}"),
    POST("/models/flower/invoke", NULL,
         "{\"dataframe_split\": {\"columns\": [\"z\", \"width\", \"length\"], \"data\": [[\"\", 1, "
         "2]]}}"),
    POST("/models/flower/invoke", NULL,
         "{\"dataframe_records\": [{\"width\": 1, \"length\": 2}, {\"length\": 1, \"z\": "
         "[\"a\"]}]}"),
    POST("/models/flower/invoke", "text/csv", ",width,length,\"z\"\"\"\n0,1,2,\"a\n\"\n"),
    POST("/models/flower/invoke", NULL,
         "{\"inputs\": [{\"name\": \"petal\", \"shape\": [1, 2], \"datatype\": \"FP32\", \"data\": "
         "[1, "
         "2]}], \"outputs\": [{\"name\": \"score\", \"parameters\": {\"classification\": 2}}]}"),
    {.method = "POST",
     .target = "/v1/activations/softmax",
     .body = "{\"data\": [[1, 2], [3, 4]], \"upstream\": [[1, 0], [0, 1]], \"parameters\": "
             "{\"temperature\": 2}}"},
    POST("/v1/activations/glu", NULL, "{\"data\": [[1, 2], [3, 4]], \"upstream\": [[1], [2]]}"),
    {.method = "GET", .target = "/v1/losses"},
    POST("/v1/losses/cross_entropy", NULL, "{\"logits\": [[1, 2], [3, 4]], \"labels\": [1, 0]}"),
    POST("/v1/losses/bce?weight=1,2&reduction=none", NULL,
         "{\"logits\": [[1, 2], [3, 4]], \"targets\": [[1, 0], [0, 1]], \"pos_weight\": 2}"),
    POST("/v1/losses/gaussian_nll", NULL,
         "{\"predictions\": [1, 2], \"targets\": [1, 0], \"variances\": 1, \"full\": true}"),
    POST("/v1/models/tiny:predict", NULL, "{\"instances\": [[1, 2], [3, 4]], \"top_k\": 2}"),
    POST("/v1/models/tiny:gradients", NULL,
         "{\"instances\": [[1, 2], [3, 4]], \"labels\": [0, 1], \"input_gradient\": true}"),
    POST("/v1/models/tiny:explain", NULL, "{\"instances\": [[1, 2], [3, 4]], \"class\": \"high\"}"),
    POST("/v1/models/tiny:predict", NULL,
         "{\"instances\": [[1, 2]], \"deep\": [[[[{\"a\": [[[[[[1]]]]]]}]]]]}"),
    POST("/invocations", "",
         "{\"dataframe_split\": {\"columns\": [\"p\", 7], \"data\": [[1, \"x\"]]}}"),
    POST("/invocations", "", "{\"dataframe_records\": [{\"1\": 2, \"0\": 1, \"x\": \"y\"}]}"),
    POST("/invocations", "text/csv", "p,q\n1,2\n"),
    NPY("/invocations", NPY_ROW, "*/*"),
    NPY("/v1/models/tiny:predict", NPY_ROW, "*/*"),
    NPY("/v1/models/tiny:predict?top_k=2", NPY_ROW, "application/json"),
    NPY("/v1/models/tiny:gradients", NPY_ROW NPY_LABEL, "application/x-npy"),
};

#endif
