# SPDX-License-Identifier: MIT
"""Models with one float (or integer) operator each, for the comparison of the float reference with TFLite.

Model: cases() maps a name to (bytes of a TFLite file, how near the results must be). EXACT: elements that are
only moved, integers, truth values. NEAR: a function of each element. SUM: sums of many products, in any order.
"""

import random
import struct

from tflite_writer import Operand, int32s, single_operator

EXACT, NEAR, SUM = "exact", "near", "sum"
# TFLite's reference resolver lacks these; they have one kernel only.
NOT_IN_REFERENCE = ("CEIL", "ROUND", "ELU", "CUMSUM")
SAME, VALID = 0, 1
NONE, RELU, RELU_N1_TO_1, RELU6 = range(4)
GRID = [2, 7, 9, 10]


def real(*shape):
    return Operand(list(shape), "float32")


def of(kind, *shape):
    return Operand(list(shape), kind)


def constant(*shape):
    """Seeded floats, in eighths."""
    generator = random.Random(str(shape))
    size = 1
    for dimension in shape:
        size *= dimension
    values = [generator.randrange(-16, 17) / 8 for _ in range(size)]
    return Operand(list(shape), "float32", data=struct.pack(f"<{size}f", *values))


def scalar(value):
    return int32s(value, shape=[])


def windows(size, kernel, stride, dilation, padding):
    reach = [(k - 1) * dilation + 1 for k in kernel]
    return [-(-s // stride) if padding == SAME else (s - r) // stride + 1 for s, r in zip(size, reach)]


def convolution(size, depth, channels, kernel, stride=1, dilation=1, padding=SAME, activation=NONE, groups=1,
                multiplier=None, bias=True, batch=1, weights_given=False):
    depthwise = multiplier is not None
    channels = depth * multiplier if depthwise else channels
    shape = [1, *kernel, channels] if depthwise else [channels, *kernel, depth // groups]
    weights = real(*shape) if weights_given else constant(*shape)
    out = windows(size, kernel, stride, dilation, padding)
    options = {"padding": padding, "stride_w": stride, "stride_h": stride, "activation": activation,
               "dilation_w": dilation, "dilation_h": dilation}
    if depthwise:
        options["multiplier"] = multiplier
    return single_operator("DEPTHWISE_CONV_2D" if depthwise else "CONV_2D",
                           [real(batch, *size, depth), weights] + ([constant(channels)] if bias else []),
                           [real(batch, *out, channels)], options), SUM


def transposed(size, depth, channels, kernel, stride, padding, out, bias=True):
    return single_operator(
        "TRANSPOSE_CONV",
        [int32s(2, *out, channels), constant(channels, *kernel, depth), real(2, *size, depth)] +
        ([constant(channels)] if bias else []), [real(2, *out, channels)],
        {"padding": padding, "stride_w": stride, "stride_h": stride, "activation": NONE}), SUM


def conv_cases():
    return {
        "conv-1x1": convolution((5, 7), 19, 21, (1, 1)),
        "conv-3x3": convolution((9, 8), 5, 18, (3, 3), activation=RELU6, batch=2),
        "conv-even-kernel": convolution((9, 8), 5, 7, (2, 4), activation=RELU),
        "conv-stride": convolution((11, 10), 6, 8, (3, 5), stride=2),
        "conv-valid-dilated": convolution((13, 12), 4, 6, (3, 3), dilation=3, padding=VALID),
        "conv-same-dilated": convolution((13, 12), 4, 6, (3, 2), dilation=2, activation=RELU_N1_TO_1),
        "conv-groups": convolution((6, 7), 12, 9, (3, 3), groups=3),
        "conv-weights-given": convolution((6, 7), 3, 5, (3, 3), weights_given=True),
        "depthwise": convolution((9, 8), 17, 0, (3, 3), multiplier=1, activation=RELU6),
        "depthwise-stride": convolution((9, 8), 6, 0, (5, 3), stride=2, multiplier=1, batch=2),
        "depthwise-multiplier": convolution((9, 8), 5, 0, (3, 3), multiplier=4, padding=VALID),
        "depthwise-dilated": convolution((12, 11), 8, 0, (3, 3), dilation=2, multiplier=1, bias=False),
        "transposed-valid": transposed((4, 5), 3, 6, (3, 3), 2, VALID, (9, 11)),
        "transposed-same": transposed((4, 5), 3, 6, (3, 3), 2, SAME, (8, 10)),
        "transposed-wide": transposed((4, 5), 7, 2, (2, 2), 2, VALID, (8, 10), bias=False),
    }


def dense_cases():
    def dense(shape, channels, out, bias=True, **options):
        depth = shape[-1]
        return single_operator("FULLY_CONNECTED", [real(*shape), constant(channels, depth)] +
                               ([constant(channels)] if bias else []), [real(*out)], options), SUM

    def product(a, b, out, **options):
        return single_operator("BATCH_MATMUL", [real(*a), real(*b)], [real(*out)], options), SUM
    return {
        "fully-connected": dense((3, 37), 11, (3, 11), activation=RELU),
        "fully-connected-dims": dense((2, 3, 5, 8), 6, (2, 3, 5, 6), keep_num_dims=1),
        "fully-connected-flat": dense((2, 3, 8), 6, (6, 6), bias=False),
        "matmul": product((2, 4, 5), (2, 5, 3), (2, 4, 3)),
        "matmul-transposed": product((3, 5, 4), (3, 6, 5), (3, 4, 6), adj_x=1, adj_y=1),
        "matmul-broadcast": product((3, 1, 4, 5), (1, 2, 5, 3), (3, 2, 4, 3)),
        "matmul-ranks": product((4, 3, 5), (5, 7), (4, 3, 7)),
    }


def pool_cases():
    def pool(name, size, window, stride, padding, activation=NONE):
        return single_operator(name, [real(2, *size, 19)],
                               [real(2, *windows(size, window, stride, 1, padding), 19)],
                               {"padding": padding, "stride_w": stride, "stride_h": stride,
                                "filter_h": window[0], "filter_w": window[1], "activation": activation})
    return {
        "average-pool": (pool("AVERAGE_POOL_2D", (8, 9), (3, 2), 1, VALID), SUM),
        "average-pool-same": (pool("AVERAGE_POOL_2D", (8, 9), (3, 3), 2, SAME, RELU), SUM),
        "max-pool": (pool("MAX_POOL_2D", (8, 9), (2, 2), 2, VALID), EXACT),
        "max-pool-same": (pool("MAX_POOL_2D", (8, 9), (3, 5), 2, SAME, RELU6), EXACT),
    }


def arithmetic_cases():
    def both(name, first, second, out, kind="float32", to=None, **options):
        return single_operator(name, [of(kind, *first), of(kind, *second)], [of(to or kind, *out)], options)
    cases = {}
    for name in ("ADD", "SUB", "MUL", "DIV", "MAXIMUM", "MINIMUM", "SQUARED_DIFFERENCE", "POW"):
        near = NEAR if name in ("DIV", "POW") else EXACT
        short = name.lower().replace("_", "-")
        cases[short] = both(name, GRID, GRID, GRID), near
        cases[f"{short}-channels"] = both(name, GRID, [10], GRID), near
        cases[f"{short}-both"] = both(name, [2, 1, 9, 1], [7, 1, 10], GRID), near
        if name not in ("DIV", "POW"):
            cases[f"{short}-int32"] = both(name, GRID, [1], GRID, "int32"), EXACT
    cases["add-relu"] = both("ADD", GRID, GRID, GRID, activation=RELU), EXACT
    for name in ("EQUAL", "NOT_EQUAL", "LESS", "LESS_EQUAL", "GREATER", "GREATER_EQUAL"):
        short = name.lower().replace("_", "-")
        for kind in ("float32", "int32", "int64"):
            cases[f"{short}-{kind}"] = both(name, GRID, [9, 1], GRID, kind, "bool"), EXACT
    cases["equal-bool"] = both("EQUAL", GRID, GRID, GRID, "bool"), EXACT
    cases["logical-and"] = both("LOGICAL_AND", GRID, [10], GRID, "bool"), EXACT
    cases["logical-or"] = both("LOGICAL_OR", GRID, GRID, GRID, "bool"), EXACT
    cases["logical-not"] = single_operator("LOGICAL_NOT", [of("bool", *GRID)], [of("bool", *GRID)]), EXACT
    cases["select"] = single_operator("SELECT_V2", [of("bool", 7, 1, 10), real(*GRID), real(9, 1)],
                                      [real(*GRID)]), EXACT
    cases["prelu"] = single_operator("PRELU", [real(*GRID), constant(10)], [real(*GRID)]), EXACT
    cases["prelu-rows"] = single_operator("PRELU", [real(*GRID), constant(7, 1, 10)], [real(*GRID)]), EXACT
    return cases


def function_cases():
    exact = ("ABS", "CEIL", "FLOOR", "LEAKY_RELU", "NEG", "RELU", "RELU6", "RELU_N1_TO_1", "ROUND", "SQUARE")
    near = ("COS", "ELU", "EXP", "GELU", "HARD_SWISH", "LOGISTIC", "LOG", "RSQRT", "SIN", "SQRT", "TANH")
    options = {"LEAKY_RELU": {"alpha": 0.1}, "GELU": {"approximate": 0}}
    cases = {name.lower().replace("_", "-"):
             (single_operator(name, [real(*GRID)], [real(*GRID)], options.get(name)), closeness)
             for names, closeness in ((exact, EXACT), (near, NEAR)) for name in names}
    cases["gelu-tanh"] = single_operator("GELU", [real(*GRID)], [real(*GRID)], {"approximate": 1}), NEAR
    for name, row in (("SOFTMAX", [3, 37]), ("SOFTMAX", GRID), ("LOG_SOFTMAX", [5, 12]),
                      ("L2_NORMALIZATION", [4, 16])):
        short = f"{name.lower().replace('_', '-')}-{len(row)}d"
        beta = {"beta": 0.7} if name == "SOFTMAX" else None
        cases[short] = single_operator(name, [real(*row)], [real(*row)], beta), NEAR
    return cases


def reduce_cases():
    cases = {}
    for name, near in (("MEAN", SUM), ("SUM", SUM), ("REDUCE_PROD", NEAR), ("REDUCE_MAX", EXACT),
                       ("REDUCE_MIN", EXACT)):
        short = name.lower().replace("_", "-")
        cases[f"{short}-space"] = single_operator(name, [real(*GRID), int32s(1, 2)], [real(2, 1, 1, 10)],
                                                  {"keep_dims": 1}), near
        cases[f"{short}-channels"] = single_operator(name, [real(*GRID), int32s(-1)], [real(2, 7, 9)],
                                                     {"keep_dims": 0}), near
        cases[f"{short}-int32"] = single_operator(name, [of("int32", 3, 4), int32s(0)], [of("int32", 4)],
                                                  {"keep_dims": 0}), EXACT
    for name in ("ARG_MAX", "ARG_MIN"):
        short = name.lower().replace("_", "-")
        for axis, out in ((3, [2, 7, 9]), (1, [2, 9, 10])):
            cases[f"{short}-{axis}"] = single_operator(
                name, [real(*GRID), scalar(axis)], [of("int32", *out)], {"output_type": 2}), EXACT
    cases["top-k"] = single_operator("TOPK_V2", [real(3, 20), scalar(4)],
                                     [real(3, 4), of("int32", 3, 4)]), EXACT
    for exclusive in (0, 1):
        for reverse in (0, 1):
            cases[f"cumsum-{exclusive}{reverse}"] = single_operator(
                "CUMSUM", [real(*GRID), scalar(2)], [real(*GRID)],
                {"exclusive": exclusive, "reverse": reverse}), SUM
    return cases


def movement_cases():
    def moved(name, shape, parameters, out, options=None, kind="float32"):
        return single_operator(name, [of(kind, *shape), *parameters], [of(kind, *out)], options), EXACT

    def joined(name, shapes, out, options):
        return single_operator(name, [real(*s) for s in shapes], [real(*out)], options), EXACT

    def parts(name, operands, shapes, options):
        return single_operator(name, operands, [real(*s) for s in shapes], options), EXACT
    pads = int32s(0, 0, 1, 2, 3, 0, 0, 4, shape=[4, 2])
    value = Operand([], "float32", data=struct.pack("<f", -2.5))
    resized = {}
    for short, name in (("bilinear", "RESIZE_BILINEAR"), ("nearest", "RESIZE_NEAREST_NEIGHBOR")):
        for suffix, options in (("", {}), ("-align", {"align_corners": 1}), ("-half-pixel", {"half_pixel": 1})):
            for target in ((16, 11), (4, 9)):
                resized[f"resize-{short}{suffix}-{target[0]}"] = single_operator(
                    name, [real(2, 7, 5, 6), int32s(*target)], [real(2, *target, 6)], options), \
                    NEAR if short == "bilinear" else EXACT
    return resized | {
        "concatenation": joined("CONCATENATION", ([2, 4, 5], [2, 4, 9]), [2, 4, 14], {"axis": -1}),
        "concatenation-first": joined("CONCATENATION", ([2, 4], [1, 4], [3, 4]), [6, 4], {"axis": 0}),
        "pack": joined("PACK", ([3, 4], [3, 4]), [3, 2, 4], {"values_count": 2, "axis": 1}),
        "unpack": parts("UNPACK", [real(3, 2, 4)], [[3, 4]] * 2, {"num": 2, "axis": 1}),
        "split": parts("SPLIT", [scalar(3), real(*GRID)], [[2, 7, 9, 5]] * 2, {"num_splits": 2}),
        "split-v": parts("SPLIT_V", [real(*GRID), int32s(1, 6, 3), scalar(3)],
                         [[2, 7, 9, n] for n in (1, 6, 3)], {"num_splits": 3}),
        "reshape": moved("RESHAPE", GRID, [int32s(14, 90)], [14, 90]),
        "reshape-open": moved("RESHAPE", GRID, [int32s(14, -1)], [14, 90]),
        "squeeze": moved("SQUEEZE", [1, 7, 1, 3], [], [7, 3]),
        "expand-dims": moved("EXPAND_DIMS", [7, 3], [scalar(1)], [7, 1, 3]),
        "transpose": moved("TRANSPOSE", GRID, [int32s(3, 0, 2, 1)], [10, 2, 9, 7]),
        "transpose-int64": moved("TRANSPOSE", [4, 5, 6], [int32s(2, 0, 1)], [6, 4, 5], None, "int64"),
        "pad": moved("PAD", GRID, [pads], [2, 10, 12, 14]),
        "pad-value": moved("PADV2", GRID, [pads, value], [2, 10, 12, 14]),
        "mirror-reflect": moved("MIRROR_PAD", GRID, [pads], [2, 10, 12, 14], {"mode": 0}),
        "mirror-symmetric": moved("MIRROR_PAD", GRID, [pads], [2, 10, 12, 14], {"mode": 1}),
        "slice": moved("SLICE", GRID, [int32s(0, 2, 3, 1), int32s(1, -1, 4, 9)], [1, 5, 4, 9]),
        "strided-slice": moved("STRIDED_SLICE", GRID, [int32s(0, 1, 2, 0), int32s(1, 6, 9, 10),
                                                       int32s(1, 2, 3, 1)], [2, 3, 3, 10],
                               {"begin_mask": 1, "end_mask": 9}),
        "strided-slice-back": moved("STRIDED_SLICE", GRID, [int32s(1, 6, -1, 7), int32s(-3, 0, -10, 2),
                                                            int32s(-1, -2, -3, -1)], [2, 3, 3, 5], {}),
        "strided-slice-shrink": moved("STRIDED_SLICE", GRID, [int32s(0, 3, 0, -2), int32s(2, 4, 9, -1),
                                                              int32s(1, 1, 1, 1)], [2, 9], {"shrink": 10}),
        "strided-slice-new": moved("STRIDED_SLICE", [4, 5], [int32s(0, 0, 1), int32s(4, 1, 5),
                                                             int32s(1, 1, 1)], [4, 1, 4], {"new_axis": 2}),
        "strided-slice-rest": moved("STRIDED_SLICE", GRID, [int32s(0, 0, 1), int32s(1, 1, 4),
                                                            int32s(1, 1, 1)], [1, 7, 9, 3], {"ellipsis": 2}),
        "gather": moved("GATHER", GRID, [int32s(7, 0, 3, 3)], [2, 7, 4, 10], {"axis": 2}),
        "gather-table": moved("GATHER", [6, 5], [int32s(1, 0, 5, 2, shape=[2, 2])], [2, 2, 5], {"axis": 0}),
        "gather-batch": moved("GATHER", [2, 6, 5], [int32s(1, 0, 5, 2, shape=[2, 2])], [2, 2, 5],
                              {"axis": 1, "batch_dims": 1}),
        "tile": moved("TILE", [2, 3, 4], [int32s(2, 1, 3)], [4, 3, 12]),
        "reverse": moved("REVERSE_V2", GRID, [int32s(2)], GRID),
        "space-to-depth": moved("SPACE_TO_DEPTH", [2, 6, 8, 3], [], [2, 3, 4, 12], {"block_size": 2}),
        "depth-to-space": moved("DEPTH_TO_SPACE", [2, 3, 4, 12], [], [2, 6, 8, 3], {"block_size": 2}),
        "space-to-batch": moved("SPACE_TO_BATCH_ND", [2, 7, 9, 5],
                                [int32s(2, 3), int32s(1, 0, 1, 2, shape=[2, 2])], [12, 4, 4, 5]),
        "batch-to-space": moved("BATCH_TO_SPACE_ND", [12, 4, 4, 5],
                                [int32s(2, 3), int32s(1, 0, 1, 2, shape=[2, 2])], [2, 7, 9, 5]),
    }


def type_cases():
    def cast(a, b):
        return single_operator("CAST", [of(a, *GRID)], [of(b, *GRID)]), EXACT
    pairs = (("float32", "int32"), ("int32", "float32"), ("float32", "bool"), ("bool", "float32"),
             ("int64", "int32"), ("int32", "int64"), ("uint8", "float32"))
    cases = {f"cast-{a}-{b}": cast(a, b) for a, b in pairs}
    for kind in ("int8", "uint8"):
        small = Operand(GRID, kind, 0.043, 5)
        cases[f"dequantize-{kind}"] = single_operator("DEQUANTIZE", [small], [real(*GRID)]), EXACT
        cases[f"quantize-{kind}"] = single_operator("QUANTIZE", [real(*GRID)], [small]), EXACT
    return cases


def cases():
    """Name -> (bytes of a model, EXACT, NEAR or SUM)."""
    return {name: case for make in (conv_cases, dense_cases, pool_cases, arithmetic_cases, function_cases,
                                    reduce_cases, movement_cases, type_cases)
            for name, case in make().items()}
