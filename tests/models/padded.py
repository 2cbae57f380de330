# SPDX-License-Identifier: MIT
"""Windows with paddings that TFLite's SAME and VALID can't say.

Model: the truth is TFLite's VALID operator over an input that was padded here, with zero points for convolutions
and averages that count their padding, with the lowest value for maxima. Averages that don't count it
are computed here, in integers.
"""

from operators import NONE, VALID, RELU, Weights, tensor
from real_functions import Case, Quantized, RANGE, graph, tensor_line
from tflite_writer import single_operator

EXPLICIT = 2  # enum padding of tools/compiler/ir/graph.h


def pad_bytes(data, shape, pads, value):
    """NHWC bytes with rows and columns around them; pads: top, left, bottom, right."""
    _, height, width, depth = shape
    top, left, bottom, right = pads
    value = bytes([value & 0xff])
    full = (left + width + right) * depth
    rows = [value * (left * depth) + data[y * width * depth:(y + 1) * width * depth]
            + value * (right * depth) for y in range(height)]
    return value * (top * full) + b"".join(rows) + value * (bottom * full)


class Padded(Case):
    """The oracle's answer for the padded input is the truth."""

    def __init__(self, text, shape, pads, value, reference):
        super().__init__(text, [shape], None)
        self.pads, self.value, self.reference = pads, value, reference

    def reference_inputs(self, inputs):
        return [pad_bytes(inputs[0], self.inputs[0], self.pads, self.value)]


def pad_fields(pads):
    return " ".join(f"pad_{side}={n}" for side, n in zip(("top", "left", "bottom", "right"), pads))


def outer(size, pads):
    return size[0] + pads[0] + pads[2], size[1] + pads[1] + pads[3]


def result_size(size, pads, kernel, stride, dilation=1):
    return [(s - (k - 1) * dilation - 1) // stride + 1 for s, k in zip(outer(size, pads), kernel)]


def convolution(name, kind, size, depth, channels, kernel, pads, stride=1, dilation=1, depthwise=False,
                groups=1):
    weights = Weights(f"padded {name}")
    shape = [1, *kernel, channels] if depthwise else [channels, *kernel, depth // groups]
    source, target = Quantized(kind, 0.031, -7 if kind == "int8" else 121), Quantized(kind, 0.17, 3)
    scales = weights.scales(channels) if kind == "int8" else [0.0047]
    constant = weights.constant(shape, kind, scales, [0 if kind == "int8" else 113] * len(scales),
                                3 if depthwise else 0)
    bias = weights.bias(channels, [source.scale * s for s in scales])
    operation = "DEPTHWISE_CONV_2D" if depthwise else "CONV_2D"
    out = [1, *result_size(size, pads, kernel, stride, dilation), channels]
    options = {"padding": VALID, "stride_w": stride, "stride_h": stride, "activation": RELU,
               "dilation_w": dilation, "dilation_h": dilation}
    reference = single_operator(
        operation, [tensor([1, *outer(size, pads), depth], kind, source.scale, source.zero), constant, bias],
        [tensor(out, kind, target.scale, target.zero)], options)
    dims = ",".join(map(str, shape))
    text = graph(
        [tensor_line("in", source, [1, *size, depth]), tensor_line("out", target, out),
         f"tensor w {kind} {dims} {','.join(map(str, scales))} {constant.zero[0]} {constant.data.hex()}"
         + f" {3 if depthwise else 0}",
         f"tensor b int32 {channels} - 0 {bias.data.hex()}"],
        [f"op {operation} in,w,b out padding={EXPLICIT} stride_h={stride} stride_w={stride} "
         f"dilation_h={dilation} dilation_w={dilation} activation=1 {pad_fields(pads)}"], ["in"], ["out"])
    return Padded(text, [1, *size, depth], pads, source.zero, reference)


def pool_text(operation, q, size, depth, window, stride, pads, out, **more):
    extra = "".join(f" {k}={v}" for k, v in more.items())
    return graph([tensor_line("in", q, [1, *size, depth]), tensor_line("out", q, out)],
                 [f"op {operation} in out padding={EXPLICIT} stride_h={stride} stride_w={stride} "
                  f"filter_h={window[0]} filter_w={window[1]} dilation_h=1 dilation_w=1 "
                  f"{pad_fields(pads)}{extra}"], ["in"], ["out"])


def pool(kind, operation, size, depth, window, stride, pads, count_pads=0):
    q = Quantized(kind, 0.027, 11)
    out = [1, *result_size(size, pads, window, stride), depth]
    reference = single_operator(
        operation, [tensor([1, *outer(size, pads), depth], kind, q.scale, q.zero)],
        [tensor(out, kind, q.scale, q.zero)],
        {"padding": VALID, "stride_w": stride, "stride_h": stride, "filter_h": window[0],
         "filter_w": window[1], "activation": NONE})
    text = pool_text(operation, q, size, depth, window, stride, pads, out, count_pads=count_pads)
    value = RANGE[kind][0] if operation == "MAX_POOL_2D" else q.zero
    return Padded(text, [1, *size, depth], pads, value, reference)


def quotient(total, n):
    """TFLite's average of raw values: half away from zero."""
    rounded = (abs(total) + n // 2) // n
    return rounded if total >= 0 else -rounded


def average(kind, size, depth, window, stride, pads):
    """Of what lies inside alone."""
    q = Quantized(kind, 0.027, 11)
    rows, columns = result_size(size, pads, window, stride)

    def truth(inputs):
        values, answer = q.values(inputs[0]), []
        for y in range(rows):
            ys = [i for i in range(y * stride - pads[0], y * stride - pads[0] + window[0])
                  if 0 <= i < size[0]]
            for x in range(columns):
                xs = [i for i in range(x * stride - pads[1], x * stride - pads[1] + window[1])
                      if 0 <= i < size[1]]
                for c in range(depth):
                    inside = [values[(i * size[1] + j) * depth + c] for i in ys for j in xs]
                    answer.append(quotient(sum(inside), len(inside)))
        return [q.bytes(answer)]
    text = pool_text("AVERAGE_POOL_2D", q, size, depth, window, stride, pads, [1, rows, columns, depth])
    return Case(text, [[1, *size, depth]], truth)


def cases():
    """Name -> Case."""
    return {f"pad-{name}": case for name, case in {
        "conv-int8": convolution("a", "int8", (9, 11), 7, 20, (3, 3), (1, 1, 1, 1), stride=2),
        "conv-uint8-uneven": convolution("b", "uint8", (8, 10), 5, 9, (3, 4), (2, 0, 0, 3)),
        "conv-int8-dilated": convolution("c", "int8", (12, 9), 6, 17, (3, 3), (2, 2, 2, 2), dilation=2),
        "conv-int8-groups": convolution("d", "int8", (7, 9), 12, 24, (3, 3), (1, 0, 2, 1), groups=4),
        "dw-int8": convolution("e", "int8", (10, 9), 18, 18, (5, 5), (2, 2, 2, 2), depthwise=True, stride=2),
        "max-int8": pool("int8", "MAX_POOL_2D", (9, 8), 21, (5, 5), 1, (2, 2, 2, 2)),
        "max-uint8-uneven": pool("uint8", "MAX_POOL_2D", (10, 7), 5, (3, 2), 2, (0, 1, 2, 0)),
        "average-int8-counted": pool("int8", "AVERAGE_POOL_2D", (9, 8), 6, (3, 3), 2, (1, 1, 1, 1), 1),
        "average-uint8-counted": pool("uint8", "AVERAGE_POOL_2D", (6, 8), 6, (2, 3), 1, (1, 0, 0, 2), 1),
        "average-int8": average("int8", (9, 8), 6, (3, 3), 2, (1, 1, 1, 1)),
        "average-uint8-uneven": average("uint8", (6, 7), 9, (3, 3), 1, (2, 0, 1, 1)),
    }.items()}
