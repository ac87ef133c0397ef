"""npz.py FROM TO [deflate] - the tensors of a .safetensors file as numpy.savez, or savez_compressed, would write them; without NumPy."""
import json
import struct
import sys
import zipfile

source, target, deflate = sys.argv[1], sys.argv[2], sys.argv[3:] == ["deflate"]
text = open(source, "rb").read()
begin = 8 + struct.unpack("<Q", text[:8])[0]
with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED if deflate else zipfile.ZIP_STORED) as archive:
    for name, tensor in json.loads(text[8:begin]).items():
        if name == "__metadata__":
            continue
        assert tensor["dtype"] == "F32", tensor
        first, last = (begin + at for at in tensor["data_offsets"])
        header = repr({"descr": "<f4", "fortran_order": False, "shape": tuple(tensor["shape"])}).encode()
        header += b" " * (-(10 + len(header) + 1) % 64) + b"\n"
        archive.writestr(name + ".npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + text[first:last])
