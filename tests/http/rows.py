"""Held-out rows of the shipped models, and .npy files of them, for tests without NumPy."""

import json
import struct

FORMATS = {"<f4": "f", "<i8": "q"}


def held_out(model):
    """-> rows, labels"""
    folder = f"tests/data/{model}"
    with open(f"{folder}/heldout.json", encoding="utf-8") as file:
        rows = json.load(file)["instances"]
    with open(f"{folder}/labels.json", encoding="utf-8") as file:
        return rows, json.load(file)


def npy(values, descr="<f4"):
    """values: numbers, or rows of them -> bytes"""
    nested = isinstance(values[0], list)
    flat = [v for row in values for v in row] if nested else values
    shape = f"({len(values)}, {len(values[0])})" if nested else f"({len(values)},)"
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}"
    header += " " * (-(len(header) + 11) % 64) + "\n"
    return (
        b"\x93NUMPY\x01\x00"
        + struct.pack("<H", len(header))
        + header.encode()
        + struct.pack(f"<{len(flat)}{FORMATS[descr]}", *flat)
    )
