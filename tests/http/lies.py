"""lies.py BIN MODELS - .npy and .npz files that say other than what they hold, into `axond replay` and `axond baseline`.

MODELS has a model "small" of two features and three classes. Each file is refused with one sentence, within a gigabyte of memory; exit 2 by
`replay`, which says by 1 that outputs differ, and 1 by `baseline`.
"""

import io
import os
import resource
import struct
import subprocess
import sys
import warnings
import zipfile

import rows

BIN, MODELS = sys.argv[1:]
SLOW = bool(os.environ.get("TEST_SLOW"))
SAMPLE = {"inputs": 2, "outputs": 3}  # name -> columns
EXIT = {"replay": 2, "baseline": 1}
wrong = []


# ---- .npy


def npy(descr="'<f4'", order="False", shape="(4, 2)", data=bytes(32), version=1, length=None):
    header = f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}".encode()
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    form = "<H" if version == 1 else "<I"
    return b"\x93NUMPY" + bytes([version, 0]) + struct.pack(form, len(header) if length is None else length) + header + data


SHAPES = ["(-4, 2)", "(4.0, 2)", "(4, 2", "4, 2", "(4 2)", "(,)", "('4', 2)", "(" + "1," * 70 + ")", "[4, 2]", "None", "(5, 2)", "(3, 2)"]
SHAPES += [f"({rows_}, 2)" for rows_ in (2**30, 2**32, 2**61, 2**62, 2**63 - 1, 2**63, 2**64 - 1, 2**64)] + [f"({2**32}, {2**32})"]
DESCRS = ["'<f8'", "'<f2'", "'<c8'", "'|O'", "'|S4'", "'<U1'", "[('a','<f4')]", "'f4'", "'<f'", "'<f4", "''", "None", "'<f16'", "'<f0'", "'<f40'"]


def arrays():
    """-> name, bytes of an array [4, 2] that lies"""
    yield from ((f"shape {shape[:20]}", npy(shape=shape)) for shape in SHAPES)
    yield from ((f"descr {descr}", npy(descr=descr)) for descr in DESCRS)
    yield from ((f"order {order}", npy(order=order)) for order in ("1", "'False'", "None"))
    whole = npy()
    yield "a byte too few", whole[:-1]
    yield "a byte too many", whole + b"x"
    yield "no header's end", npy(length=65535)
    yield "no header", npy(length=0)
    yield "a header of 4 GiB", npy(version=2, length=2**32 - 1)
    yield "version 9", npy(version=9)
    yield "nothing", b""
    yield "six bytes", whole[:6]
    yield "braces", b"\x93NUMPY\x01\0" + struct.pack("<H", 1000) + b"{" * 1000 + bytes(32)


# ---- .npz


def npz(entries, method=zipfile.ZIP_STORED):
    out = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(out, "w", method) as archive:
        warnings.simplefilter("ignore")  # a name that is there twice
        for name, text in entries:
            archive.writestr(name, text)
    return out.getvalue()


def sample(inputs=None):
    entries = [(f"{name}.npy", npy(shape=f"(4, {n})", data=bytes(16 * n))) for name, n in SAMPLE.items()]
    entries[0] = ("inputs.npy", inputs) if inputs is not None else entries[0]
    return entries + [("unix_seconds.npy", npy(descr="'<f8'", shape="(4,)"))]


def patched(text, signature, offset, form, value):
    """A field of the first record of that kind."""
    text = bytearray(text)
    struct.pack_into(form, text, text.find(signature) + offset, value)
    return bytes(text)


FIELDS = [  # record, offset, form, name; values that cannot be right
    (b"PK\1\2", 0, "<I", "central signature", (0, 2**32 - 1)),
    (b"PK\1\2", 10, "<H", "method", (1, 9, 99, 65535)),
    (b"PK\1\2", 16, "<I", "check sum", (0, 2**31)),
    (b"PK\1\2", 20, "<I", "packed bytes", (0, 1, 2**31 - 1, 2**32 - 1)),
    (b"PK\1\2", 24, "<I", "bytes", (0, 1, 2**31 - 1, 2**32 - 1)),
    (b"PK\1\2", 28, "<H", "name's length", (0, 1, 65535)),
    (b"PK\1\2", 30, "<H", "extra length", (65535,)),
    (b"PK\1\2", 42, "<I", "place", (1, 2**31, 2**32 - 1)),
    (b"PK\3\4", 0, "<I", "local signature", (0,)),
    (b"PK\3\4", 26, "<H", "local name's length", (65535,)),
    (b"PK\3\4", 28, "<H", "local extra length", (65535,)),
    (b"PK\5\6", 0, "<I", "end's signature", (0,)),
    (b"PK\5\6", 10, "<H", "entries", (1, 2, 65535)),
    (b"PK\5\6", 12, "<I", "directory's bytes", (1, 2**32 - 2)),
    (b"PK\5\6", 16, "<I", "directory's place", (1, 2**32 - 2)),
]


def archives():
    """-> name, bytes of a sample that lies"""
    for kind, method in (("stored", zipfile.ZIP_STORED), ("deflated", zipfile.ZIP_DEFLATED)):
        whole = npz(sample(), method)
        for record, offset, form, name, values in FIELDS:
            yield from ((f"{kind}: {name} {v}", patched(whole, record, offset, form, v)) for v in values)
        yield from ((f"{kind}: cut at {at}", whole[:at]) for at in range(0, len(whole) - 1, 97))
        yield f"{kind}: twice", npz(sample() + sample()[:1], method)
    yield "no outputs", npz(sample()[::2])
    bomb = npz(sample(npy(shape=f"({2**27}, 2)", data=bytes(2**28))), zipfile.ZIP_DEFLATED)
    yield "256 MiB of zeros in 260 kB", bomb
    for bytes_ in (500, 2**32 - 16):
        yield f"of which it says {bytes_}", patched(patched(bomb, b"PK\1\2", 24, "<I", bytes_), b"PK\3\4", 22, "<I", bytes_)


# ---- who is lied to


def bounded():
    resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))


def refuse(what, command, text):
    all_of_it = [BIN, *command, "--models", MODELS]
    done = subprocess.run(all_of_it, input=text, capture_output=True, timeout=300, preexec_fn=None if SLOW else bounded)
    said = done.stderr.decode(errors="replace")
    if done.returncode != EXIT[command[0]] or not said.startswith("axond: ") or said.count("\n") != 1 or "memory" in said:
        wrong.append(f"{what}: exit {done.returncode}: {said[-300:].strip()}")


count = 0
plain = rows.npy([[i / 300, 1 - i / 200] for i in range(300)])
for name, array in arrays():
    refuse(f"replay, {name}", ["replay", "small"], npz(sample(array)))
    refuse(f"baseline, {name}", ["baseline", "small", "--output", "/dev/null"], array)
    with open(f"{MODELS}/labels", "wb") as file:
        file.write(array)
    refuse(f"labels, {name}", ["baseline", "small", "--output", "/dev/null", "--labels", f"{MODELS}/labels"], plain)
    count += 3
for name, archive in archives():
    refuse(f"replay, {name}", ["replay", "small"], archive)
    count += 1
print(f"# {count} files")
for line in wrong:
    print(f"# {line}")
sys.exit(bool(wrong))
