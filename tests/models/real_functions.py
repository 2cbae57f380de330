# SPDX-License-Identifier: MIT
"""Operators that TFLite has no 8-bit kernel for, and attributes that no TFLite file can hold.

Model: a case is a model (a TFLite file, or text for tests/models/graph_compiler.c), its inputs and the truth:
the operator on dequantized values in Python's floats, rounded half away from zero and clamped. Nothing of
ENPU takes part in the truth.
"""

import math
import random
import struct

from tflite import OPERATORS
from tflite_writer import Operand, single_operator

RANGE = {"int8": (-128, 127), "uint8": (0, 255)}
TFLITE = set(OPERATORS.values())


def half_away(x):
    return math.floor(x + 0.5) if x >= 0 else math.ceil(x - 0.5)


def single(x):
    """The binary32 nearest to x: what a scale in a file is."""
    return struct.unpack("<f", struct.pack("<f", x))[0]


class Quantized:
    """A type with scale and zero point."""

    def __init__(self, kind, scale, zero):
        self.kind, self.scale, self.zero = kind, single(scale), zero

    def real(self, q):
        return self.scale * (q - self.zero)

    def quantize(self, x):
        low, high = RANGE[self.kind]
        if math.isnan(x):
            return self.zero
        q = math.copysign(1e9, x) if math.isinf(x) else half_away(x / self.scale)
        return int(min(max(q + self.zero, low), high))

    def values(self, data):
        return list(struct.unpack(f"<{len(data)}{'b' if self.kind == 'int8' else 'B'}", data))

    def bytes(self, values):
        return bytes(v & 0xff for v in values)


def elements(shape):
    return math.prod(shape)


class Case:
    """A model, the shapes of its inputs, and what it must answer."""

    def __init__(self, text, inputs, truth, suffix="graph"):
        self.text, self.inputs, self.truth, self.suffix = text, inputs, truth, suffix

    def make_inputs(self, name):
        generator = random.Random(f"enpu {name}")
        return [generator.randbytes(elements(shape)) for shape in self.inputs]


def tensor_line(name, q, shape, data=None):
    dims = ",".join(map(str, shape)) or "-"
    line = f"tensor {name} {q.kind} {dims} {q.scale!r} {q.zero}"
    return line + (f" {data.hex()}" if data is not None else "")


def graph(tensors, operators, inputs, outputs):
    return "\n".join([*tensors, *(f"input {n}" for n in inputs), *(f"output {n}" for n in outputs),
                      *operators, ""]).encode()


def fields(attributes):
    return " ".join(f"{k}={v}" for k, v in attributes.items())


GRID = [1, 8, 16, 17]


def function(operation, real, source, target, operand=None, **attributes):
    """A function of one value; from a TFLite file if there is a code for it and no attribute."""
    source, target = Quantized(*source), Quantized(*target)

    def truth(inputs):
        return [target.bytes(target.quantize(real(source.real(q))) for q in source.values(inputs[0]))]
    if operation in TFLITE and not attributes:
        operands = [Operand(GRID, source.kind, source.scale, source.zero)]
        if operand is not None:
            operands.append(Operand([1], "float32", data=struct.pack("<f", operand)))
        model = single_operator(operation, operands,
                                [Operand(GRID, target.kind, target.scale, target.zero)])
        return Case(model, [GRID], truth, "tflite")
    text = graph([tensor_line("in", source, GRID), tensor_line("out", target, GRID)],
                 [f"op {operation} in out {fields(attributes)}"], ["in"], ["out"])
    return Case(text, [GRID], truth)


def reciprocal(x):
    return 1 / x if x else math.inf


def logarithm(x):
    return math.log(x) if x > 0 else math.nan if x else -math.inf


def softplus(x):
    return math.log1p(math.exp(-abs(x))) + max(x, 0)


def function_cases():
    s, u = ("int8", 0.047, -9), ("uint8", 0.047, 119)
    positive = ("int8", 0.033, -128)
    alpha, gamma = single(1.6732632423543772), single(1.0507009873554805)
    return {
        "floor-int8": function("FLOOR", math.floor, s, ("int8", 0.05, 3)),
        "ceil-uint8": function("CEIL", math.ceil, u, ("uint8", 0.05, 125)),
        "round-int8": function("ROUND", round, ("int8", 0.125, 4), ("int8", 0.25, -3)),
        "sin-int8": function("SIN", math.sin, s, ("int8", 1 / 128, 0)),
        "cos-uint8": function("COS", math.cos, u, ("uint8", 1 / 128, 128)),
        "sqrt-int8": function("SQRT", lambda x: math.sqrt(x) if x >= 0 else math.nan, s,
                              ("int8", 0.011, -120)),
        "rsqrt-uint8": function("RSQRT", lambda x: 1 / math.sqrt(x) if x else math.inf,
                                ("uint8", 0.02, 0), ("uint8", 0.03, 2)),
        "log-int8": function("LOG", logarithm, positive, ("int8", 0.04, 71)),
        "neg-uint8": function("NEG", lambda x: -x, u, ("uint8", 0.044, 131)),
        "square-int8": function("SQUARE", lambda x: x * x, s, ("int8", 0.15, -128)),
        "sign-int8": function("SIGN", lambda x: (x > 0) - (x < 0), s, ("int8", 1 / 64, 5)),
        "pow-int8": function("POW", lambda x: x ** 3, s, ("int8", 0.9, 2), operand=3.0),
        "pow-uint8-half": function("POW", lambda x: x ** 0.5, ("uint8", 0.03, 0), ("uint8", 0.011, 7),
                                   operand=0.5),
        "exp-uint8": function("EXP", math.exp, ("uint8", 0.02, 128), ("uint8", 0.05, 1)),
        "abs-uint8": function("ABS", abs, u, ("uint8", 0.03, 4)),
        "elu-uint8": function("ELU", lambda x: x if x >= 0 else math.expm1(x), u,
                              ("uint8", 0.03, 40)),
        "elu-int8-alpha": function("ELU", lambda x: x if x >= 0 else 0.5 * math.expm1(x), s,
                                   ("int8", 0.03, -90), alpha=0.5),
        "clip-int8": function("CLIP", lambda x: min(max(x, -1.5), 2.25), s, ("int8", 0.018, -25),
                              alpha=-1.5, beta=2.25),
        "silu-int8": function("SILU", lambda x: x / (1 + math.exp(-x)), s, ("int8", 0.025, -116), axis=0),
        "silu-uint8": function("SILU", lambda x: x / (1 + math.exp(-x)), u, ("uint8", 0.025, 12), axis=0),
        "hard-sigmoid-int8": function("HARD_SIGMOID", lambda x: min(max(single(0.2) * x + 0.5, 0), 1), s,
                                      ("int8", 1 / 256, -128), alpha=0.2, beta=0.5),
        "erf-int8": function("ERF", math.erf, s, ("int8", 1 / 128, 0), axis=0),
        "softplus-int8": function("SOFTPLUS", softplus, s, ("int8", 0.026, -128), axis=0),
        "mish-int8": function("MISH", lambda x: x * math.tanh(softplus(x)), s, ("int8", 0.025, -114),
                              axis=0),
        "selu-int8": function("SELU", lambda x: gamma * (x if x >= 0 else alpha * math.expm1(x)), s,
                              ("int8", 0.04, -80), axis=0),
        "softsign-int8": function("SOFTSIGN", lambda x: x / (1 + abs(x)), s, ("int8", 1 / 140, 4), axis=0),
        "reciprocal-int8": function("RECIPROCAL", reciprocal, s, ("int8", 0.1, 6), axis=0),
    }


def map_case(operation, source, target, shape, real, constants=(), **attributes):
    """One input and output of one shape; real: from all real values to all. constants: (name, type, shape, bytes)"""
    source, target = Quantized(*source), Quantized(*target)

    def truth(inputs):
        return [target.bytes(map(target.quantize, real([source.real(q) for q in source.values(inputs[0])])))]
    lines = [f"tensor {name} {kind} {','.join(map(str, dims))} - 0 {data.hex()}"
             for name, kind, dims, data in constants]
    names = ",".join(["in", *(c[0] for c in constants)])
    text = graph([tensor_line("in", source, shape), tensor_line("out", target, shape), *lines],
                 [f"op {operation} {names} out {fields(attributes)}"], ["in"], ["out"])
    return Case(text, [shape], truth)


def floats(name, count, around):
    generator = random.Random(f"floats {name}")
    values = [single(around + generator.uniform(-0.5, 0.5)) for _ in range(count)]
    return values, struct.pack(f"<{count}f", *values)


def normalized(values, rows, scale, bias, epsilon, factor_of):
    """rows: lists of indices that are normalized together."""
    result = [0.0] * len(values)
    for row in rows:
        mean = sum(values[i] for i in row) / len(row)
        variance = sum((values[i] - mean) ** 2 for i in row) / len(row)
        for place, i in enumerate(row):
            f = factor_of(place, i)
            result[i] = (values[i] - mean) / math.sqrt(variance + epsilon) * scale[f] + bias[f]
    return result


def layer_norm(source, target, shape, length, epsilon, name):
    scale, scale_bytes = floats(f"{name} scale", length, 1)
    bias, bias_bytes = floats(f"{name} bias", length, 0)
    rows = [range(i, i + length) for i in range(0, elements(shape), length)]
    return map_case("LAYER_NORM", source, target, shape,
                    lambda x: normalized(x, rows, scale, bias, single(epsilon), lambda place, _: place),
                    [("scale", "float32", [length], scale_bytes), ("bias", "float32", [length], bias_bytes)],
                    epsilon=epsilon)


def instance_norm(source, target, shape, epsilon, name):
    batch, channels = shape[0], shape[-1]
    inner = elements(shape[1:-1])
    scale, scale_bytes = floats(f"{name} scale", channels, 1)
    bias, bias_bytes = floats(f"{name} bias", channels, 0)
    rows = [[(n * inner + i) * channels + c for i in range(inner)] for n in range(batch)
            for c in range(channels)]
    return map_case("INSTANCE_NORM", source, target, shape,
                    lambda x: normalized(x, rows, scale, bias, single(epsilon), lambda _, i: i % channels),
                    [("scale", "float32", [channels], scale_bytes), ("bias", "float32", [channels], bias_bytes)],
                    epsilon=epsilon)


def cumulated(shape, axis, exclusive, reverse):
    def real(values):
        stride, count, result = elements(shape[axis + 1:]), shape[axis], [0.0] * len(values)
        for start in range(len(values)):
            if start // stride % count:
                continue
            line = [start + i * stride for i in range(count)]
            for i, at in enumerate(line):
                part = line[i + exclusive:] if reverse else line[:i + 1 - exclusive]
                result[at] = math.fsum(values[k] for k in part)
        return result
    return real


def cumsum(source, target, shape, axis, exclusive=0, reverse=0):
    return map_case("CUMSUM", source, target, shape, cumulated(shape, axis, exclusive, reverse),
                    [("axis", "int32", [1], struct.pack("<i", axis))], exclusive=exclusive, reverse=reverse)


def divided(a, b):
    return a / b if b else math.copysign(math.inf, a) if a else math.nan


def division(first, second, target):
    """By a constant that broadcasts along the last dimension; some of it is 0."""
    a, b, out = Quantized(*first), Quantized(*second), Quantized(*target)
    shape, channels = [3, 5, 13], 13
    data = bytes([b.zero & 0xff]) + random.Random("division").randbytes(channels - 1)
    divisors = [b.real(q) for q in b.values(data)]

    def truth(inputs):
        return [out.bytes(out.quantize(divided(a.real(q), divisors[i % channels]))
                          for i, q in enumerate(a.values(inputs[0])))]
    text = graph([tensor_line("in", a, shape), tensor_line("by", b, [channels], data),
                  tensor_line("out", out, shape)], ["op DIV in,by out"], ["in"], ["out"])
    return Case(text, [shape], truth)


def logic():
    """A larger one of two, where both are above a constant: comparisons, AND, OR, NOT, a choice."""
    q, shape = Quantized("int8", 0.05, 4), [1, 7, 9, 12]

    def truth(inputs):
        pairs = zip(*(q.values(data) for data in inputs))
        return [q.bytes(a if (a > b and b > 20) or not a >= -50 else b for a, b in pairs)]
    tensors = [tensor_line(name, q, shape) for name in ("a", "b", "out")]
    tensors += [tensor_line("k", q, [1], bytes([20])), tensor_line("m", q, [1], bytes([-50 & 0xff]))]
    tensors += [f"tensor {name} bool {','.join(map(str, shape))} - 0" for name in ("c", "d", "e", "f", "g", "h")]
    text = graph(tensors, ["op GREATER a,b c", "op GREATER b,k d", "op LOGICAL_AND c,d e",
                           "op GREATER_EQUAL a,m f", "op LOGICAL_NOT f g", "op LOGICAL_OR e,g h",
                           "op SELECT_V2 h,a,b out"], ["a", "b"], ["out"])
    return Case(text, [shape, shape], truth)


def composed_cases():
    s, wide = ("int8", 0.047, -9), ("int8", 0.03, 5)
    return {
        "div-int8-scalar": function("DIV", lambda x: x / 3, s, ("int8", 0.02, 3), operand=3.0),
        "div-int8-channels": division(s, ("int8", 0.03, 7), ("int8", 0.05, -4)),
        "layer-norm-int8": layer_norm(s, wide, [2, 17, 40], 40, 1e-5, "a"),
        "layer-norm-uint8-two": layer_norm(("uint8", 0.05, 110), ("uint8", 0.03, 125), [3, 5, 6], 30, 0.1, "b"),
        "instance-norm-int8": instance_norm(s, wide, [2, 6, 7, 9], 1e-3, "c"),
        "cumsum-int8": cumsum(s, ("int8", 0.5, 0), [2, 5, 6], 1),
        "cumsum-uint8-exclusive": cumsum(("uint8", 0.047, 119), ("uint8", 0.21, 130), [2, 5, 6], 2, 1),
        "cumsum-int8-reverse": cumsum(s, ("int8", 0.5, 0), [7, 6], 0, 0, 1),
        "logic": logic(),
    }


def cases():
    """Name -> Case."""
    return {f"real-{name}": case for make in (function_cases, composed_cases) for name, case in make().items()}
