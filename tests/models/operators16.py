# SPDX-License-Identifier: MIT
"""Single operators on int16 activations, as TensorFlow Lite's 16x8 quantization has them, and on int4 weights.

Model: cases() maps a name to the bytes of a TFLite file, as operators.py does: int8 weights, int64 biases,
zero points of 0.
"""

import math
import struct

from operators import (NONE, RELU, RELU6, SAME, VALID, Weights, binary, concatenation, mean, moved, pool,
                       requantize, resize, split, tensor, unary)
from tflite_writer import int32s, single_operator

IN, OUT = 0.00031, 0.0041


def with_weights(name, operation, shape, weights, out, *, axis=0, activation=NONE, out_scale=OUT, first=(),
                 per_channel=True, **options):
    """An operator with int8 weights of this shape; the first operands come before them."""
    seeded = Weights(f"16 {name}")
    channels = weights[axis]
    scale = seeded.scales(channels) if per_channel else [0.0047]
    constant = seeded.constant(weights, "int8", scale, [0] * len(scale), axis)
    values = [seeded.random.randint(-500000, 500000) for _ in range(channels)]
    bias = tensor([channels], "int64", [IN * s for s in scale], [0] * len(scale),
                  data=struct.pack(f"<{channels}q", *values))
    data = tensor(shape, "int16", IN, 0)
    inputs = [*first, constant, data, bias] if first else [data, constant, bias]
    return single_operator(operation, inputs, [tensor(out, "int16", out_scale, 0)],
                           {"activation": activation, **options})


def window(stride=1, padding=SAME, dilation=1):
    return {"padding": padding, "stride_w": stride, "stride_h": stride, "dilation_w": dilation,
            "dilation_h": dilation}


def conv_cases():
    return {
        "conv": with_weights("a", "CONV_2D", [1, 13, 11, 20], [24, 3, 3, 20], [1, 13, 11, 24], **window()),
        "conv-stride2-relu6": with_weights("b", "CONV_2D", [1, 15, 14, 17], [33, 3, 3, 17], [1, 8, 7, 33],
                                           activation=RELU6, out_scale=0.00019, **window(2)),
        "conv-valid-relu": with_weights("c", "CONV_2D", [1, 12, 9, 8], [5, 5, 3, 8], [1, 8, 7, 5],
                                        activation=RELU, **window(padding=VALID)),
        "conv-deep": with_weights("d", "CONV_2D", [1, 6, 5, 700], [40, 1, 1, 700], [1, 6, 5, 40], **window()),
        "dw": with_weights("e", "DEPTHWISE_CONV_2D", [1, 14, 13, 21], [1, 3, 3, 21], [1, 14, 13, 21], axis=3,
                           out_scale=0.0009, multiplier=1, **window()),
        "dw-stride2-multiplier2": with_weights("f", "DEPTHWISE_CONV_2D", [1, 9, 8, 7], [1, 3, 3, 14],
                                               [1, 5, 4, 14], axis=3, out_scale=0.0009, multiplier=2, **window(2)),
        "fc": with_weights("g", "FULLY_CONNECTED", [1, 77], [43, 77], [1, 43], per_channel=False),
        "transpose-conv": with_weights("h", "TRANSPOSE_CONV", [1, 7, 5, 9], [13, 3, 3, 9], [1, 14, 10, 13],
                                       first=[int32s(1, 14, 10, 13)], padding=SAME, stride_w=2, stride_h=2),
        "matmul": single_operator("BATCH_MATMUL", [tensor([3, 10, 17], "int16", 0.00031, 0),
                                                   tensor([3, 17, 9], "int16", 0.00017, 0)],
                                  [tensor([3, 10, 9], "int16", 0.0021, 0)], {}),
        "matmul-adj-x": single_operator("BATCH_MATMUL", [tensor([3, 17, 10], "int16", 0.00031, 0),
                                                         tensor([3, 17, 9], "int16", 0.00017, 0)],
                                        [tensor([3, 10, 9], "int16", 0.0021, 0)], {"adj_x": 1}),
    }


def element_cases():
    shape, row, grid = [1, 9, 7, 13], [1, 1, 1, 13], [1, 4, 5, 11]
    first, second = (shape, 0.00031, 0), (shape, 0.00017, 0)
    return {
        "add": binary("int16", "ADD", first, second, (shape, 0.00044, 0), NONE),
        "add-relu6": binary("int16", "ADD", first, second, (shape, 0.0002, 0), RELU6),
        "add-channels": binary("int16", "ADD", first, (row, 0.00017, 0), (shape, 0.00044, 0), NONE),
        "sub": binary("int16", "SUB", first, second, (shape, 0.0005, 0), NONE),
        "mul": binary("int16", "MUL", first, second, (shape, 0.0017, 0), NONE),
        "mul-channels": binary("int16", "MUL", first, (row, 0.00017, 0), (shape, 0.0007, 0), NONE),
        "relu": unary("int16", "RELU", grid, 0.0003, 0, 0.00021, 0),
        "relu6": unary("int16", "RELU6", grid, 0.0006, 0, 0.0002, 0),
        "quantize-int16-int8": requantize(("int16", 0.0002, 0), ("int8", 0.033, 4)),
        "quantize-int16-int16": requantize(("int16", 0.0002, 0), ("int16", 0.00033, 0)),
        "max": binary("int16", "MAXIMUM", first, first, first),
    }


def move_cases():
    shape, same = [1, 6, 9, 10], (0.0004, 0)
    pooled = [pool("int16", kind, (10, 9), 14, (3, 3), 2, SAME, scale=0.0004, zero=0)
              for kind in ("AVERAGE_POOL_2D", "MAX_POOL_2D")]
    quantization = {"scale": 0.0004, "zero": 0}
    return {
        "average-pool": pooled[0],
        "max-pool": pooled[1],
        "average-pool-global": pool("int16", "AVERAGE_POOL_2D", (7, 7), 40, (7, 7), 1, VALID, scale=0.0004, zero=0),
        "concatenation": concatenation("int16", [[1, 6, 9, 4], [1, 6, 9, 7]], [same, same], [1, 6, 9, 11], 3, same),
        "concatenation-rows": concatenation("int16", [[1, 2, 9, 5], [1, 3, 9, 5]], [same, same], [1, 5, 9, 5], 1, same),
        "reshape": moved("int16", "RESHAPE", shape, [int32s(6, 90)], [6, 90], **quantization),
        "pad": moved("int16", "PAD", shape, [int32s(0, 0, 1, 2, 3, 0, 0, 2, shape=[4, 2])], [1, 9, 12, 12], **quantization),
        "transpose": moved("int16", "TRANSPOSE", shape, [int32s(0, 3, 1, 2)], [1, 10, 6, 9], **quantization),
        "slice": moved("int16", "SLICE", shape, [int32s(0, 1, 2, 3), int32s(1, 4, 5, 6)], [1, 4, 5, 6], **quantization),
        "strided-slice": moved("int16", "STRIDED_SLICE", shape,
                               [int32s(0, 1, 0, 0), int32s(1, 6, 9, 10), int32s(1, 2, 3, 1)], [1, 3, 3, 10],
                               **quantization),
        "split": split("int16", shape, 3, 2, **quantization),
        "resize-bilinear": resize("int16", "RESIZE_BILINEAR", (7, 5), (16, 11), 6, **quantization),
        "resize-nearest": resize("int16", "RESIZE_NEAREST_NEIGHBOR", (7, 5), (16, 11), 6, **quantization),
        "mean": mean("int16", [1, 7, 6, 15], (1, 2), True, 0.0005, 0.0003, 0, zero=0),
    }


def with_nibbles(name, operation, shape, weights, out, *, axis=0, **options):
    """An int8 operator with weights of 4 bits, two to a byte."""
    seeded = Weights(f"4 {name}")
    scale = seeded.scales(weights[axis])
    values = [seeded.random.randint(-7, 7) & 0xf for _ in range(math.prod(weights))]
    data = bytes(low | high << 4 for low, high in zip(values[::2], [*values[1::2], 0]))
    constant = tensor(weights, "int4", scale, [0] * len(scale), data=data, axis=axis)
    inputs = [tensor(shape, "int8", 0.031, -7), constant,
              seeded.bias(weights[axis], [0.031 * s for s in scale], 400)]
    return single_operator(operation, inputs, [tensor(out, "int8", 0.021, 3)], options)


def nibble_cases():
    return {
        "conv": with_nibbles("a", "CONV_2D", [1, 13, 11, 20], [24, 3, 3, 20], [1, 13, 11, 24], **window()),
        "conv-odd": with_nibbles("b", "CONV_2D", [1, 7, 6, 17], [33, 3, 3, 17], [1, 4, 3, 33], **window(2)),
        "dw": with_nibbles("c", "DEPTHWISE_CONV_2D", [1, 14, 13, 21], [1, 3, 3, 21], [1, 14, 13, 21], axis=3,
                           multiplier=1, **window()),
    }


def cases():
    """Name -> bytes of a model."""
    wide = {f"op16-{name}": model for make in (conv_cases, element_cases, move_cases)
            for name, model in make().items()}
    return wide | {f"op4-{name}": model for name, model in nibble_cases().items()}
