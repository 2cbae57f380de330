# SPDX-License-Identifier: MIT
"""Writes TFLite files with one operator, for what the real models' slices do not cover.

Model: a table is a dict of field number -> value; values are written after the table that refers to them
(flatbuffer offsets point forward). Scalars are (struct format, number).
"""

import struct

from tflite import OPERATORS, OPTIONS, TYPES

TYPE_CODES = {name: code for code, name in TYPES.items()}
OPERATOR_CODES = {name: code for code, name in OPERATORS.items()}

# Which member of the schema's union of options an operator has; those without options are absent.
UNION = {
    "CONV_2D": 1, "DEPTHWISE_CONV_2D": 2, "AVERAGE_POOL_2D": 5, "MAX_POOL_2D": 5,
    "FULLY_CONNECTED": 8, "SOFTMAX": 9, "CONCATENATION": 10, "ADD": 11, "RESIZE_BILINEAR": 15,
    "RESHAPE": 17, "MUL": 21, "PAD": 22, "TRANSPOSE": 26, "MEAN": 27, "REDUCE_MAX": 27, "REDUCE_MIN": 27, "SUB": 28,
    "STRIDED_SLICE": 32, "SPLIT": 35, "RESIZE_NEAREST_NEIGHBOR": 74, "LEAKY_RELU": 75, "GELU": 116, "PACK": 59,
    "UNPACK": 64, "SPLIT_V": 79, "SPACE_TO_DEPTH": 19, "DEPTH_TO_SPACE": 94, "GATHER": 23,
    "DIV": 29, "SUM": 27, "REDUCE_PROD": 27, "MIRROR_PAD": 77, "ARG_MAX": 40, "ARG_MIN": 57, "BATCH_MATMUL": 101,
    "TRANSPOSE_CONV": 49, "CUMSUM": 102, "CAST": 37, "L2_NORMALIZATION": 12,
}


class Vector:
    """A vector of scalars."""

    def __init__(self, fmt, values):
        self.fmt, self.values = fmt, values


class Blob:
    """Bytes; tensors' data wants 16-byte alignment, text a zero after it."""

    def __init__(self, data):
        self.data = data.encode() if isinstance(data, str) else bytes(data)


class Writer:
    def __init__(self):
        self.out = bytearray(struct.pack("<I4s", 0, b"TFL3"))

    def align(self, size, extra=0):
        while (len(self.out) + extra) % size:
            self.out.append(0)

    def refer(self, slot, target):
        struct.pack_into("<I", self.out, slot, target - slot)

    def put(self, value):
        """Writes a value that is referred to and gives its position."""
        if isinstance(value, dict):
            return self.table(value)
        if isinstance(value, Blob):
            self.align(16, 4)
            at = len(self.out)
            self.out += struct.pack("<I", len(value.data)) + value.data + b"\0"
            return at
        if isinstance(value, Vector):
            self.align(8, 4)
            at = len(self.out)
            self.out += struct.pack(f"<I{len(value.values)}{value.fmt}", len(value.values), *value.values)
            return at
        self.align(4)
        at = len(self.out)
        self.out += struct.pack("<I", len(value)) + bytes(4 * len(value))
        for i, item in enumerate(value):
            self.refer(at + 4 + 4 * i, self.put(item))
        return at

    def table(self, fields):
        fields = {n: v for n, v in fields.items() if v is not None}
        count = max(fields, default=-1) + 1
        offsets, size = [0] * count, 4
        for n, value in sorted(fields.items(), key=lambda f: -self.width(f[1])):
            size += -size % self.width(value)
            offsets[n] = size
            size += self.width(value)
        self.align(4)
        vtable = len(self.out)
        self.out += struct.pack(f"<HH{count}H", 4 + 2 * count, size, *offsets)
        self.align(4)
        at = len(self.out)
        self.out += struct.pack("<i", at - vtable) + bytes(size - 4)
        for n, value in fields.items():
            if isinstance(value, tuple):
                struct.pack_into("<" + value[0], self.out, at + offsets[n], value[1])
            else:
                self.refer(at + offsets[n], self.put(value))
        return at

    @staticmethod
    def width(value):
        return struct.calcsize(value[0]) if isinstance(value, tuple) else 4


class Operand:
    """A tensor: shape, type, quantization, and bytes if it is constant."""

    def __init__(self, shape, kind, scale=None, zero=0, data=None, axis=0):
        self.shape, self.kind, self.data, self.axis = shape, kind, data, axis
        self.scale = scale if isinstance(scale, (list, type(None))) else [scale]
        self.zero = zero if isinstance(zero, list) else [zero] * len(self.scale or [])


def int32s(*values, shape=None):
    """A constant operand such as a shape or a list of axes."""
    return Operand(shape or [len(values)], "int32", data=struct.pack(f"<{len(values)}i", *values))


def tensor_table(operand, index, buffer):
    quantization = None
    if operand.scale:
        quantization = {2: Vector("f", operand.scale), 3: Vector("q", operand.zero),
                        6: ("i", operand.axis)}
    return {0: Vector("i", operand.shape), 1: ("b", TYPE_CODES[operand.kind]),
            2: ("I", buffer), 3: Blob(f"tensor{index}"), 4: quantization}


def single_operator(name, inputs, outputs, options=None):
    """The bytes of a model with one operator; inputs without data are the model's inputs."""
    return several_operators([(name, inputs, outputs, options)])


def several_operators(steps):
    """The same of operators in order of execution; what an operator makes and none reads is an output."""
    operands, made, read = [], [], []
    for _, inputs, outputs, _ in steps:
        operands += [o for o in inputs + outputs if o not in operands]
        made += outputs
        read += inputs
    buffers = [{}]
    tensors = []
    for index, operand in enumerate(operands):
        buffer = 0
        if operand.data is not None:
            buffer = len(buffers)
            buffers.append({0: Blob(operand.data)})
        tensors.append(tensor_table(operand, index, buffer))
    def numbers(some):
        return Vector("i", [operands.index(o) for o in some])

    operators, codes = [], []
    for index, (name, inputs, outputs, options) in enumerate(steps):
        chosen = {OPTIONS[name][key][0]: (OPTIONS[name][key][1], value)
                  for key, value in (options or {}).items()}
        operators.append({0: ("I", index), 1: numbers(inputs), 2: numbers(outputs),
                          3: ("B", UNION.get(name, 0)), 4: chosen if name in UNION else None})
        code = OPERATOR_CODES[name]
        codes.append({0: ("b", min(code, 127)), 2: ("i", 1), 3: ("i", code)})
    graph = {0: tensors, 1: numbers(o for o in operands if o.data is None and o not in made),
             2: numbers(o for o in made if o not in read), 3: operators, 4: Blob("main")}
    writer = Writer()
    root = writer.table({0: ("I", 3), 1: codes, 2: [graph], 3: Blob("one operator"), 4: buffers})
    writer.refer(0, root)
    return bytes(writer.out)
