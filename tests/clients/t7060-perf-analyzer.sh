#!/usr/bin/env bash
# NVIDIA's perf_analyzer, unmodified, in a root of Debian 13 (perf_root.sh) that shares the loopback: JSON and binary tensors. It compares
# each answer with :predict's bits itself ("validation_data"), and its figures need our /stats.
# shellcheck disable=SC1091,SC2154 # lib.sh sets tmp, address and body
. "$(dirname "$0")/lib.sh"
[ -e build/perf-analyzer/complete ] || {
    skip "perf_analyzer measures" "$(cat build/perf-analyzer/missing 2>/dev/null || echo 'make test-clients makes its root')"
    done_testing
    exit
}

serve --models configs/models
root=build/perf-analyzer/root
folder=$root/tmp/${tmp##*/}
mkdir "$folder"
trap 'rm -rf "$folder"; end_all' EXIT

# rows.json: 20 digits, one a step, with what :predict says of them; batches.json is for batches, whose answers perf_analyzer
# compares with one row's. It reads 0.0 as a float, and refuses 0.
jq -c '{instances: .instances[:20]}' tests/data/digits/heldout.json >"$tmp/rows.json"
req POST /v1/models/digits:predict "@$tmp/rows.json"
python3 - "$tmp/rows.json" "$tmp/body" "$folder" <<'PYTHON'
import json, sys
rows, answers = (json.load(open(path)) for path in sys.argv[1:3])
data = [{"pixels": [float(x) for x in row]} for row in rows["instances"]]
right = [{"probabilities": row} for row in answers["predictions"]]
json.dump({"data": data, "validation_data": right}, open(sys.argv[3] + "/rows.json", "w"))
json.dump({"data": data}, open(sys.argv[3] + "/batches.json", "w"))
PYTHON

# perf NAME FILE ARGUMENTS...: its figures as NAME.csv. A window is 400 requests, and no two need agree.
perf() {
    local name=$1 inside=/tmp/${tmp##*/} file=$2
    shift 2
    timeout $((120 * slack)) chroot "$root" perf_analyzer -m digits -i http -u "$address" --input-data "$inside/$file" \
        --measurement-mode count_windows --measurement-request-count 400 -s 999 -f "$inside/$name.csv" "$@" >"$tmp/perf" 2>&1 && return
    sed 's/^/# /' "$tmp/perf"
    return 1
}

# Requests/s, the server's share of a request in µs, p50: all there, all positive; no errors are told.
sane() {
    awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
             { rate = $at["Inferences/Second"]; compute = $at["Server Compute Infer"]; p50 = $at["p50 latency"]; lines++
               printf "# %s concurrent: %.0f inferences/s, p50 %d us, queue %d + input %d + infer %d + output %d us of the server\n",
                   $1, rate, p50, $at["Server Queue"], $at["Server Compute Input"], compute, $at["Server Compute Output"]
               if (!(rate > 0 && p50 > 0 && compute >= 0 && compute < p50)) wrong = 1 }
             END { exit wrong || lines != '"$2"' }' "$folder/$1.csv" && ! grep -iE 'error|failed|mismatch' "$tmp/perf"
}

inferences() { req GET /v2/models/digits/stats && printf '%s' "$body" | jq '.model_stats[0].inference_count'; }

while read -r name rows options; do
    before=$(inferences)
    file=rows.json
    [ "$rows" = 1 ] || file=batches.json
    # shellcheck disable=SC2086 # words
    ok "perf_analyzer measures: $name"        perf "$name" "$file" $options
    ok "its figures are sane: $name"          sane "$name" 1
    after=$(inferences)
    ok "the statistics counted them: $name"   test $((after - before)) -ge $((400 * rows))
done <<'WAYS'
json       1 --input-tensor-format json --output-tensor-format json
binary     1 --input-tensor-format binary --output-tensor-format binary
mixed      1 --input-tensor-format binary --output-tensor-format json
defaults   1
batch-8    8 -b 8 --input-tensor-format binary --output-tensor-format binary
async-4    1 --async --concurrency-range 4 --input-tensor-format binary --output-tensor-format binary
version    1 -x 1
WAYS
ok "a range of concurrencies ends, too"       perf range rows.json --concurrency-range 1:4:1
ok "each with its figures"                    sane range 4

done_testing
