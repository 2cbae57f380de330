# SPDX-License-Identifier: MIT
"""Single-operator models beyond mesa's slices: int8, per-channel weights, dilation, broadcasting, other operators.

Model: CASES maps a name to the bytes of a TFLite file. The numbers are arbitrary but awkward on purpose:
zero points off centre, scales that are no powers of two, sizes that are no multiples of a tile.
"""

import random
import struct

from tflite_writer import Operand, int32s, several_operators, single_operator

SAME, VALID = 0, 1
NONE, RELU, RELU6 = 0, 1, 3


def tensor(shape, kind, scale, zero, **more):
    return Operand(list(shape), kind, scale, zero, **more)


class Weights:
    """Seeded constants for an operator with weights and a bias."""

    def __init__(self, name):
        self.random = random.Random(name)

    def constant(self, shape, kind, scale, zero=0, axis=0, spread=None):
        """Random elements; with a spread they stay that close to the zero point."""
        size = 1
        for dimension in shape:
            size *= dimension
        data = self.random.randbytes(size)
        if spread:
            data = bytes((zero[0] + b % (2 * spread + 1) - spread) & 0xff for b in data)
        elif kind == "int8":
            data = bytes(b if b != 0x80 else 0x81 for b in data)  # symmetric: -127 to 127
        return tensor(shape, kind, scale, zero, data=data, axis=axis)

    def bias(self, channels, scale, spread=4000):
        values = [self.random.randint(-spread, spread) for _ in range(channels)]
        return tensor([channels], "int32", scale, 0, data=struct.pack(f"<{channels}i", *values))

    def scales(self, channels):
        return [0.002 + 0.006 * self.random.random() for _ in range(channels)]


def convolution(name, kind, size, depth, channels, kernel, *, stride=1, dilation=1, padding=SAME,
                activation=NONE, per_channel=False, multiplier=None, groups=1, out=(0.17, 3), spread=None):
    """CONV_2D, or DEPTHWISE_CONV_2D if there is a multiplier."""
    weights = Weights(name)
    depthwise = multiplier is not None
    channels = depth * multiplier if depthwise else channels
    shape = [1, *kernel, channels] if depthwise else [channels, *kernel, depth // groups]
    scale = weights.scales(channels) if per_channel else [0.0047]
    zero = [0] * len(scale) if kind == "int8" else [113]
    constant = weights.constant(shape, kind, scale, zero, 3 if depthwise else 0, spread)
    inputs = [tensor([1, *size, depth], kind, 0.031, -7 if kind == "int8" else 121), constant,
              weights.bias(channels, [0.031 * s for s in scale], 20 if spread else 4000)]
    reach = [(k - 1) * dilation + 1 for k in kernel]
    result = [-(-s // stride) if padding == SAME else (s - r) // stride + 1
              for s, r in zip(size, reach)]
    options = {"padding": padding, "stride_w": stride, "stride_h": stride, "activation": activation,
               "dilation_w": dilation, "dilation_h": dilation}
    if depthwise:
        options["multiplier"] = multiplier
    return single_operator("DEPTHWISE_CONV_2D" if depthwise else "CONV_2D", inputs,
                           [tensor([1, *result, channels], kind, *out)], options)


def fully_connected(name, kind, depth, channels, activation=NONE, per_channel=False):
    weights = Weights(name)
    scale = weights.scales(channels) if per_channel else [0.006]
    zero = [0 if kind == "int8" else 131] * len(scale)
    return single_operator(
        "FULLY_CONNECTED",
        [tensor([1, depth], kind, 0.02, 5), weights.constant([channels, depth], kind, scale, zero),
         weights.bias(channels, [0.00012])],
        [tensor([1, channels], kind, 0.13, 9)], {"activation": activation})


def transpose_conv(name, kind, size, depth, channels, kernel, stride, out, padding=SAME, per_channel=False,
                   bias=True, activation=NONE):
    weights = Weights(name)
    scale = weights.scales(channels) if per_channel else [0.0047]
    zero = [0 if kind == "int8" else 113] * len(scale)
    inputs = [int32s(1, *out, channels), weights.constant([channels, *kernel, depth], kind, scale, zero),
              tensor([1, *size, depth], kind, 0.031, -7 if kind == "int8" else 121)]
    if bias:
        inputs.append(weights.bias(channels, [0.031 * s for s in scale]))
    return single_operator("TRANSPOSE_CONV", inputs, [tensor([1, *out, channels], kind, 0.17, 3)],
                           {"padding": padding, "stride_w": stride, "stride_h": stride,
                            "activation": activation})


def matmul(first, second, out, constant=False, **options):
    operands = [tensor(first, "int8", 0.031, -7), tensor(second, "int8", 0.021, 4)]
    if constant:
        operands[1] = Weights(f"matmul {second}").constant(second, "int8", [0.021], [4])
    return single_operator("BATCH_MATMUL", operands, [tensor(out, "int8", 0.11, 3)], options)


def binary(kind, operation, first, second, out, activation=None, constant=False):
    """first, second, out: (shape, scale, zero point)"""
    operands = [tensor(shape, kind, scale, zero) for shape, scale, zero in (first, second)]
    if constant:
        shape, scale, zero = second
        operands[1] = Weights(f"{operation} {kind}").constant(shape, kind, [scale], [zero])
    shape, scale, zero = out
    return single_operator(operation, operands, [tensor(shape, kind, scale, zero)],
                           {} if activation is None else {"activation": activation})


def pool(kind, operation, size, depth, window, stride, padding, activation=NONE, scale=0.027, zero=11):
    result = [-(-s // stride) if padding == SAME else (s - w) // stride + 1
              for s, w in zip(size, window)]
    return single_operator(
        operation, [tensor([1, *size, depth], kind, scale, zero)],
        [tensor([1, *result, depth], kind, scale, zero)],
        {"padding": padding, "stride_w": stride, "stride_h": stride, "filter_h": window[0],
         "filter_w": window[1], "activation": activation})


def unary(kind, operation, shape, scale, zero, out_scale, out_zero, options=None):
    return single_operator(operation, [tensor(shape, kind, scale, zero)],
                           [tensor(shape, kind, out_scale, out_zero)], options)


def resize(kind, operation, size, target, depth, scale=0.05, zero=3, **options):
    return single_operator(
        operation, [tensor([1, *size, depth], kind, scale, zero), int32s(*target)],
        [tensor([1, *target, depth], kind, scale, zero)], options)


def moved(kind, operation, shape, parameters, out, options=None, scale=0.04, zero=6):
    """An operator that only moves bytes, with constant parameters."""
    return single_operator(operation, [tensor(shape, kind, scale, zero), *parameters],
                           [tensor(out, kind, scale, zero)], options)


def split(kind, shape, axis, parts, scale=0.04, zero=6):
    out = [size // parts if i == axis else size for i, size in enumerate(shape)]
    return single_operator("SPLIT", [int32s(axis, shape=[]), tensor(shape, kind, scale, zero)],
                           [tensor(out, kind, scale, zero) for _ in range(parts)],
                           {"num_splits": parts})


def concatenation(kind, shapes, parameters, out, axis, out_parameters):
    return single_operator(
        "CONCATENATION", [tensor(s, kind, *p) for s, p in zip(shapes, parameters)],
        [tensor(out, kind, *out_parameters)], {"axis": axis})


def mean(kind, shape, axes, keep, scale, out_scale, out_zero, operation="MEAN", zero=4):
    out = [1 if i in axes else s for i, s in enumerate(shape) if keep or i not in axes]
    return single_operator(operation, [tensor(shape, kind, scale, zero), int32s(*axes)],
                           [tensor(out, kind, out_scale, out_zero)], {"keep_dims": int(keep)})


def requantize(source, target):
    return single_operator("QUANTIZE", [tensor([1, 6, 5, 7], *source)],
                           [tensor([1, 6, 5, 7], *target)])


def to_float(source):
    return single_operator("DEQUANTIZE", [tensor([1, 6, 5, 7], *source)],
                           [Operand([1, 6, 5, 7], "float32")])


def from_float(target):
    return single_operator("QUANTIZE", [Operand([1, 6, 5, 7], "float32")],
                           [tensor([1, 6, 5, 7], *target)])


def conv_cases():
    return {
        "conv-int8": convolution("a", "int8", (13, 11), 20, 24, (3, 3), per_channel=True),
        "conv-int8-stride2-relu6": convolution("b", "int8", (15, 14), 17, 33, (3, 3), stride=2,
                                               activation=RELU6, per_channel=True, out=(0.0235, -128)),
        "conv-int8-valid": convolution("c", "int8", (12, 9), 8, 5, (5, 3), padding=VALID,
                                       activation=RELU, per_channel=True, out=(0.09, -20)),
        "conv-int8-per-tensor": convolution("d", "int8", (7, 7), 16, 16, (1, 1)),
        "conv-uint8-left-shift": convolution("e", "uint8", (5, 6), 3, 7, (1, 1), out=(0.00009, 120),
                                             spread=1),
        "conv-int8-left-shift": convolution("q", "int8", (5, 6), 3, 7, (1, 1), out=(0.00005, 1),
                                            spread=1),
        "conv-uint8-dilated": convolution("f", "uint8", (16, 15), 12, 10, (3, 3), dilation=2,
                                          out=(0.15, 130)),
        "conv-uint8-even-kernel": convolution("h", "uint8", (9, 10), 6, 18, (4, 2), stride=3,
                                              out=(0.15, 130)),
        "dw-int8": convolution("i", "int8", (14, 13), 21, 0, (3, 3), multiplier=1, per_channel=True),
        "dw-int8-stride2-relu6": convolution("j", "int8", (13, 13), 16, 0, (5, 5), stride=2,
                                             multiplier=1, activation=RELU6, per_channel=True,
                                             out=(0.0235, -128)),
        "dw-uint8-multiplier2": convolution("k", "uint8", (9, 8), 7, 0, (3, 3), multiplier=2,
                                            out=(0.07, 120)),
        "dw-uint8-dilated": convolution("l", "uint8", (17, 12), 10, 0, (3, 3), multiplier=1,
                                        dilation=3, out=(0.07, 120)),
        "dw-int8-valid-multiplier3": convolution("m", "int8", (8, 8), 5, 0, (3, 3), multiplier=3,
                                                 padding=VALID, per_channel=True),
        "conv-int8-groups": convolution("r", "int8", (9, 7), 12, 18, (3, 3), groups=3, per_channel=True),
        "conv-uint8-groups-stride2": convolution("s", "uint8", (9, 10), 8, 40, (3, 3), stride=2, groups=2,
                                                 out=(0.15, 130)),
        "conv-int8-groups-of-one": convolution("t", "int8", (8, 9), 20, 40, (3, 3), groups=20,
                                               per_channel=True, out=(0.07, 4)),
        "fc-int8-per-channel": fully_connected("u", "int8", 65, 37, per_channel=True),
        "fc-int8": fully_connected("n", "int8", 77, 43),
        "fc-int8-relu": fully_connected("o", "int8", 256, 10, RELU),
        "fc-uint8": fully_connected("p", "uint8", 130, 19),
    }


def product_cases():
    return {
        "transpose-conv-int8": transpose_conv("a", "int8", (7, 5), 9, 13, (3, 3), 2, (14, 10),
                                              per_channel=True),
        "transpose-conv-int8-same-channels": transpose_conv("f", "int8", (7, 5), 24, 24, (3, 3), 2, (13, 10),
                                                            per_channel=True, activation=RELU),
        "transpose-conv-int8-valid": transpose_conv("b", "int8", (6, 8), 16, 5, (2, 2), 2, (12, 16), VALID,
                                                    per_channel=True, bias=False),
        "transpose-conv-int8-large": transpose_conv("c", "int8", (9, 8), 3, 20, (5, 4), 3, (27, 24)),
        "transpose-conv-uint8": transpose_conv("d", "uint8", (5, 7), 8, 6, (4, 4), 2, (10, 14)),
        "transpose-conv-int8-stride1": transpose_conv("e", "int8", (6, 6), 8, 18, (3, 3), 1, (6, 6),
                                                      per_channel=True),
        "matmul-int8": matmul([3, 10, 17], [3, 17, 9], [3, 10, 9]),
        "matmul-int8-adj-y": matmul([2, 3, 10, 17], [2, 3, 21, 17], [2, 3, 10, 21], adj_y=1),
        "matmul-int8-adj-x": matmul([3, 17, 10], [3, 17, 9], [3, 10, 9], adj_x=1),
        "matmul-int8-broadcast": matmul([2, 1, 6, 5], [3, 5, 7], [2, 3, 6, 7]),
        "matmul-int8-constant": matmul([2, 40, 33], [33, 50], [2, 40, 50], constant=True),
        "matmul-int8-adj-both": matmul([4, 17, 10], [4, 9, 17], [4, 10, 9], adj_x=1, adj_y=1),
    }


def arithmetic_cases():
    shape, row, one = [1, 9, 7, 13], [1, 1, 1, 13], [1, 1, 1, 1]
    first, second = (shape, 0.031, -3), (shape, 0.017, 12)
    unsigned = (shape, 0.031, 125), (shape, 0.11, 140)
    return {
        "add-int8": binary("int8", "ADD", first, second, (shape, 0.044, 5)),
        "add-int8-relu6": binary("int8", "ADD", first, second, (shape, 0.0235, -128), RELU6),
        "add-uint8": binary("uint8", "ADD", *unsigned, (shape, 0.12, 131)),
        "add-uint8-relu": binary("uint8", "ADD", *unsigned, (shape, 0.12, 131), RELU),
        "add-int8-channels": binary("int8", "ADD", first, (row, 0.017, 12), (shape, 0.044, 5)),
        "add-int8-constant": binary("int8", "ADD", first, (row, 0.017, 0), (shape, 0.044, 5),
                                    constant=True),
        "sub-int8": binary("int8", "SUB", first, second, (shape, 0.05, 5)),
        "sub-uint8": binary("uint8", "SUB", *unsigned, (shape, 0.12, 131)),
        "mul-int8": binary("int8", "MUL", first, second, (shape, 0.07, -1)),
        "mul-uint8-relu": binary("uint8", "MUL", *unsigned, (shape, 0.4, 8), RELU),
        "mul-int8-channels": binary("int8", "MUL", first, (row, 0.017, 12), (shape, 0.07, -1)),
        "mul-uint8-scalar": binary("uint8", "MUL", unsigned[0], (one, 0.02, 100), (shape, 0.08, 90)),
    }


def pool_cases():
    return {
        "average-pool-uint8-same": pool("uint8", "AVERAGE_POOL_2D", (10, 9), 14, (3, 3), 2, SAME),
        "average-pool-int8-same": pool("int8", "AVERAGE_POOL_2D", (10, 9), 14, (3, 3), 1, SAME),
        "average-pool-int8-valid-relu": pool("int8", "AVERAGE_POOL_2D", (8, 8), 6, (4, 2), 2, VALID,
                                             RELU),
        "max-pool-int8-valid": pool("int8", "MAX_POOL_2D", (11, 8), 19, (2, 2), 2, VALID),
        "max-pool-uint8-same": pool("uint8", "MAX_POOL_2D", (11, 8), 19, (3, 3), 2, SAME),
        "max-pool-int8-relu6": pool("int8", "MAX_POOL_2D", (6, 6), 8, (3, 3), 1, SAME, RELU6),
        "mean-int8": mean("int8", [1, 7, 6, 15], (1, 2), True, 0.05, 0.05, 4),
        "mean-int8-rescaled": mean("int8", [1, 7, 6, 15], (1, 2), False, 0.05, 0.021, -9),
        "mean-uint8": mean("uint8", [1, 5, 9, 12], (1, 2), True, 0.05, 0.033, 10),
        "mean-int8-last": mean("int8", [2, 9, 31], (2,), True, 0.05, 0.033, 10),
        "mean-int8-batch": mean("int8", [3, 4, 5, 7], (0,), False, 0.05, 0.033, 10),
        "mean-int8-one": mean("int8", [3, 1, 7], (1,), False, 0.05, 0.033, 10),
        "mean-uint8-number": mean("uint8", [1, 1], (1,), True, 0.05, 0.033, 100),
        "mean-int8-alternate": mean("int8", [3, 4, 5, 7], (0, 2), True, 0.05, 0.033, 10),
        "mean-uint8-alternate": mean("uint8", [3, 4, 5, 7], (1, 3), False, 0.05, 0.033, 100),
        "mean-int8-all": mean("int8", [2, 4, 5, 7], (0, 1, 2, 3), True, 0.05, 0.003, 10),
        "mean-int8-5d": mean("int8", [2, 3, 4, 5, 6], (1, 3), False, 0.05, 0.02, -5),
        "sum-uint8": mean("uint8", [2, 9, 31], (2,), True, 0.05, 1.3, 100, "SUM"),
        "sum-uint8-batch": mean("uint8", [3, 4, 5, 7], (0, 1), False, 0.05, 0.21, 60, "SUM"),
        "mean-uint8-width": mean("uint8", [1, 5, 9, 12], (2,), True, 0.05, 0.033, 10),
    }


def table_cases():
    row, grid, wide = [3, 37], [1, 4, 5, 11], [1, 4, 32, 16]
    return {
        "softmax-uint8": unary("uint8", "SOFTMAX", row, 0.06, 60, 1 / 256, 0, {"beta": 1.0}),
        "softmax-uint8-sharp": unary("uint8", "SOFTMAX", row, 0.9, 128, 1 / 256, 0, {"beta": 1.0}),
        "softmax-uint8-flat": unary("uint8", "SOFTMAX", row, 0.004, 60, 1 / 256, 0, {"beta": 0.5}),
        "softmax-int8": unary("int8", "SOFTMAX", row, 0.11, 20, 1 / 256, -128, {"beta": 1.0}),
        "softmax-int8-4d": unary("int8", "SOFTMAX", grid, 0.07, -8, 1 / 256, -128, {"beta": 1.0}),
        "logistic-int8": unary("int8", "LOGISTIC", grid, 0.043, 17, 1 / 256, -128),
        "logistic-uint8": unary("uint8", "LOGISTIC", grid, 0.09, 117, 1 / 256, 0),
        "tanh-int8": unary("int8", "TANH", grid, 0.03, -11, 1 / 128, 0),
        "tanh-uint8": unary("uint8", "TANH", grid, 0.02, 111, 1 / 128, 128),
        "relu-int8": unary("int8", "RELU", grid, 0.03, -11, 0.021, -100),
        "relu6-uint8": unary("uint8", "RELU6", grid, 0.06, 110, 0.0235, 0),
        "leaky-relu-int8": unary("int8", "LEAKY_RELU", grid, 0.05, -11, 0.04, 3, {"alpha": 0.1}),
        "hard-swish-int8": unary("int8", "HARD_SWISH", grid, 0.05, -11, 0.04, -100),
        "hard-swish-uint8": unary("uint8", "HARD_SWISH", wide, 0.0353, 120, 0.0251, 13),
        "hard-swish-int8-fine": unary("int8", "HARD_SWISH", wide, 0.011, -128, 0.0117, -128),
        "hard-swish-int8-coarse": unary("int8", "HARD_SWISH", wide, 0.3, 2, 0.2, -121),
        "abs-int8": unary("int8", "ABS", wide, 0.04, 5, 0.04, -128),
        "abs-int8-rescaled": unary("int8", "ABS", wide, 0.04, 5, 0.031, -100),
        "exp-int8": unary("int8", "EXP", wide, 0.03, 11, 0.11, -128),
        "rsqrt-int8": unary("int8", "RSQRT", wide, 0.04, -128, 0.05, 3),
        "rsqrt-int8-fine": unary("int8", "RSQRT", wide, 0.0007, -128, 0.21, -100),
        "elu-int8": unary("int8", "ELU", wide, 0.04, 7, 0.03, -90),
        "gelu-int8": unary("int8", "GELU", wide, 0.04, 3, 0.021, -120, {"approximate": 0}),
        "gelu-int8-tanh": unary("int8", "GELU", wide, 0.04, 3, 0.021, -120, {"approximate": 1}),
        "quantize-int8-uint8": requantize(("int8", 0.05, -3), ("uint8", 0.05, 125)),
        "quantize-uint8-int8": requantize(("uint8", 0.05, 100), ("int8", 0.033, 4)),
        "quantize-float-int8": from_float(("int8", 0.125, -5)),
        "quantize-float-uint8": from_float(("uint8", 0.0371, 200)),
        "dequantize-int8": to_float(("int8", 0.0371, -3)),
        "dequantize-uint8": to_float(("uint8", 0.1, 128)),
        "quantize-int8-int8": requantize(("int8", 0.02, 9), ("int8", 0.07, -20)),
    }


def resize_cases():
    cases = {}
    for kind in ("uint8", "int8"):
        for suffix, options in (("", {}), ("-align", {"align_corners": 1}),
                                ("-half-pixel", {"half_pixel": 1})):
            for short, operation in (("bilinear", "RESIZE_BILINEAR"),
                                     ("nearest", "RESIZE_NEAREST_NEIGHBOR")):
                cases[f"resize-{short}-{kind}{suffix}"] = resize(
                    kind, operation, (7, 5), (16, 11), 6, **options)
    cases["resize-bilinear-uint8-down"] = resize("uint8", "RESIZE_BILINEAR", (16, 13), (7, 5), 6)
    return cases


def movement_cases():
    shape = [1, 6, 9, 10]
    strided = {"begin_mask": 1, "end_mask": 9}
    return {
        "concat-int8": concatenation("int8", ([1, 4, 5, 6], [1, 4, 5, 9]), ((0.05, 3), (0.05, 3)),
                                     [1, 4, 5, 15], 3, (0.05, 3)),
        "concat-uint8-rescaled": concatenation(
            "uint8", ([1, 4, 5, 6], [1, 4, 5, 9], [1, 4, 5, 2]),
            ((0.05, 3), (0.021, 130), (0.5, 128)), [1, 4, 5, 17], 3, (0.05, 40)),
        "concat-int8-height": concatenation("int8", ([1, 2, 5, 6], [1, 3, 5, 6]),
                                            ((0.05, 3), (0.05, 3)), [1, 5, 5, 6], -3, (0.05, 3)),
        "pad-int8": moved("int8", "PAD", shape, [int32s(0, 0, 1, 2, 3, 0, 0, 4, shape=[4, 2])],
                          [1, 9, 12, 14]),
        "transpose-int8": moved("int8", "TRANSPOSE", shape, [int32s(0, 3, 1, 2)], [1, 10, 6, 9]),
        "strided-slice-uint8": moved("uint8", "STRIDED_SLICE", shape,
                                     [int32s(0, 1, 2, 0), int32s(1, 6, 9, 10), int32s(1, 2, 3, 1)],
                                     [1, 3, 3, 10], strided),
        "strided-slice-int8-reverse": moved("int8", "STRIDED_SLICE", shape,
                                            [int32s(0, 5, 0, 0), int32s(1, 0, 9, 10),
                                             int32s(1, -1, 1, 1)], [1, 5, 9, 10], {}),
        "split-int8": split("int8", shape, 3, 2),
        "split-uint8-height": split("uint8", shape, 1, 3),
        "reshape-int8": moved("int8", "RESHAPE", shape, [int32s(1, 54, 10)], [1, 54, 10]),
    }


def many(kind, operation, inputs, outputs, options=None, parameters=()):
    """An operator with several inputs or outputs, all of them quantized alike."""
    return single_operator(operation, [tensor(s, kind, 0.05, 4) for s in inputs] + list(parameters),
                           [tensor(s, kind, 0.05, 4) for s in outputs], options)


def prelu(kind, shape, alphas):
    zero = 120 if kind == "uint8" else -7
    alpha = Weights(f"prelu {kind} {alphas}").constant(alphas, kind, [0.004], [zero + 3])
    return single_operator("PRELU", [tensor(shape, kind, 0.05, zero), alpha],
                           [tensor(shape, kind, 0.037, zero + 20)])


def arg(kind, operation, shape, axis, wide=False):
    out = [s for i, s in enumerate(shape) if i != axis % len(shape)]
    return single_operator(operation, [tensor(shape, kind, 0.05, 4), int32s(axis, shape=[])],
                           [Operand(out, "int64" if wide else "int32")], {"output_type": 4 if wide else 2})


def mirror_pad(kind, shape, pads, symmetric):
    out = [s + b + a for s, (b, a) in zip(shape, pads)]
    flat = [n for pair in pads for n in pair]
    return moved(kind, "MIRROR_PAD", shape, [int32s(*flat, shape=[len(shape), 2])], out,
                 {"mode": int(symmetric)})


def compare(kind, operation, first, second, scales=((0.031, -3), (0.044, 5))):
    """Few values, so that many are equal."""
    out = [max(a, b) for a, b in zip(first, second)]
    return single_operator(operation, [tensor(s, kind, *q) for s, q in zip((first, second), scales)],
                           [Operand(out, "bool")])


def select(kind, condition, first, second):
    out = [max(sizes) for sizes in zip(condition, first, second)]
    mask = Weights(f"select {condition}").random
    size = 1
    for dimension in condition:
        size *= dimension
    return single_operator(
        "SELECT_V2", [Operand(condition, "bool", data=bytes(mask.randrange(2) for _ in range(size))),
                      tensor(first, kind, 0.05, 4), tensor(second, kind, 0.05, 4)],
        [tensor(out, kind, 0.05, 4)])


def divide(shape, divisor):
    """By constants that are not 0: 7 is the zero point. With a smaller factor TFLite shifts by more than 31."""
    drawn = Weights(f"divide {divisor}").random
    size = 1
    for dimension in divisor:
        size *= dimension
    data = bytes(drawn.choice([q for q in range(256) if q != 7]) for _ in range(size))
    return single_operator("DIV", [tensor(shape, "uint8", 0.04, 30), tensor(divisor, "uint8", 0.03, 7, data=data)],
                           [tensor(shape, "uint8", 0.005, 60)], {"activation": 0})


def largest(kind, shape, k):
    out = [*shape[:-1], k]
    return single_operator("TOPK_V2", [tensor(shape, kind, 0.05, 4), int32s(k, shape=[])],
                           [tensor(out, kind, 0.05, 4), Operand(out, "int32")])


def cast(shape, source, target):
    """Numbers as they are stored; source, target: (type, scale, zero point) or a type."""
    operands = [tensor(shape, *t) if isinstance(t, tuple) else Operand(shape, t) for t in (source, target)]
    return single_operator("CAST", operands[:1], operands[1:])


def cast_index(kind, shape, target):
    """Of what ARG_MAX found, as classifiers and segmentations end."""
    index, out = Operand(shape[:-1], "int64"), Operand(shape[:-1], target)
    return several_operators([("ARG_MAX", [tensor(shape, kind, 0.05, 4), int32s(-1, shape=[])], [index],
                               {"output_type": 4}), ("CAST", [index], [out], {})])


def float_end(operation, kind, shape, options):
    """A float function behind the quantized part of a model."""
    real, out = Operand(shape, "float32"), Operand(shape, "float32")
    return several_operators([("DEQUANTIZE", [tensor(shape, kind, 0.07, -8 if kind == "int8" else 120)], [real],
                               {}), (operation, [real], [out], options)])


def host_cases():
    """What libaccel computes."""
    grid = [2, 9, 7, 21]
    return {
        "div-uint8": divide(grid, grid),
        "div-uint8-channels": divide(grid, [1, 1, 1, 21]),
        "div-uint8-scalar": divide(grid, [1, 1, 1, 1]),
        "l2-normalization-int8": unary("int8", "L2_NORMALIZATION", grid, 0.05, -7, 1 / 128, 0, {"activation": 0}),
        "l2-normalization-uint8": unary("uint8", "L2_NORMALIZATION", grid, 0.05, 120, 1 / 128, 128,
                                        {"activation": 0}),
        "l2-normalization-int8-long": unary("int8", "L2_NORMALIZATION", [3, 512], 0.02, 11, 1 / 128, 0,
                                            {"activation": 0}),
        "log-softmax-int8": unary("int8", "LOG_SOFTMAX", grid, 0.11, 20, 1 / 16, 127),
        "log-softmax-int8-sharp": unary("int8", "LOG_SOFTMAX", [6, 37], 0.9, -8, 1 / 16, 127),
        "log-softmax-uint8": unary("uint8", "LOG_SOFTMAX", [5, 111], 0.06, 60, 1 / 16, 255),
        "cast-uint8-float": cast(grid, ("uint8", 0.04, 7), "float32"),
        "cast-int8-float": cast(grid, ("int8", 0.04, 7), "float32"),
        "cast-int8-int32": cast(grid, ("int8", 0.04, 7), "int32"),
        "cast-uint8-int64": cast(grid, "uint8", "int64"),
        "cast-int32-int8": cast(grid, "int32", "int8"),
        "cast-int32-float": cast(grid, "int32", "float32"),
        "cast-float-int32": cast(grid, "float32", "int32"),
        "cast-float-int64": cast(grid, "float32", "int64"),
        "cast-index-int32": cast_index("int8", [1, 6, 5, 21], "int32"),
        "cast-index-float": cast_index("uint8", [4, 10], "float32"),
        "softmax-float": float_end("SOFTMAX", "int8", [3, 41], {"beta": 1.0}),
        "softmax-float-beta": float_end("SOFTMAX", "uint8", grid, {"beta": 0.5}),
        "log-softmax-float": float_end("LOG_SOFTMAX", "int8", [3, 41], {}),
        "topk-int8": largest("int8", [2, 5, 300], 7),
        "topk-uint8-all": largest("uint8", [11, 9], 9),
    }


def choice_cases():
    grid, row, same = [1, 9, 32, 13], [1, 1, 1, 13], ((0.031, -3), (0.031, -3))
    comparisons = {f"{operation.lower().replace('_', '-')}-{kind}": compare(kind, operation, grid, grid, scales)
                   for kind, scales in (("int8", same), ("uint8", ((0.031, 120), (0.044, 125))))
                   for operation in ("EQUAL", "NOT_EQUAL", "GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL")}
    return comparisons | {
        "less-int8-channels": compare("int8", "LESS", grid, row),
        "select-int8": select("int8", grid, grid, grid),
        "select-uint8-broadcast": select("uint8", [1, 9, 1, 13], grid, row),
        "squared-difference-int8": binary("int8", "SQUARED_DIFFERENCE", (grid, 0.031, -3), (grid, 0.017, 12),
                                          (grid, 0.14, -120)),
        "squared-difference-int8-channels": binary("int8", "SQUARED_DIFFERENCE", (grid, 0.011, -3),
                                                   (row, 0.017, 12), (grid, 0.021, 3)),
        "arg-max-int8": arg("int8", "ARG_MAX", [2, 5, 7, 21], 3),
        "arg-max-uint8-wide": arg("uint8", "ARG_MAX", [1, 9, 33], -1, True),
        "arg-max-int8-height": arg("int8", "ARG_MAX", [1, 6, 5, 7], 1),
        "arg-min-int8": arg("int8", "ARG_MIN", [2, 5, 300], 2),
        "arg-min-uint8-first": arg("uint8", "ARG_MIN", [9, 6, 4], 0, True),
        "mirror-pad-int8": mirror_pad("int8", [1, 6, 5, 7], [(0, 0), (2, 1), (1, 3), (0, 0)], False),
        "mirror-pad-uint8-symmetric": mirror_pad("uint8", [4, 5, 6], [(1, 0), (2, 2), (0, 3)], True),
    }


def rearrange_cases():
    grid, part = [1, 6, 8, 12], [6, 5, 7]
    value = tensor([1], "int8", 0.05, 4, data=bytes([0xc1]))
    return {
        "minimum-int8": many("int8", "MINIMUM", [grid] * 2, [grid]),
        "maximum-uint8": many("uint8", "MAXIMUM", [grid] * 2, [grid]),
        "maximum-int8-channels": many("int8", "MAXIMUM", [grid, [1, 1, 1, 12]], [grid]),
        "padv2-int8": many("int8", "PADV2", [grid], [[1, 9, 8, 14]], None,
                           [int32s(0, 0, 1, 2, 0, 0, 0, 2, shape=[4, 2]), value]),
        "pack-int8": many("int8", "PACK", [part] * 3, [[6, 3, 5, 7]], {"values_count": 3, "axis": 1}),
        "pack-uint8-last": many("uint8", "PACK", [part] * 2, [[6, 5, 7, 2]],
                                {"values_count": 2, "axis": -1}),
        "unpack-int8": many("int8", "UNPACK", [part], [[6, 7]] * 5, {"num": 5, "axis": 1}),
        "split-v-int8": many("int8", "SPLIT_V", [grid], [[1, 6, 8, 3], [1, 6, 8, 7], [1, 6, 8, 2]],
                             {"num_splits": 3}, [int32s(3, 7, 2), int32s(-1, shape=[])]),
        "gather-uint8": many("uint8", "GATHER", [grid], [[1, 6, 4, 12]], {"axis": 2},
                             [int32s(7, 0, 3, 3)]),
        "gather-int8-one": many("int8", "GATHER", [grid], [[1, 8, 12]], {"axis": -3},
                                [Operand([], "int32", data=(4).to_bytes(4, "little"))]),
        "tile-int8": many("int8", "TILE", [part], [[6, 10, 21]], None, [int32s(1, 2, 3)]),
        "reverse-int8": many("int8", "REVERSE_V2", [grid], [grid], None, [int32s(1)]),
        "reverse-uint8-channels": many("uint8", "REVERSE_V2", [part], [part], None, [int32s(2)]),
        "space-to-depth-int8": many("int8", "SPACE_TO_DEPTH", [[2, 6, 8, 3]], [[2, 3, 4, 12]],
                                    {"block_size": 2}),
        "reduce-max-int8": many("int8", "REDUCE_MAX", [grid], [[1, 12]], {"keep_dims": 0}, [int32s(1, 2)]),
        "reduce-min-uint8-channels": many("uint8", "REDUCE_MIN", [grid], [[1, 6, 8, 1]],
                                          {"keep_dims": 1}, [int32s(-1)]),
        "reduce-max-int8-batch": many("int8", "REDUCE_MAX", [[3, 6, 8, 5]], [[8]], {"keep_dims": 0},
                                      [int32s(0, 1, 3)]),
        "space-to-batch-int8": many("int8", "SPACE_TO_BATCH_ND", [[2, 7, 9, 5]], [[8, 4, 6, 5]], None,
                                    [int32s(2, 2), int32s(1, 0, 1, 2, shape=[2, 2])]),
        "space-to-batch-uint8-wide": many("uint8", "SPACE_TO_BATCH_ND", [[1, 3, 8, 3]], [[16, 3, 2, 3]],
                                          None, [int32s(4, 4), int32s(6, 3, 0, 0, shape=[2, 2])]),
        "batch-to-space-int8": many("int8", "BATCH_TO_SPACE_ND", [[8, 4, 6, 5]], [[2, 7, 9, 5]], None,
                                    [int32s(2, 2), int32s(1, 0, 1, 2, shape=[2, 2])]),
        "prelu-int8": prelu("int8", grid, [1, 1, 12]),
        "prelu-uint8": prelu("uint8", grid, [1, 1, 12]),
        "prelu-int8-one": prelu("int8", grid, [1]),
        "depth-to-space-uint8": many("uint8", "DEPTH_TO_SPACE", [grid], [[1, 12, 16, 3]],
                                     {"block_size": 2}),
    }


def cases():
    """Name -> bytes of a model."""
    return {f"op-{name}": model for make in (
        conv_cases, product_cases, arithmetic_cases, pool_cases, table_cases, resize_cases, movement_cases,
        rearrange_cases, choice_cases, host_cases)
            for name, model in make().items()}
