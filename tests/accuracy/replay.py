# SPDX-License-Identifier: MIT
"""What a compiled model was given on sim, once more on the driver in a guest: the same bytes have to come out, so
that each figure is that of both. The decoders, and the float model beside them, stay on the host: emulated they
would take hours, and are not what is examined.
"""

import array
import ast
import json
import math

from learn import fresh
from tasks import ROOT, TaskError, run

CODES = {"int8": "b", "uint8": "B", "int16": "h", "float32": "f"}


def read_npy(path):
    """The values of a file that save_net.c or crops.c has written: version 1, <f4."""
    data = path.read_bytes()
    start = 10 + int.from_bytes(data[8:10], "little")
    header = ast.literal_eval(data[10:start].decode())
    if data[:6] != b"\x93NUMPY" or header["descr"] != "<f4" or header["fortran_order"]:
        raise TaskError(f"{path}: not the .npy that these programs write")
    values = array.array("f")
    values.frombytes(data[start:])
    return values


def as_bytes(values, tensor):
    """Of one input, as the model's tensor has it."""
    code = CODES[tensor["type"]]
    if code == "f":
        return values.tobytes()
    scale, zero = tensor["scale"], tensor["zero_point"]
    least, most = (0, 255) if code == "B" else (-(1 << 8 * array.array(code).itemsize - 1),
                                                (1 << 8 * array.array(code).itemsize - 1) - 1)
    return array.array(code, (min(most, max(least, round(v / scale) + zero)) for v in values)).tobytes()


def prepare(accel, model, samples, folder):
    """A directory for tests/models/compare, of one case. Returns how many inputs the samples, of one or more, hold."""
    tensors = json.loads(run([accel, "info", "--json", model]))
    if len(tensors["inputs"]) != 1:
        raise TaskError(f"{model}: has {len(tensors['inputs'])} inputs, not one")
    tensor, held = tensors["inputs"][0], 0
    with open(folder / "input0.bin", "wb") as out:
        for path in samples:
            values = read_npy(path)
            out.write(as_bytes(values, tensor))
            held += len(values)
    run([accel, "run", model, "--device", "sim", "--stream", "--input-raw", f"0={folder / 'input0.bin'}",
         "--output-raw", folder])
    (folder / model.name).write_bytes(model.read_bytes())
    outputs = ",".join(f"output{i}.bin" for i in range(len(tensors["outputs"])))
    (folder / "manifest").write_text(f"replay\t{model.name}\tinput0.bin\t{outputs}\n")
    return held // math.prod(tensor["shape"])


def on_drm(kernel, programs, model, samples, folder):
    """Raises TaskError if a byte differs; returns how many inputs were compared."""
    count = prepare(programs / "accel", model, samples, fresh(folder))
    run([ROOT / "tests" / "vm" / "run", "--kernel", kernel, "--timeout", 3600, "--kernel-log", folder / "guest.log",
         "--program", programs / "accel", "--file", f"{ROOT / 'tests' / 'models' / 'compare'}:/usr/bin/compare",
         "--share", f"{folder}:/cases", "--", "compare", "/cases", "drm:0"], {"O": str(programs.parent)})
    return count
