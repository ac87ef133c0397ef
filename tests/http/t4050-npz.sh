#!/usr/bin/env bash
# A model whose weights are NumPy's archive of arrays answers as the one in safetensors does, bit by bit.
# shellcheck disable=SC1091,SC2154 # lib.sh sets address, body and tmp
. "$(dirname "$0")/lib.sh"

mkdir -p "$tmp/models"
cp -R configs/models/digits "$tmp/models/tensors"
for how in stored deflate; do
    cp -R configs/models/digits "$tmp/models/$how"
    python3 -B tests/http/npz.py configs/models/digits/1/weights.safetensors "$tmp/models/$how/1/weights.npz" "$how"
    rm "$tmp/models/$how/1/weights.safetensors"
done

serve --models "$tmp/models"
answers() { req POST "/v1/models/$1:predict" "$(cat tests/data/digits/heldout.json)" && want 200 && printf '%s' "$body"; }
same() { [ "$(answers tensors | sha256sum)" = "$(answers "$1" | sha256sum)" ]; }
ok "450 digits through stored arrays: the same bits" same stored
ok "and through deflated ones" same deflate

check() { "$BIN" --check-config --models "$tmp/models" 2>&1; }
cp "$tmp/models/stored/1/weights.npz" "$tmp/models/tensors/1/"
ok "both files are one too many" grep -q 'weights.safetensors and 1/weights.npz are both there' <(check)
rm "$tmp/models/tensors/1/weights.npz"
head -c 20000 configs/models/digits/1/weights.safetensors >"$tmp/models/stored/1/weights.npz"
ok "another file under that name is told as what it is" grep -q '1/weights.npz: not a .npz archive' <(check)
printf 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n' >"$tmp/models/stored/1/weights.npz"
ok "and so is what Git leaves without its LFS filter" grep -q '1/weights.npz: a Git LFS pointer, .* run git lfs pull' <(check)

done_testing
