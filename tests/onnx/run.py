#!/usr/bin/env python3
"""run.py ADDRESS - ONNX's backend node tests against the daemon; TAP. See README.md."""
import sys

import activations
import losses
import node_cases
from service import Service

FAMILIES = [activations, losses]


def run(service, family, case):
    """None, or why the case failed; a case that cannot be expressed must not pass."""
    try:
        family.check(service, case)
    except AssertionError as error:
        return None if case.name in family.CANNOT else str(error)
    return "passes, but CANNOT names it" if case.name in family.CANNOT else None


def main():
    service, count, failures = Service(sys.argv[1]), 0, 0
    for family in FAMILIES:
        listed = dict(family.CANNOT)
        for case in node_cases.cases(family.OP_TYPES):
            why, reason = run(service, family, case), listed.pop(case.name, None)
            count += 1
            failures += why is not None
            print("%s - %s%s" % ("not ok" if why else "ok", case.name, " # SKIP " + reason if reason else ""))
            if why:
                print("# " + why)
        for name in listed:
            failures += 1
            print("not ok - %s is in CANNOT, and no case of onnx" % name)
    print("# %d cases, %d failures" % (count, failures))
    return 1 if failures or count == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
