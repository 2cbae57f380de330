# SPDX-License-Identifier: MIT
"""Operators between 8 and 16 bits, and functions of 16 bits: what the quantizer makes, and TFLite has no kernels for.

Model: cases as in real_functions.py. The truth is the arithmetic of Documentation/hardware.rst, written down once
more in Python's integers; multipliers are TFLite's (QuantizeMultiplier).
"""

import math
import random
import struct

from real_functions import Case, GRID, elements, fields, floats, graph, half_away, normalized, single

LIMITS = {"int8": (-128, 127), "int16": (-32768, 32767)}
CODES = {"int8": "b", "int16": "h"}


class Fixed:
    """A type with scale and zero point, element by element."""

    def __init__(self, kind, scale, zero=0):
        self.kind, self.scale, self.zero = kind, single(scale), zero

    def values(self, data):
        return struct.unpack(f"<{len(data) // struct.calcsize(CODES[self.kind])}{CODES[self.kind]}", data)

    def bytes(self, values):
        low, high = LIMITS[self.kind]
        return b"".join(struct.pack("<" + CODES[self.kind], min(max(v + self.zero, low), high)) for v in values)

    def line(self, name, shape, data=None):
        dims = ",".join(map(str, shape))
        return f"tensor {name} {self.kind} {dims} {self.scale!r} {self.zero}" + (f" {data.hex()}" if data else "")


def multiplier(real):
    """Q31 and the exponent of two."""
    mantissa, exponent = math.frexp(real)
    q = half_away(mantissa * 2 ** 31)
    return (q // 2, exponent + 1) if q == 2 ** 31 else (q, exponent)


def truncated(a, b):
    return abs(a) // b if a >= 0 else -(abs(a) // b)


def scaled(x, real):
    """DOUBLE of hardware.rst."""
    m, s = multiplier(real)
    product = (x << max(s, 0)) * m
    high = truncated(product + (2 ** 30 if product >= 0 else 1 - 2 ** 30), 2 ** 31)
    e = max(-s, 0)
    return (high >> e) + ((high & (2 ** e - 1)) > ((2 ** e - 1) >> 1) + (high < 0))


def scaled_sum(x, real):
    """The same of a sum of products with int16."""
    m, s = multiplier(real)
    r = (m + 2 ** 15) >> 16 if m < 0x7fff0000 else 0x7fff
    return (x * r + 2 ** (14 - s)) >> (15 - s)


class Widths(Case):
    """Inputs are of their types; the truth gets them without zero points."""

    def __init__(self, sources, target, shapes, out_shape, operators, real, constants=()):
        tensors = [s.line(f"in{i}", shape) for i, (s, shape) in enumerate(zip(sources, shapes))]
        names = [f"in{i}" for i in range(len(sources))]
        text = graph([*tensors, target.line("out", out_shape), *constants], operators, names, ["out"])

        def truth(inputs):
            values = [[q - s.zero for q in s.values(data)] for s, data in zip(sources, inputs)]
            return [target.bytes(real(*values))]
        super().__init__(text, shapes, truth)
        self.sources = sources

    def make_inputs(self, name):
        generator = random.Random(f"enpu {name}")
        return [generator.randbytes(elements(shape) * struct.calcsize(CODES[s.kind]))
                for s, shape in zip(self.sources, self.inputs)]


def interpolated(operation, real, source, target, **attributes):
    """A table of every 128th value, each shifted by half of what its line is off in the middle."""
    source, target = Fixed("int16", source), Fixed("int16", target)

    def sample(q):
        return half_away(real(source.scale * q) / target.scale)
    table = []
    for q in range(-32768, 32769, 128):
        off = half_away((sample(q + 128) + sample(q)) / 2) - sample(q + 64) if q < 32768 else 0
        table.append(min(max(sample(q) - half_away(off / 2), -32768), 32767))

    def look_up(values):
        for q in values:
            i, rest = divmod(q + 32768, 128)
            yield table[i] + (((table[i + 1] - table[i]) * rest + 64) >> 7)
    attributes["interpolated"] = 1
    return Widths([source], target, [GRID], GRID, [f"op {operation} in0 out {fields(attributes)}"], look_up)


def converted(source, target):
    return Widths([source], target, [GRID], GRID, ["op QUANTIZE in0 out"],
                  lambda values: [scaled(v, source.scale / target.scale) for v in values])


def pointwise(name, source, target):
    """A 1x1 convolution from one width to the other."""
    inputs, outputs, places = 21, 19, 30
    generator = random.Random(name)
    weights = [[generator.randint(-127, 127) for _ in range(inputs)] for _ in range(outputs)]
    wide = source.kind == "int16"
    biases = [generator.randint(-10 ** 6, 10 ** 6) for _ in range(outputs)]
    scale = single(0.0047)
    factor = source.scale * scale / target.scale
    scale_sum = scaled_sum if wide else scaled

    def real(values):
        return [scale_sum(sum(w * v for w, v in zip(weights[o], values[p * inputs:(p + 1) * inputs])) + biases[o], factor)
                for p in range(places) for o in range(outputs)]
    constants = [
        f"tensor w int8 {outputs},1,1,{inputs} {scale!r} 0 {bytes(w & 0xff for row in weights for w in row).hex()}",
        f"tensor b {'int64' if wide else 'int32'} {outputs} - 0 "
        f"{struct.pack(f'<{outputs}' + ('q' if wide else 'i'), *biases).hex()}"]
    step = fields({"padding": 1, "stride_h": 1, "stride_w": 1, "dilation_h": 1, "dilation_w": 1})
    return Widths([source], target, [[1, 5, 6, inputs]], [1, 5, 6, outputs], [f"op CONV_2D in0,w,b out {step}"],
                  real, constants)


def added(first, second, target, sign=1):
    most = single(2 * max(first.scale, second.scale))
    out = most / single(2 ** 15 * target.scale)

    def real(a, b):
        return [scaled(scaled(x << 15, first.scale / most) + sign * scaled(y << 15, second.scale / most), out)
                for x, y in zip(a, b)]
    return Widths([first, second], target, [GRID, GRID], GRID, [f"op {'ADD' if sign > 0 else 'SUB'} in0,in1 out"], real)


def multiplied(first, second, target):
    factor = single(single(first.scale * second.scale) / target.scale)
    return Widths([first, second], target, [GRID, GRID], GRID, ["op MUL in0,in1 out"],
                  lambda a, b: [scaled(x * y, factor) for x, y in zip(a, b)])


def parametric_relu(source, target, alpha_scale):
    channels = GRID[-1]
    slopes = [random.Random("prelu").randint(-32767, 32767) for _ in range(channels)]
    alpha = Fixed("int16", alpha_scale)
    positive = single(source.scale / target.scale)
    negative = single(single(source.scale * alpha.scale) / target.scale)

    def real(values):
        return [scaled(v, positive) if v > 0 else scaled(v * slopes[i % channels], negative)
                for i, v in enumerate(values)]
    return Widths([source], target, [GRID], GRID, ["op PRELU in0,alpha out"], real,
                  [alpha.line("alpha", [channels], alpha.bytes(slopes))])


def layer_norm(source, target, shape):
    length = shape[-1]
    scale, scale_bytes = floats("wide scale", length, 1)
    bias, bias_bytes = floats("wide bias", length, 0)
    rows = [range(i, i + length) for i in range(0, elements(shape), length)]
    constants = [f"tensor {name} float32 {length} - 0 {data.hex()}"
                 for name, data in (("scale", scale_bytes), ("bias", bias_bytes))]

    def real(values):
        y = normalized([source.scale * v for v in values], rows, scale, bias, single(1e-5), lambda place, _: place)
        return [half_away(v / target.scale) for v in y]
    return Widths([source], target, [shape], shape, ["op LAYER_NORM in0,scale,bias out epsilon=1e-5"], real, constants)


def cases():
    """Name -> Case."""
    narrow, other = Fixed("int8", 0.047, -9), Fixed("int8", 0.031, 4)
    wide, fine, coarse = Fixed("int16", 0.00037), Fixed("int16", 0.00013), Fixed("int16", 0.0011)
    made = {
        "silu": interpolated("SILU", lambda x: x / (1 + math.exp(-x)), 0.00037, 0.00036),
        "logistic": interpolated("LOGISTIC", lambda x: 1 / (1 + math.exp(-x)), 0.0003, 1 / 32768),
        "tanh": interpolated("TANH", math.tanh, 0.0002, 1 / 32768),
        "hard-swish": interpolated("HARD_SWISH", lambda x: x * min(max(x + 3, 0), 6) / 6, 0.0003, 0.00029),
        "exp": interpolated("EXP", math.exp, 0.00012, 0.0017),
        "leaky-relu": interpolated("LEAKY_RELU", lambda x: x if x >= 0 else x * single(0.1), 0.0003, 0.00031, alpha=0.1),
        "quantize-8-16": converted(narrow, wide),
        "quantize-16-8": converted(wide, narrow),
        "conv-8-16": pointwise("a", narrow, coarse),
        "conv-16-8": pointwise("b", wide, other),
        "add-8-16-16": added(narrow, wide, coarse),
        "sub-16-16-8": added(wide, fine, narrow, -1),
        "add-8-8-16": added(narrow, other, coarse),
        "mul-8-16-8": multiplied(narrow, fine, other),
        "mul-8-8-16": multiplied(narrow, other, coarse),
        "layer-norm": layer_norm(wide, fine, [2, 7, 40]),
        "prelu": parametric_relu(wide, fine, 0.00002),
    }
    return {f"widths-{name}": case for name, case in made.items()}
