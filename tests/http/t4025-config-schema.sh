#!/usr/bin/env bash
# config.schema.json and the reader of config.json agree, in both directions: config_schema.py tells how.
: "${BIN:?path of the daemon}"
mistakes=$(dirname "$BIN")/tests/unit/test_server_config_mistakes
exec /usr/bin/python3 -B "$(dirname "$0")/config_schema.py" "$BIN" "$mistakes"
