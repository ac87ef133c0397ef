"""python3 -B tests/http/rawsocket CASE - what curl cannot send: bytes as they are, at the speed that a bad client has.

Every case is a function case_NAME(args) in one of the files beside this one; it returns nothing if the daemon behaved
and raises (exit 1, reason on stdout) if not. Only the standard library. Run through lib.sh's `raw`, which gives address
and slack.
"""
import argparse
import sys

import bodies
import chunks
import connections
import drain
import framing
import keys
import slow
from wire import Wrong

THEMES = (framing, chunks, bodies, slow, connections, drain, keys)


def main():
    cases = {name[5:]: f for theme in THEMES for name, f in vars(theme).items() if name.startswith("case_")}
    parser = argparse.ArgumentParser(prog="rawsocket", description=__doc__)
    parser.add_argument("case", choices=sorted(cases))
    parser.add_argument("--address", required=True)
    parser.add_argument("--slack", type=float, default=1)
    parser.add_argument("--pid", type=int)
    parser.add_argument("--key")
    parser.add_argument("--keys")
    parser.add_argument("--file")
    parser.add_argument("--bytes", type=int, default=8000000)
    parser.add_argument("--limit", type=int, default=0)
    parser.add_argument("--count", type=int, default=8)
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=1)
    args = parser.parse_args()
    try:
        cases[args.case](args)
    except (Wrong, OSError) as e:
        print(f"# {args.case}: {e!r}".replace("\\n", "\n#   "))
        sys.exit(1)


if __name__ == "__main__":
    main()
