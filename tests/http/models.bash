# models.bash - for the t40xx scripts: model folders under $tmp/models whose answer tells their version.
# shellcheck shell=bash disable=SC2154 # lib.sh sets tmp

# put_config MODEL [MORE]: one relu unit over one feature; MORE is further JSON, beginning with a comma
put_config() {
    mkdir -p "$tmp/models/$1"
    printf '{"input": {"features": 1}, "layers": [{"name": "h", "units": 1, "activation": "relu"}]%s}\n' \
        "${2-}" >"$tmp/models/$1/config.json.new"
    mv "$tmp/models/$1/config.json.new" "$tmp/models/$1/config.json"
}

# put_weights MODEL VERSION W: the model answers W * x; W is 1, 2, 3 or 5
put_weights() {
    local bytes
    case $3 in
    1) bytes='\0\0\200\77' ;;
    2) bytes='\0\0\0\100' ;;
    3) bytes='\0\0\100\100' ;;
    5) bytes='\0\0\240\100' ;;
    esac
    put_tensors "$1" "$2" '{"h.weight":{"dtype":"F32","shape":[1,1],"data_offsets":[0,4]},"h.bias":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}' "$bytes"'\0\0\0\0'
}

# put_tensors MODEL VERSION HEADER DATA: DATA with printf's escapes; renamed into place
put_tensors() {
    local folder=$tmp/models/$1/$2 length
    mkdir -p "$folder"
    printf -v length '\\%o\\%o' $((${#3} % 256)) $((${#3} / 256))
    {
        # shellcheck disable=SC2059 # the escapes are the point
        printf "$length"'\0\0\0\0\0\0'
        printf '%s' "$3"
        # shellcheck disable=SC2059
        printf "$4"
    } >"$folder/weights.new"
    mv "$folder/weights.new" "$folder/weights.safetensors"
}
