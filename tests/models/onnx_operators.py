# SPDX-License-Identifier: MIT
"""Quantized ONNX models, one operator each: QLinear operators, QDQ patterns, and small whole nets.

Model: Case holds a graph in the making with seeded random constants; its methods add operators on the
quantized tensors Q (name, type, shape, scale, zero point) and give the next one. What such a model answers
is for ONNX Runtime to say: nothing here computes.
"""

import random
from typing import NamedTuple

from onnx_writer import FLOAT, INT32, INT64, INT8, MICROSOFT, UINT8, Graph

RANGES = {UINT8: (0, 255), INT8: (-128, 127)}


class Q(NamedTuple):
    name: str
    kind: int
    shape: list
    scale: float
    zero: int


def elements(shape):
    count = 1
    for size in shape:
        count *= size
    return count


class Case:
    """A model in the making; qdq: float operators between conversions instead of QLinear ones."""

    def __init__(self, seed, qdq=False, opset=13):
        self.random = random.Random(f"enpu onnx {seed}")
        self.graph, self.qdq = Graph(opset), qdq

    def scales(self, scale, zero, kind):
        if isinstance(scale, list):
            return [self.graph.constant(FLOAT, [len(scale)], scale),
                    self.graph.constant(kind, [len(scale)], [zero] * len(scale))]
        return [self.graph.constant(FLOAT, [], [scale]), self.graph.constant(kind, [], [zero])]

    def input(self, kind, shape, scale, zero):
        name = self.graph.input(f"x{len(self.graph.inputs)}", kind, shape)
        return Q(name, kind, shape, scale, zero)

    def constant(self, kind, shape, scale, zero):
        low, high = RANGES[kind]
        if kind == INT8:
            low, high = low + 1, high
        values = [self.random.randint(low, high) for _ in range(elements(shape))]
        return Q(self.graph.constant(kind, shape, values), kind, shape, scale, zero)

    def weights(self, kind, shape, count, zero=0, scale=0.01):
        """With one scale, or one for each of count channels."""
        scales = scale
        if count:
            scales = [scale * self.random.uniform(0.4, 1.6) for _ in range(count)]
        return self.constant(kind, shape, scales, zero)

    def operand(self, q):
        return [q.name, *self.scales(q.scale, q.zero, q.kind)]

    def real(self, q, axis=0):
        attributes = {"axis": axis} if isinstance(q.scale, list) else {}
        return self.graph.node("DequantizeLinear", self.operand(q), **attributes)

    def bias(self, count, source, weights, name=None):
        values = [self.random.randint(-6000, 6000) for _ in range(count)]
        name = self.graph.constant(INT32, [count], values)
        if not self.qdq:
            return name
        scale = weights.scale if isinstance(weights.scale, list) else [weights.scale]
        scale = [source.scale * s for s in scale]
        return self.graph.node("DequantizeLinear", [name, *self.scales(
            scale if len(scale) > 1 else scale[0], 0, INT32)], axis=0)

    def quantize(self, name, kind, shape, scale, zero):
        out = self.graph.node("QuantizeLinear", [name, *self.scales(scale, zero, kind)])
        return Q(out, kind, shape, scale, zero)

    def operator(self, kind, operands, shape, scale, zero, extra=(), domain=MICROSOFT, axes=(0, 0),
                 float_kind=None, qlinear=None, **attributes):
        """One operator on quantized operands; extra: names of inputs behind them (a bias)."""
        if self.qdq:
            name = self.graph.node(float_kind or kind, [
                *(self.real(q, axis) for q, axis in zip(operands, [*axes, *[0] * len(operands)])),
                *extra], **attributes)
            return self.quantize(name, operands[0].kind, shape, scale, zero)
        inputs = [name for q in operands for name in self.operand(q)]
        result = self.scales(scale, zero, operands[0].kind)
        inputs = [*inputs, *extra, *result] if kind == "Gemm" else [*inputs, *result, *extra]
        out = self.graph.node(qlinear or f"QLinear{kind}", inputs, domain=domain, **attributes)
        return Q(out, operands[0].kind, shape, scale, zero)

    def finish(self, *outputs):
        for q in outputs:
            self.graph.output(q.name, q.kind, q.shape)
        return self.graph.bytes()

    def finish_float(self, q):
        self.graph.output(self.real(q), FLOAT, q.shape)
        return self.graph.bytes()

    def convolution(self, source, outputs, kernel, stride=1, pads=(0, 0, 0, 0), group=1, dilation=1,
                    weights=INT8, per_channel=True, weight_zero=0, bias=True, scale=0.12, zero=0,
                    spread=0.01):
        n, channels, height, width = source.shape
        w = self.weights(weights, [outputs, channels // group, *kernel],
                         outputs if per_channel else 0, weight_zero, spread)
        extra = [self.bias(outputs, source, w)] if bias else []
        out = [(size + pads[i] + pads[i + 2] - dilation * (kernel[i] - 1) - 1) // stride + 1
               for i, size in enumerate((height, width))]
        return self.operator("Conv", [source, w], [n, outputs, *out], scale, zero, extra, domain="",
                             kernel_shape=list(kernel), strides=[stride] * 2, pads=list(pads),
                             group=group, dilations=[dilation] * 2)

    def unary(self, kind, source, scale, zero, **attributes):
        return self.operator(kind, [source], source.shape, scale, zero, **attributes)

    def pool(self, source, kernel, stride, pads=(0, 0, 0, 0), scale=None, zero=None, **attributes):
        n, c, height, width = source.shape
        out = [(size + pads[i] + pads[i + 2] - kernel[i]) // stride + 1
               for i, size in enumerate((height, width))]
        return self.operator("AveragePool", [source], [n, c, *out], scale or source.scale,
                             source.zero if zero is None else zero, kernel_shape=list(kernel),
                             strides=[stride] * 2, pads=list(pads), **attributes)

    def global_pool(self, source, scale, zero):
        attributes = {} if self.qdq else {"channels_last": 0}
        return self.operator("GlobalAveragePool", [source], [*source.shape[:2], 1, 1], scale, zero,
                             **attributes)

    def max_pool(self, source, kernel, stride, pads=(0, 0, 0, 0)):
        n, c, height, width = source.shape
        out = [(size + pads[i] + pads[i + 2] - kernel[i]) // stride + 1
               for i, size in enumerate((height, width))]
        name = self.graph.node("MaxPool", [self.real(source) if self.qdq else source.name],
                               kernel_shape=list(kernel), strides=[stride] * 2, pads=list(pads))
        if self.qdq:
            return self.quantize(name, source.kind, [n, c, *out], source.scale, source.zero)
        return Q(name, source.kind, [n, c, *out], source.scale, source.zero)

    def resize(self, source, height, width, mode, scale=None):
        n, c, *_ = source.shape
        sizes = self.graph.constant(INT64, [4], [n, c, height, width])
        name = self.graph.node("Resize", [self.real(source) if self.qdq else source.name, "", "", sizes],
                               mode="linear", coordinate_transformation_mode=mode)
        out = source._replace(name=name, shape=[n, c, height, width])
        if self.qdq:
            return self.quantize(name, source.kind, out.shape, scale or source.scale, source.zero)
        return out

    def reshape(self, source, shape):
        target = self.graph.constant(INT64, [len(shape)], shape)
        name = self.graph.node("Reshape", [source.name, target])
        return source._replace(name=name, shape=shape)

    def matmul(self, source, outputs, per_channel=False, weights=INT8, weight_zero=0, scale=0.3,
               zero=0):
        depth = source.shape[-1]
        w = self.weights(weights, [depth, outputs], outputs if per_channel else 0, weight_zero)
        return self.operator("MatMul", [source, w], [*source.shape[:-1], outputs], scale, zero,
                             domain="", axes=(0, 1))

    def gemm(self, source, outputs, per_channel=False, scale=0.3, zero=0):
        depth = source.shape[-1]
        w = self.weights(INT8, [outputs, depth], outputs if per_channel else 0)
        extra = [self.bias(outputs, source, w)]
        return self.operator("Gemm", [source, w], [source.shape[0], outputs], scale, zero, extra,
                             qlinear="QGemm", transB=1)

    def concat(self, sources, axis, scale, zero):
        shape = list(sources[0].shape)
        shape[axis] = sum(q.shape[axis] for q in sources)
        if self.qdq:
            return self.operator("Concat", sources, shape, scale, zero, axis=axis)
        inputs = self.scales(scale, zero, sources[0].kind)
        inputs += [name for q in sources for name in self.operand(q)]
        out = self.graph.node("QLinearConcat", inputs, domain=MICROSOFT, axis=axis)
        return Q(out, sources[0].kind, shape, scale, zero)


def middle(kind, offset):
    """A zero point that far from the middle of the type."""
    return offset + (128 if kind == UINT8 else 0)


def conv_cases(case, kind):
    def conv(seed, shape, *arguments, scale=0.12, zero=5, in_zero=-11, **options):
        c = case(seed)
        source = c.input(kind, shape, 0.031, middle(kind, in_zero))
        return c.finish(c.convolution(source, *arguments, scale=scale, zero=middle(kind, zero),
                                      **options))
    cases = {
        "conv": conv("a", [1, 20, 13, 11], 24, (3, 3), pads=(1, 1, 1, 1)),
        "conv-stride2": conv("b", [1, 17, 15, 14], 33, (3, 3), 2, pads=(0, 1, 1, 0), zero=-128),
        "conv-per-tensor": conv("c", [2, 16, 7, 7], 16, (1, 1), per_channel=False),
        "conv-no-bias": conv("d", [1, 8, 12, 9], 5, (5, 3), bias=False, scale=0.2),
        "conv-dilated": conv("e", [1, 12, 16, 15], 10, (3, 3), pads=(2, 2, 2, 2), dilation=2),
        "conv-groups": conv("f", [1, 24, 9, 10], 36, (3, 3), pads=(1, 1, 1, 1), group=4, scale=0.08),
        "conv-fine": conv("g", [1, 9, 8, 8], 12, (3, 3), scale=0.0007, zero=60),
        "depthwise": conv("h", [1, 21, 14, 13], 21, (3, 3), pads=(1, 1, 1, 1), group=21, scale=0.04),
        "depthwise-stride2": conv("i", [1, 16, 13, 13], 16, (5, 5), 2, pads=(2, 2, 2, 2), group=16,
                                  scale=0.05),
        "depthwise-multiplier": conv("j", [1, 7, 9, 8], 14, (3, 3), group=7, scale=0.04),
    }
    if kind == UINT8:
        cases["conv-uint8-weights"] = conv("k", [1, 20, 9, 8], 19, (3, 3), weights=UINT8,
                                           per_channel=False, weight_zero=131)
    return cases


def product_cases(case, kind):
    def make(seed, shape, method, *arguments, **options):
        c = case(seed)
        source = c.input(kind, shape, 0.027, middle(kind, 9))
        return c.finish(getattr(c, method)(source, *arguments, zero=middle(kind, -7), **options))
    cases = {
        "matmul": make("a", [5, 77], "matmul", 43),
        "matmul-batch": make("b", [2, 3, 40], "matmul", 17),
        "gemm": make("d", [3, 130], "gemm", 19),
    }
    # ONNX Runtime's own QLinearMatMul wants the scales of all columns as one dimension
    if case("").qdq:
        cases["gemm-per-channel"] = make("e", [4, 64], "gemm", 33, per_channel=True)
    else:
        cases["matmul-per-channel"] = make("c", [6, 31], "matmul", 20, per_channel=True)
    return cases


def binary_cases(case, kind):
    def make(seed, name, first, second, out, scales, swap=False):
        c = case(seed)
        a = c.input(kind, first, scales[0], middle(kind, -3))
        b = c.input(kind, second, scales[1], middle(kind, 17))
        return c.finish(c.operator(name, [b, a] if swap else [a, b], out, scales[2],
                                   middle(kind, 6)))
    shape, row, one = [1, 13, 9, 7], [1, 13, 1, 1], [1, 1, 1, 1]
    sums, products = (0.031, 0.017, 0.044), (0.031, 0.017, 0.07)
    halves = (0.25, 0.5, 1.0)
    cases = {
        "add": make("a", "Add", shape, shape, shape, sums),
        "add-halves": make("b", "Add", shape, shape, shape, halves),
        "add-channels": make("c", "Add", shape, row, shape, sums),
        "add-channels-first": make("d", "Add", shape, row, shape, sums, swap=True),
        "add-scalar": make("e", "Add", shape, one, shape, sums),
        "add-scalar-first": make("f", "Add", shape, one, shape, sums, swap=True),
        "mul": make("g", "Mul", shape, shape, shape, products),
        "mul-halves": make("h", "Mul", shape, shape, shape, (0.25, 0.5, 4.0)),
        "mul-channels": make("i", "Mul", shape, row, shape, products),
    }
    c = case("constant")
    a = c.input(kind, shape, 0.031, middle(kind, -3))
    b = c.constant(kind, row, 0.017, middle(kind, 17))
    cases["add-constant"] = c.finish(c.operator("Add", [a, b], shape, 0.044, middle(kind, 6)))
    return cases


def pool_cases(case, kind):
    def make(seed, shape, method, *arguments, **options):
        c = case(seed)
        source = c.input(kind, shape, 0.043, middle(kind, 12))
        return c.finish(getattr(c, method)(source, *arguments, **options))
    other = {"scale": 0.031, "zero": middle(kind, -9)}
    pads = (1, 1, 1, 1)
    return {
        "average": make("a", [1, 14, 10, 9], "pool", (3, 3), 2, pads),
        "average-rescaled": make("b", [1, 14, 10, 9], "pool", (3, 3), 1, pads, **other),
        "average-count-pads": make("c", [1, 6, 9, 8], "pool", (3, 2), 2, (1, 0, 1, 1),
                                   count_include_pad=1, **other),
        "average-2x2": make("d", [1, 8, 8, 6], "pool", (2, 2), 2),
        "global-average": make("e", [1, 40, 7, 7], "global_pool", 0.012, middle(kind, -20)),
        "global-average-same": make("f", [2, 9, 5, 3], "global_pool", 0.043, middle(kind, 12)),
        "max": make("g", [1, 19, 11, 8], "max_pool", (3, 3), 2, pads),
    }


def table_cases(case, kind):
    def make(seed, name, shape, scale, zero, out_scale, out_zero, **attributes):
        c = case(seed)
        source = c.input(kind, shape, scale, middle(kind, zero))
        if name == "Softmax" and not c.qdq:
            attributes["opset"] = 13
        return c.finish(c.unary(name, source, out_scale, out_zero, **attributes))
    low, grid = RANGES[kind][0], [1, 4, 16, 16]
    cases = {
        "sigmoid": make("a", "Sigmoid", grid, 0.043, 17, 1 / 256, low),
        "sigmoid-odd": make("b", "Sigmoid", grid, 0.0913, -30, 0.0041, low + 9),
        "leaky-relu": make("c", "LeakyRelu", grid, 0.05, -11, 0.04, middle(kind, 3), alpha=0.1),
        "softmax": make("d", "Softmax", [6, 37], 0.06, -8, 1 / 256, low, axis=-1),
        "softmax-sharp": make("e", "Softmax", [9, 21], 0.9, 0, 1 / 256, low, axis=-1),
        "softmax-rescaled": make("f", "Softmax", [4, 10], 0.11, 20, 0.0035, low + 7, axis=-1),
        "softmax-channels": make("g", "Softmax", [1, 5, 4, 3], 0.11, 20, 1 / 256, low, axis=1),
    }
    c = case("concat")
    parts = [c.input(kind, [1, n, 4, 5], s, middle(kind, z))
             for n, s, z in ((6, 0.05, 3), (9, 0.021, -20), (2, 0.5, 40))]
    cases["concat"] = c.finish(c.concat(parts, 1, 0.05, middle(kind, 3)))
    return cases


def conversion_cases(kind):
    """QuantizeLinear and DequantizeLinear by themselves, and what only they can write."""
    def requantize(scale, zero):
        c = Case("requantize", True)
        source = c.input(kind, [1, 6, 5, 7], 0.05, middle(kind, -3))
        return c.finish(c.quantize(c.real(source), kind, source.shape, scale, zero))

    def through(name, **attributes):
        """A float function between conversions: ONNX Runtime leaves it float."""
        c = Case(name, True)
        source = c.input(kind, [1, 4, 16, 16], 0.043, middle(kind, 5))
        out = c.graph.node(name, [c.real(source)], **attributes)
        return c.finish(c.quantize(out, kind, source.shape, 0.031, middle(kind, -20)))

    c = Case("float", True)
    name = c.graph.input("x", FLOAT, [1, 6, 5, 7])
    ends = c.finish_float(c.quantize(name, kind, [1, 6, 5, 7], 0.125, middle(kind, -5)))
    return {"requantize": requantize(0.033, middle(kind, 4)), "requantize-same": requantize(
        0.05, middle(kind, -3)), "float-ends": ends, "relu": through("Relu"), "abs": through("Abs"),
        "hard-sigmoid": through("HardSigmoid", alpha=0.25), "neg": through("Neg")}


def resize_cases(case, kind):
    """Between convolutions, which is where ONNX Runtime has channels last."""
    def make(seed, height, width, mode, **options):
        c = case(seed)
        x = c.input(kind, [1, 8, 9, 13], 0.031, middle(kind, -11))
        x = c.convolution(x, 12, (1, 1), scale=0.04, zero=middle(kind, 5))
        x = c.resize(x, height, width, mode, **options)
        return c.finish(c.convolution(x, 12, (1, 1), scale=0.06, zero=middle(kind, -5)))
    cases = {
        "resize": make("a", 18, 26, "half_pixel"),
        "resize-odd": make("b", 23, 7, "pytorch_half_pixel"),
        "resize-one": make("c", 1, 13, "pytorch_half_pixel"),
        "resize-corners": make("d", 20, 31, "align_corners"),
        "resize-asymmetric": make("e", 13, 40, "asymmetric"),
    }
    if case("").qdq:
        cases["resize-rescaled"] = make("f", 18, 26, "half_pixel", scale=0.027)
    return cases


def residual_net(case, kind):
    """Convolutions, a branch, pooling and a classifier, as small nets have them."""
    c = case("net")
    low = RANGES[kind][0]
    x = c.input(kind, [1, 3, 24, 20], 0.017, middle(kind, -10))
    x = c.convolution(x, 16, (3, 3), 2, (1, 1, 1, 1), scale=0.021, zero=low, spread=0.006)
    y = c.convolution(x, 16, (3, 3), 1, (1, 1, 1, 1), group=16, scale=0.011, zero=low, spread=0.005)
    y = c.convolution(y, 16, (1, 1), scale=0.017, zero=middle(kind, 3), spread=0.006)
    x = c.operator("Add", [x, y], x.shape, 0.025, middle(kind, -40))
    x = c.max_pool(x, (2, 2), 2)
    z = c.convolution(x, 24, (3, 3), 1, (1, 1, 1, 1), scale=0.03, zero=middle(kind, -8),
                      spread=0.004)
    s = c.unary("Sigmoid", z, 1 / 256, low)
    z = c.operator("Mul", [z, s], z.shape, 0.022, middle(kind, -90))
    x = c.concat([x, z], 1, 0.026, middle(kind, -60))
    x = c.pool(x, (3, 3), 1, (1, 1, 1, 1), scale=0.02, zero=middle(kind, -55))
    x = c.global_pool(x, 0.009, middle(kind, -50))
    x = c.gemm(c.reshape(x, [1, 40]), 10, scale=0.05, zero=middle(kind, 2))
    x = c.unary("Softmax", x, 1 / 256, low, axis=-1, **({} if c.qdq else {"opset": 13}))
    return c.finish(x)


def cases():
    """Name -> bytes of a model."""
    made = {}
    for form in ("qlinear", "qdq"):
        for kind, suffix in ((UINT8, "uint8"), (INT8, "int8")):
            def case(seed, form=form, suffix=suffix):
                return Case(f"{form} {suffix} {seed}", form == "qdq")
            for make in (conv_cases, product_cases, binary_cases, pool_cases, table_cases,
                         resize_cases):
                for name, model in make(case, kind).items():
                    made[f"{form}-{suffix}-{name}"] = model
            made[f"{form}-{suffix}-net"] = residual_net(case, kind)
            if form == "qdq":
                for name, model in conversion_cases(kind).items():
                    made[f"{form}-{suffix}-{name}"] = model
    return made
