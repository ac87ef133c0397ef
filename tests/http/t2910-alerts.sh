#!/usr/bin/env bash
# Models with planted faults, scraped by a real Prometheus with our rules: each alert on neurons fires, for the model that has the
# fault, and none fires for the one that is well. The rules are the shipped ones but for their patience.
# shellcheck disable=SC1091,SC2154 # lib.sh sets address, base and tmp, prometheus.bash watch
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/prometheus.bash"

python3 -B tests/http/planted_faults.py "$tmp" || exit 1
baseline() { "$BIN" baseline "$1" --models "$tmp/models" --labels "$tmp/labels.npy" <"$tmp/rows.npy" >"$tmp/said" 2>&1; }
for model in well divided stuck unsure; do ok "a baseline for $model" baseline "$model"; done
serve --models "$tmp/models"

# Every model is asked again and again, so that each window holds rows.
traffic() {
    local model
    for model in "$tmp"/models/*; do
        model=${model##*/}
        curl -sS -o "$tmp/answer" "$base/v1/models/$model:predict?non_finite=null" --data-binary "@$tmp/$model.json"
    done
}

# firing: "alert model" of those that fire, sorted; alerts of no model tell of the machine, which may be slow
firing() {
    curl -sS "$watch/api/v1/alerts" |
        jq -r '.data.alerts[] | select(.state == "firing" and .labels.model) | "\(.labels.alertname) \(.labels.model)"' | sort -u
}
fires() { firing >"$tmp/firing" && grep -qx "$1 $2" "$tmp/firing"; }

ok "Prometheus starts with rules that wait two seconds" start_prometheus 's/^( *for): .*/\1: 2s/'
ok "dead units" within 60 fires AxondDeadRelu dead
ok "saturation" within 60 fires AxondSaturated saturated
ok "a derivative that vanishes in a deep stack of sigmoids" within 60 fires AxondVanishingDerivative deep
ok "numbers that are not finite" within 60 fires AxondNonFinite broken
ok "drift of neurons, on numbers divided twice" within 60 fires AxondNeuronDrift divided
ok "confidence below the baseline's" within 60 fires AxondConfidenceDown divided
ok "units that have died since the baseline" within 60 fires AxondNewlyDead divided
ok "features that are stuck" within 60 fires AxondStuckInputs stuck
ok "and drift on those, too" within 60 fires AxondNeuronDrift stuck
ok "every rule evaluates" within 20 rules_are_sound
traffic && firing >"$tmp/firing"
sed 's/^/# fires: /' "$tmp/firing"
ok "none of them for a model that is well" sh -c "! grep -qE ' (well|mild)$' '$tmp/firing'"
ok "nor for one row that a client repeats" sh -c "! grep -qE ' (canary|unsure)$' '$tmp/firing'"
ok "nor one for a fault that a model does not have" sh -c "! grep -vxE \
    'AxondDeadRelu (dead|divided|stuck)|AxondSaturated saturated|AxondVanishingDerivative (deep|saturated)|AxondNonFinite broken|Axond(NeuronDrift|ConfidenceDown|NewlyDead|StuckInputs) (divided|stuck)' '$tmp/firing'"
done_testing
