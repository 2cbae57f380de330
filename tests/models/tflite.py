# SPDX-License-Identifier: MIT
"""A small TFLite flatbuffer reader for tests: what a model holds, without our compiler.

Model: a file is a tree of tables; Table.field(n) gives the position of field n of the schema or None.
It trusts its input (the tests' own models), so it checks nothing beyond what Python's slicing does.
"""

import struct

OPERATORS = {
    0: "ADD", 1: "AVERAGE_POOL_2D", 2: "CONCATENATION", 3: "CONV_2D", 4: "DEPTHWISE_CONV_2D",
    5: "DEPTH_TO_SPACE", 6: "DEQUANTIZE", 8: "FLOOR", 9: "FULLY_CONNECTED",
    11: "L2_NORMALIZATION", 14: "LOGISTIC", 17: "MAX_POOL_2D", 18: "MUL", 19: "RELU",
    20: "RELU_N1_TO_1", 21: "RELU6", 22: "RESHAPE", 23: "RESIZE_BILINEAR", 25: "SOFTMAX",
    26: "SPACE_TO_DEPTH", 28: "TANH", 32: "CUSTOM", 34: "PAD", 36: "GATHER",
    37: "BATCH_TO_SPACE_ND", 38: "SPACE_TO_BATCH_ND", 39: "TRANSPOSE", 40: "MEAN", 41: "SUB",
    42: "DIV", 43: "SQUEEZE", 45: "STRIDED_SLICE", 47: "EXP", 48: "TOPK_V2", 49: "SPLIT",
    50: "LOG_SOFTMAX", 53: "CAST", 54: "PRELU", 55: "MAXIMUM", 56: "ARG_MAX", 57: "MINIMUM",
    58: "LESS", 59: "NEG", 60: "PADV2", 61: "GREATER", 62: "GREATER_EQUAL", 63: "LESS_EQUAL",
    64: "SELECT", 65: "SLICE", 66: "SIN", 67: "TRANSPOSE_CONV", 69: "TILE", 70: "EXPAND_DIMS",
    71: "EQUAL", 72: "NOT_EQUAL", 73: "LOG", 74: "SUM", 75: "SQRT", 76: "RSQRT", 78: "POW",
    79: "ARG_MIN", 81: "REDUCE_PROD", 82: "REDUCE_MAX", 83: "PACK", 84: "LOGICAL_OR",
    86: "LOGICAL_AND", 87: "LOGICAL_NOT", 88: "UNPACK", 89: "REDUCE_MIN", 92: "SQUARE",
    97: "RESIZE_NEAREST_NEIGHBOR", 98: "LEAKY_RELU", 99: "SQUARED_DIFFERENCE", 100: "MIRROR_PAD",
    101: "ABS", 102: "SPLIT_V", 104: "CEIL", 105: "REVERSE_V2", 106: "ADD_N", 107: "GATHER_ND",
    108: "COS", 111: "ELU", 114: "QUANTIZE", 116: "ROUND", 117: "HARD_SWISH", 123: "SELECT_V2",
    126: "BATCH_MATMUL", 128: "CUMSUM", 129: "CALL_ONCE", 130: "BROADCAST_TO", 142: "VAR_HANDLE",
    143: "READ_VARIABLE", 144: "ASSIGN_VARIABLE", 150: "GELU", 152: "RELU_0_TO_1",
    158: "SIGN",
}
TYPES = {0: "float32", 1: "float16", 2: "int32", 3: "uint8", 4: "int64", 5: "string", 6: "bool",
         7: "int16", 9: "int8", 17: "int4"}
TYPE_SIZES = {"float32": 4, "float16": 2, "int32": 4, "uint8": 1, "int64": 8, "bool": 1,
              "int16": 2, "int8": 1}
ACTIVATIONS = {0: "NONE", 1: "RELU", 2: "RELU_N1_TO_1", 3: "RELU6", 4: "TANH"}

# Options of an operator: name -> (field, struct format, default).
POOL = {"padding": (0, "b", 0), "stride_w": (1, "i", 0), "stride_h": (2, "i", 0),
        "filter_w": (3, "i", 0), "filter_h": (4, "i", 0), "activation": (5, "b", 0)}
OPTIONS = {
    "CONV_2D": {"padding": (0, "b", 0), "stride_w": (1, "i", 0), "stride_h": (2, "i", 0),
                "activation": (3, "b", 0), "dilation_w": (4, "i", 1), "dilation_h": (5, "i", 1)},
    "DEPTHWISE_CONV_2D": {"padding": (0, "b", 0), "stride_w": (1, "i", 0), "stride_h": (2, "i", 0),
                          "multiplier": (3, "i", 0), "activation": (4, "b", 0),
                          "dilation_w": (5, "i", 1), "dilation_h": (6, "i", 1)},
    "AVERAGE_POOL_2D": POOL, "MAX_POOL_2D": POOL,
    "ADD": {"activation": (0, "b", 0)}, "SUB": {"activation": (0, "b", 0)},
    "MUL": {"activation": (0, "b", 0)},
    "FULLY_CONNECTED": {"activation": (0, "b", 0), "weights_format": (1, "b", 0),
                        "keep_num_dims": (2, "b", 0)},
    "SOFTMAX": {"beta": (0, "f", 0.0)},
    "CONCATENATION": {"axis": (0, "i", 0), "activation": (1, "b", 0)},
    "RESIZE_BILINEAR": {"align_corners": (2, "b", 0), "half_pixel": (3, "b", 0)},
    "RESIZE_NEAREST_NEIGHBOR": {"align_corners": (0, "b", 0), "half_pixel": (1, "b", 0)},
    "STRIDED_SLICE": {"begin_mask": (0, "i", 0), "end_mask": (1, "i", 0), "ellipsis": (2, "i", 0),
                      "new_axis": (3, "i", 0), "shrink": (4, "i", 0)},
    "SPLIT": {"num_splits": (0, "i", 0)}, "MEAN": {"keep_dims": (0, "b", 0)},
    "REDUCE_MAX": {"keep_dims": (0, "b", 0)}, "REDUCE_MIN": {"keep_dims": (0, "b", 0)},
    "LEAKY_RELU": {"alpha": (0, "f", 0.0)}, "GELU": {"approximate": (0, "b", 0)},
    "PACK": {"values_count": (0, "i", 0), "axis": (1, "i", 0)},
    "UNPACK": {"num": (0, "i", 0), "axis": (1, "i", 0)}, "SPLIT_V": {"num_splits": (0, "i", 0)},
    "SPACE_TO_DEPTH": {"block_size": (0, "i", 0)}, "DEPTH_TO_SPACE": {"block_size": (0, "i", 0)},
    "GATHER": {"axis": (0, "i", 0), "batch_dims": (1, "i", 0)},
    "DIV": {"activation": (0, "b", 0)}, "SUM": {"keep_dims": (0, "b", 0)},
    "REDUCE_PROD": {"keep_dims": (0, "b", 0)}, "MIRROR_PAD": {"mode": (0, "b", 0)},
    "ARG_MAX": {"output_type": (0, "b", 0)}, "ARG_MIN": {"output_type": (0, "b", 0)},
    "BATCH_MATMUL": {"adj_x": (0, "b", 0), "adj_y": (1, "b", 0)},
    "TRANSPOSE_CONV": {"padding": (0, "b", 0), "stride_w": (1, "i", 0), "stride_h": (2, "i", 0),
                       "activation": (3, "b", 0)},
    "CUMSUM": {"exclusive": (0, "b", 0), "reverse": (1, "b", 0)},
    "CAST": {"in_type": (0, "b", 0), "out_type": (1, "b", 0)},
    "L2_NORMALIZATION": {"activation": (0, "b", 0)},
}


class Table:
    """A flatbuffer table at a byte position."""

    def __init__(self, data, pos):
        self.data, self.pos = data, pos
        self.vtable = pos - struct.unpack_from("<i", data, pos)[0]
        self.size = struct.unpack_from("<H", data, self.vtable)[0]

    def field(self, n):
        slot = 4 + 2 * n
        if slot >= self.size:
            return None
        offset = struct.unpack_from("<H", self.data, self.vtable + slot)[0]
        return self.pos + offset if offset else None

    def scalar(self, n, fmt, default=0):
        at = self.field(n)
        return default if at is None else struct.unpack_from("<" + fmt, self.data, at)[0]

    def target(self, n):
        at = self.field(n)
        return None if at is None else at + struct.unpack_from("<I", self.data, at)[0]

    def table(self, n):
        at = self.target(n)
        return None if at is None else Table(self.data, at)

    def vector(self, n, fmt):
        at = self.target(n)
        if at is None:
            return []
        count = struct.unpack_from("<I", self.data, at)[0]
        return list(struct.unpack_from(f"<{count}{fmt}", self.data, at + 4))

    def raw(self, n):
        at = self.target(n)
        if at is None:
            return b""
        count = struct.unpack_from("<I", self.data, at)[0]
        return bytes(self.data[at + 4:at + 4 + count])

    def tables(self, n):
        at = self.target(n)
        if at is None:
            return []
        count = struct.unpack_from("<I", self.data, at)[0]
        slots = [at + 4 + 4 * i for i in range(count)]
        return [Table(self.data, s + struct.unpack_from("<I", self.data, s)[0]) for s in slots]


def with_output(data, index):
    """The file of a model with one output, with another tensor as that."""
    data = bytearray(data)
    graph = Table(data, struct.unpack_from("<I", data, 0)[0]).tables(2)[0]
    struct.pack_into("<i", data, graph.target(2) + 4, index)
    return bytes(data)


class Tensor:
    def __init__(self, table, buffers, index):
        self.index = index
        self.shape = table.vector(0, "i")
        self.type = TYPES.get(table.scalar(1, "b"), f"type{table.scalar(1, 'b')}")
        self.name = table.raw(3).decode("utf-8", "replace")
        self.data = buffers[table.scalar(2, "I")].raw(0)
        quantization = table.table(4)
        self.scale = quantization.vector(2, "f") if quantization else []
        self.zero_point = quantization.vector(3, "q") if quantization else []
        self.quantized_dimension = quantization.scalar(6, "i") if quantization else 0

    def bytes(self):
        size = TYPE_SIZES[self.type]
        for dimension in self.shape:
            size *= dimension
        return size


class Operator:
    def __init__(self, table, codes, index):
        code = codes[table.scalar(0, "I")]
        builtin = max(code.scalar(0, "b"), code.scalar(3, "i"))
        self.index = index
        self.name = OPERATORS.get(builtin, f"BUILTIN_{builtin}")
        self.custom = code.raw(1).decode() if self.name == "CUSTOM" else None
        self.inputs = table.vector(1, "i")
        self.outputs = table.vector(2, "i")
        options = table.table(4)
        wanted = OPTIONS.get(self.name, {})
        self.options = {
            key: options.scalar(n, fmt, default) if options else default
            for key, (n, fmt, default) in wanted.items()
        }
        self.custom_options = table.raw(5)


class Model:
    """The first subgraph of a TFLite file."""

    def __init__(self, path):
        with open(path, "rb") as file:
            data = file.read()
        root = Table(data, struct.unpack_from("<I", data, 0)[0])
        buffers = root.tables(4)
        graph = root.tables(2)[0]
        self.tensors = [Tensor(t, buffers, i) for i, t in enumerate(graph.tables(0))]
        self.inputs = graph.vector(1, "i")
        self.outputs = graph.vector(2, "i")
        codes = root.tables(1)
        self.operators = [Operator(o, codes, i) for i, o in enumerate(graph.tables(3))]
