# SPDX-License-Identifier: MIT
"""Writes ONNX models: protobuf's wire format, and as much of ONNX as tests need.

Model: field() and message() are the wire format; Graph collects nodes, initializers, inputs and outputs,
and bytes() is the file. Names of tensors are made up unless they are given.
"""

import struct

FLOAT, UINT8, INT8, INT32, INT64 = 1, 2, 3, 6, 7
FORMATS = {FLOAT: "f", UINT8: "B", INT8: "b", INT32: "i", INT64: "q"}
OPSET, MICROSOFT = 13, "com.microsoft"


def varint(value):
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 0x7f:
        out.append(value & 0x7f | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def field(number, value):
    """One protobuf field: an integer, a float, text or bytes."""
    if isinstance(value, float):
        return varint(number << 3 | 5) + struct.pack("<f", value)
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def message(*fields):
    """A message of (number, value) pairs; a list is a repeated field."""
    return b"".join(field(n, v) for n, value in fields
                    for v in (value if isinstance(value, list) else [value]))


def attribute(name, value):
    if isinstance(value, list):
        return message((1, name), (8, value), (20, 7))
    if isinstance(value, float):
        return message((1, name), (2, value), (20, 1))
    if isinstance(value, str):
        return message((1, name), (4, value), (20, 3))
    return message((1, name), (3, value), (20, 2))


def value_info(name, kind, shape):
    dims = message((1, [message((1, d)) for d in shape]))
    return message((1, name), (2, message((1, message((1, kind), (2, dims))))))


class Graph:
    def __init__(self, opset=OPSET):
        self.opset = opset
        self.nodes, self.initializers, self.names = [], [], 0
        self.inputs, self.outputs = [], []

    def node(self, kind, inputs, output=None, domain="", **attributes):
        self.names += 1
        output = output or f"{kind}{self.names}"
        self.nodes.append(message(
            (1, inputs), (2, output), (4, kind),
            (5, [attribute(k, v) for k, v in attributes.items()]),
            (7, [domain] if domain else [])))
        return output

    def constant(self, kind, shape, values):
        self.names += 1
        name = f"constant{self.names}"
        raw = struct.pack(f"<{len(values)}{FORMATS[kind]}", *values)
        self.initializers.append(message((1, list(shape)), (2, kind), (8, name), (9, raw)))
        return name

    def input(self, name, kind, shape):
        self.inputs.append(value_info(name, kind, shape))
        return name

    def output(self, name, kind, shape):
        self.outputs.append(value_info(name, kind, shape))

    def bytes(self, producer="enpu tests"):
        graph = message((1, self.nodes), (2, "model"), (5, self.initializers),
                        (11, self.inputs), (12, self.outputs))
        return message((1, 8), (2, producer), (7, graph), (8, message((1, ""), (2, self.opset))),
                       (8, message((1, MICROSOFT), (2, 1))))


def fields(data):
    """(number, value) of every field: integers, and bytes for all else."""
    at = 0

    def read_varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7f) << shift
            shift += 7
            if byte < 0x80:
                return value
    while at < len(data):
        key = read_varint()
        kind = key & 7
        if kind == 0:
            yield key >> 3, read_varint()
            continue
        size = read_varint() if kind == 2 else 8 if kind == 1 else 4
        yield key >> 3, data[at:at + size]
        at += size


def get(data, *path):
    """All values along a path of field numbers."""
    values = [data]
    for number in path:
        values = [v for d in values for n, v in fields(d) if n == number]
    return values


def inputs_of(model):
    """Type and shape of each input that no initializer gives; 0: a dimension is open."""
    known = set(get(model, 7, 5, 8))
    for info in get(model, 7, 11):
        if get(info, 1)[0] not in known:
            tensor = get(info, 2, 1)[0]
            yield get(tensor, 1)[0], [next(iter(get(d, 1)), 0) for d in get(tensor, 2, 1)]
