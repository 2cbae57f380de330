# SPDX-License-Identifier: MIT
"""Small nets that the tests train on data with labels: MNIST's digits, and letters as 16 numbers each."""

import struct
import subprocess
import sys

from tasks import HERE

sys.path.insert(0, str(HERE.parent / "models"))
from onnx_writer import FLOAT, Graph  # noqa: E402 pylint: disable=wrong-import-position

LEARN = 256  # samples of the training data, to calibrate with
SIDE = 28


def save_npy(path, shape, samples):
    """Bytes become the floats that the net was trained on: their 255th parts."""
    head = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {(len(samples), *shape)}, }}".ljust(117)
    scaled = [struct.pack("<f", value / 255) for value in range(256)]
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "wb") as file:
        file.write(b"\x93NUMPY\x01\0" + struct.pack("<H", 118) + head.encode() + b"\n")
        for sample in samples:
            file.write(b"".join(map(scaled.__getitem__, sample)))


class Weights:
    """Takes what train.c wrote, front to back."""

    def __init__(self, data):
        self.values, self.at = struct.unpack(f"<{len(data) // 4}f", data), 0

    def take(self, count):
        self.at += count
        return self.values[self.at - count:self.at]


class Mnist:
    name, shape, classes = "mnist", (1, SIDE, SIDE), 10

    def data(self, cache):
        """Samples and labels: training data, exam."""
        parts = []
        for part in ("train", "t10k"):
            images = (cache / "zoo" / "mnist" / f"{part}-images-idx3-ubyte").read_bytes()[16:]
            labels = (cache / "zoo" / "mnist" / f"{part}-labels-idx1-ubyte").read_bytes()[8:]
            parts.append(([images[n:n + SIDE * SIDE] for n in range(0, len(images), SIDE * SIDE)], labels))
        return parts

    def net(self, weights):
        graph = Graph()
        last = graph.input("image", FLOAT, [1, *self.shape])
        for channels, outputs in ((1, 8), (8, 16)):
            w, b = weights.take(25 * channels * outputs), weights.take(outputs)
            ordered = [w[(tap * channels + c) * outputs + o]
                       for o in range(outputs) for c in range(channels) for tap in range(25)]
            last = graph.node("Conv", [last, graph.constant(FLOAT, [outputs, channels, 5, 5], ordered),
                                       graph.constant(FLOAT, [outputs], b)],
                              kernel_shape=[5, 5], strides=[2, 2], pads=[2, 2, 2, 2])
            last = graph.node("Relu", [last])
        w, b = weights.take(784 * 10), weights.take(10)
        ordered = [w[(place * 16 + c) * 10 + o] for c in range(16) for place in range(49) for o in range(10)]
        last = graph.node("Flatten", [last], axis=1)
        graph.node("Gemm", [last, graph.constant(FLOAT, [784, 10], ordered), graph.constant(FLOAT, [10], b)],
                   output="scores")
        graph.output("scores", FLOAT, [1, 10])
        return graph.bytes()


class Letters:
    """Frey and Slate's 20,000 capital letters; as they proposed, the last 4,000 are the exam."""

    name, shape, classes = "letters", (16,), 26
    samples = 16000

    def data(self, cache):
        rows = [line.split(",") for line in (cache / "labelled" / "letters.data").read_text().split()]
        samples = [bytes(17 * int(n) for n in row[1:]) for row in rows]
        labels = bytes(ord(row[0]) - ord("A") for row in rows)
        return [(samples[:self.samples], labels[:self.samples]), (samples[self.samples:], labels[self.samples:])]

    def net(self, weights):
        graph = Graph()
        last = graph.input("letter", FLOAT, [1, *self.shape])
        for inputs, outputs in ((16, 96), (96, 26)):
            w, b = weights.take(inputs * outputs), weights.take(outputs)
            if inputs == 96:
                last = graph.node("Relu", [last])
            last = graph.node("Gemm", [last, graph.constant(FLOAT, [inputs, outputs], w),
                                       graph.constant(FLOAT, [outputs], b)],
                              **({"output": "scores"} if inputs == 96 else {}))
        graph.output("scores", FLOAT, [1, 26])
        return graph.bytes()


def prepare(net, cache, programs, folder):
    """Trains the net, unless that is done; the model, and folders to learn from and to be examined on."""
    weights, model = folder / "weights", folder / f"{net.name}.onnx"
    (samples, labels), exam = net.data(cache)
    folder.mkdir(parents=True, exist_ok=True)
    if not weights.exists():
        (folder / "inputs").write_bytes(b"".join(samples))
        (folder / "labels").write_bytes(labels)
        subprocess.run([programs / "train", net.name, folder / "inputs", folder / "labels", weights], check=True)
    model.write_bytes(net.net(Weights(weights.read_bytes())))
    seen = set(exam[0])  # letters of 16 numbers are sometimes the same ones
    save_npy(folder / "learn" / "some.npy", net.shape, [s for s in samples if s not in seen][:LEARN])
    for label in range(net.classes):
        save_npy(folder / "exam" / str(label) / "all.npy", net.shape,
                 [sample for sample, other in zip(*exam) if other == label])
    return model
