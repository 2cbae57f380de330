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


def cases():
    """Name -> Case."""
    return {f"real-{name}": case for make in (function_cases,) for name, case in make().items()}
