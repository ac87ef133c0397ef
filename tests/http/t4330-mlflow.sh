#!/usr/bin/env bash
# MLflow's scoring protocol by curl: the forms of /invocations, columns by their names, CSV, mistakes by row and column. Its own
# client is in tests/clients.
# shellcheck disable=SC1091,SC2154 # lib.sh sets tmp
. "$(dirname "$0")/lib.sh"

mkdir -p "$tmp/fruit"
cat >"$tmp/fruit/config.json" <<'END'
{"input": {"features": 3, "columns": ["sweet", "sour", "hard, or not"]},
 "layers": [{"units": 2, "activation": "identity", "weight": [[1, 10, 100], [0, 1, 0]], "bias": [0, 0]}]}
END
serve --model-dir "$tmp/fruit"
req GET /ping
ok "/ping is 200 and empty" [ "$status" = 200 ] && [ ! -s "$tmp/body" ]
req GET /health
ok "/health is 200 and a line feed" test "$status $(od -An -c "$tmp/body" | tr -d ' ')" = '200 \n'
ok "as application/json" grep -qi '^Content-Type: application/json' "$tmp/headers"
req GET /version
ok "/version is text" test "$status $body" = "200 $("$BIN" --version | cut -d' ' -f2)"

# split COLUMNS DATA, with an index as pandas sends it
split() { req POST /invocations "{\"dataframe_split\": {\"index\": [7, \"x\", [1, {\"a\": null}]], \"columns\": $1, \"data\": $2}}"; }
csv() { req POST "/invocations${2-}" "$1" -H 'Content-Type: text/csv'; }

split '["sweet", "sour", "hard, or not"]' '[[1, 2, 3], [4, 5, 6]]'
ok "dataframe_split" want 200 '. == {"predictions": [[321, 2], [654, 5]]}'
split '["x", "hard, or not", "sour", "y", "sweet"]' '[["a", 3, 2, [1, {"b": []}], 1], [null, 6, 5, NaN, 4]]'
ok "columns in any order, and extra ones with anything in them" want 200 '.predictions == [[321, 2], [654, 5]]'
split '[0, 1, 2]' '[[1, 2, 3]]'
ok "0 to n-1 are the columns in order" want 200 '.predictions == [[321, 2]]'
req POST /invocations '{"dataframe_split": {"data": [[1, 2, 3]]}}'
ok "so are none" want 200 '.predictions == [[321, 2]]'
req POST /invocations '{"dataframe_split": {"data": [["a", 3, 2, 1]], "columns": ["x", "hard, or not", "sour", "sweet"]}, "params": {"a": [1]}}'
ok "names may come after the data; params are ignored" want 200 '.predictions == [[321, 2]]'
split '["sweet", "sour", "hard, or not"]' '[[true, false, 3]]'
ok "true and false are 1 and 0" want 200 '.predictions == [[301, 0]]'
split '["sweet", "sour", "hard, or not"]' '[]'
ok "no rows" want 200 '.predictions == []'
req POST /invocations '{"dataframe_records": [{"hard, or not": 3, "sour": 2, "z": {"q": 1}, "sweet": 1}, {"sweet": 4, "sour": 5, "hard, or not": 6}]}'
ok "dataframe_records" want 200 '.predictions == [[321, 2], [654, 5]]'
req POST /invocations '{"instances": [[1, 2, 3]]}'
ok "instances" want 200 '.predictions == [[321, 2]]'
req POST /invocations '{"inputs": [[1, 2, 3]], "params": null}'
ok "inputs" want 200 '.predictions == [[321, 2]]'
req POST /invocations '{"inputs": {"input": [[1, 2, 3]]}}'
ok "inputs by the input's name" want 200 '.predictions == [[321, 2]]'
req POST /invocations '{"inputs": {"x": "text", "sour": [2, 5], "sweet": [1, 4], "y": [{"a": 1}], "hard, or not": [3, 6]}}'
ok "inputs by the columns' names" want 200 '.predictions == [[321, 2], [654, 5]]'
req POST /invocations '{"inputs": {"sour": [], "sweet": [], "hard, or not": []}}'
ok "of no rows" want 200 '.predictions == []'
csv $'sweet,sour,"hard, or not"\n1,2,3\n4,5,6\n'
ok "CSV" want 200 '.predictions == [[321, 2], [654, 5]]'
csv $',"sour",x,"hard, or not",sweet\r\n0,2,"a ""b"",\r\n",3,1\r\n\r\nrow,"5",,+6.,4e0'
ok "with an index, quotes, CR LF, empty lines and no end" want 200 '.predictions == [[321, 2], [654, 5]]'
csv $'\xef\xbb\xbf0,1,2\n1,2,3\n'
ok "with a byte order mark, and numbers for names" want 200 '.predictions == [[321, 2]]'
csv $'sweet,sour,"hard, or not"\n'
ok "with no rows" want 200 '.predictions == []'
csv $'sweet,sour,"hard, or not"\n1,,NaN\n' '?non_finite=token'
ok "missing values are let in where asked" [ "$status $body" = '200 {"predictions":[[NaN,NaN]]}' ]

# bad TEXT: the last reply is a 400 that says so, to MLflow's clients and to ours
bad() { want 400 ".error_code == \"BAD_REQUEST\" and .message == .error and (.error | contains($(jq -Rn --arg t "$1" '$t')))"; }

split '["sweet", "sour"]' '[[1, 2]]'
ok "a missing column is named" bad 'dataframe_split.columns: the column "hard, or not" is missing'
split '["sweet", "sour", "sour"]' '[[1, 2, 3]]'
ok "one that is there twice, too" bad 'the column "sour" is there twice'
split '["sweet", "sour", "hard, or not"]' '[[1, 2, 3], [4, "much", 6]]'
ok "text in a number's place: row and column" bad 'dataframe_split.data[1][1] (column "sour"): expected a number, found a string'
split '["sweet", "sour", "hard, or not"]' '[[1, 2, 3], [4, 5, NaN]]'
ok "a missing value, too" bad 'dataframe_split.data[1][2] (column "hard, or not"): expected a number, found no value'
split '["sweet", "sour", "hard, or not"]' '[[1, null, 3]]'
ok "null is one" bad 'dataframe_split.data[0][1] (column "sour"): expected a number, found no value'
split '["sweet", "sour", "hard, or not"]' '[[1, 2, 3], [4, 5]]'
ok "rows of different lengths" bad 'dataframe_split.data[1]: 2 values, dataframe_split.data[0] has 3'
split '["sweet", "sour"]' '[[1, 2, 3]]'
ok "more values than names" bad 'dataframe_split.data: shape [1, 3], dataframe_split.columns has 2 names'
split '["sweet", ["sour"], 3]' '[[1, 2, 3]]'
ok "a name that is none" bad 'dataframe_split.columns[1]: expected a name, found an array'
split '"sweet"' '[[1, 2, 3]]'
ok "names that are none" bad 'dataframe_split.columns: expected an array of names, found "sweet"'
jq -nc '{dataframe_split: {columns: [range(100000)], data: []}}' >"$tmp/wide.json"
req POST /invocations "@$tmp/wide.json"
ok "100,000 columns are too many" bad 'more than 10000 keys and values outside of tensors (json_tokens_max)'
req POST /invocations '{"dataframe_split": [[1, 2, 3]]}'
ok "a DataFrame that is none" bad 'dataframe_split: expected an object with "columns" and "data"'
req POST /invocations '{"dataframe_records": [{"sweet": 1, "sour": 2, "hard, or not": 3}, {"sweet": 1}]}'
ok "a record without a key" bad 'dataframe_records[1]: no value for "sour"'
req POST /invocations '{"dataframe_records": [{"sweet": 1, "sour": "x", "hard, or not": 3}]}'
ok "text in a record" bad 'dataframe_records[0].sour: expected a number, found a string'
req POST /invocations '{"dataframe_records": [{"sweet": 1, "sour": 2, "sour": 2, "hard, or not": 3}]}'
ok "a key twice" bad '"sour" is there twice'
req POST /invocations '{"inputs": {"sour": [2, 5], "sweet": [1]}}'
ok "columns of different lengths" bad 'inputs.sweet: 1 value, the column before has 2'
req POST /invocations '{"inputs": {"sour": [2], "sweet": [1]}}'
ok "a column that is missing" bad 'inputs: the column "hard, or not" is missing'
req POST /invocations '{"inputs": {"sour": [2], "sour": [1]}}'
ok "one that is there twice" bad 'inputs: the column "sour" is there twice'
req POST /invocations '{"inputs": {"sour": ["x"]}}'
ok "text in a column" bad 'inputs.sour[0]: expected a number, found a string'
req POST /invocations '{"inputs": [[1, 2, 3]], "dataframe_records": []}'
ok "two forms" bad 'inputs and dataframe_records exclude each other'
req POST /invocations '{"params": {}}'
ok "none" bad 'expected one of "dataframe_split", "dataframe_records", "instances" and "inputs"'
req POST /invocations '{"instances": [[1, 2, 3]'
ok "half a body" want 400 '.code == "bad_json"'
csv $'sweet,sour,"hard, or not"\n1,2,3\n4,much,6\n'
ok "CSV: text in a number's place" bad 'line 3 (row 1), column "sour": expected a number, found "much"'
csv $'sweet,sour,"hard, or not"\n1,,3\n'
ok "CSV: an empty cell" bad 'line 2 (row 0), column "sour": expected a number, found no value'
csv $'1,2,3\n4,5,6\n'
ok "CSV: no header" bad 'line 1: expected a header'
seq -s, 100000 >"$tmp/wide.csv"
csv "@$tmp/wide.csv"
ok "CSV: 100,000 columns" bad 'line 1: expected a header'
req POST /invocations '{"instances": [[1, 2, 3]]}' -H 'Content-Type: application/json; charset=utf-16'
ok "no other charset" want 415 '.error | contains("utf-16")'
req POST /invocations '{"instances": [[1, 2, 3]]}' -H 'Content-Type: application/json; charset="UTF-8"'
ok "but this" want 200
req POST /invocations '<a/>' -H 'Content-Type: application/xml'
ok "no other type" want 415 '.message | contains("text/csv")'
req POST '/invocations?non_finite=maybe' '{"instances": [[1, 2, 3]]}'
ok "a parameter outside its domain has MLflow's code for it" want 400 '.error_code == "INVALID_PARAMETER_VALUE"'
done_testing
