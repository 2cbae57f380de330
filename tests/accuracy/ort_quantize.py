# SPDX-License-Identifier: MIT
"""ONNX Runtime's quantizer on one model: see ort-quantize, which runs this with its own Python."""

import argparse
import json
import logging
import sys
import tempfile
from pathlib import Path

import numpy
import onnx
import onnxruntime
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.onnx_quantizer import ONNXQuantizer
from onnxruntime.quantization.shape_inference import quant_pre_process
from onnxruntime.tools.onnx_model_utils import fix_output_shapes, make_input_shape_fixed

OPSET = 13  # the first with scales for each channel
NOISE = 8


def session(model):
    return onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])


def samples_of(path, shape, nhwc):
    """A .npy file's samples, one after another; @shape has a batch of 1."""
    given = [shape[0], *shape[2:], shape[1]] if nhwc else shape
    for sample in numpy.load(path).astype(numpy.float32).reshape(-1, *given):
        yield numpy.ascontiguousarray(sample.transpose(0, 3, 1, 2)) if nhwc else sample


class Samples(CalibrationDataReader):
    def __init__(self, model, folder, nhwc):
        first, *rest = session(model).get_inputs()
        if rest or first.type != "tensor(float)":
            raise SystemExit(f"ort-quantize: {model}: one float input is needed")
        if folder:
            values = (v for path in sorted(Path(folder).glob("*.npy")) for v in samples_of(path, first.shape, nhwc))
        else:
            random = numpy.random.default_rng(1)
            values = ((random.random(first.shape) * 2 - 1).astype(numpy.float32) for _ in range(NOISE))
        self.samples = ({first.name: v} for v in values)

    def get_next(self):
        return next(self.samples, None)


def prepare(source, target, shapes):
    """Fixed shapes, a recent operator set, BatchNorm folded: what the quantizer asks for."""
    model = onnx.load(source)
    names = {i.name for i in model.graph.initializer}
    inputs = [i for i in model.graph.input if i.name not in names]
    del model.graph.input[:]
    model.graph.input.extend(inputs)
    for text in shapes:
        name, dims = text.split("=")
        make_input_shape_fixed(model.graph, name, [int(d) for d in dims.split("x")])
    if shapes:
        fix_output_shapes(model)
    if model.opset_import[0].version < OPSET:
        model = onnx.version_converter.convert_version(model, OPSET)
    onnx.save(model, target)
    quant_pre_process(target, target, skip_symbolic_shape=True)


def remember_axes():
    """Of weights with a scale for each channel the QOperator form forgets the axis, and fails when it must
    widen a scale for a large bias."""
    quantize = ONNXQuantizer.quantize_weight_per_channel

    def quantize_and_remember(self, name, kind, axis, *rest, **options):
        made = quantize(self, name, kind, axis, *rest, **options)
        self.quantized_value_map[name].axis = axis
        return made
    ONNXQuantizer.quantize_weight_per_channel = quantize_and_remember


def cosine(a, b):
    return float(numpy.dot(a, b) / numpy.sqrt(numpy.dot(a, a) * numpy.dot(b, b)))


def verify(truth, made, folder, nhwc):
    """What `accel compile --verify --json` says, of the first output."""
    runs = [session(truth), session(made)]
    first = runs[0].get_inputs()[0]
    cosines, same, labelled, right = [], 0, 0, [0, 0]
    for path in sorted(Path(folder).rglob("*.npy")):
        for value in samples_of(path, first.shape, nhwc):
            found = [run.run(None, {first.name: value})[0].ravel() for run in runs]
            best = [int(f.argmax()) for f in found]
            cosines.append(cosine(*found))
            same += best[0] == best[1]
            if path.parent.name.isdigit():
                labelled += 1
                right = [n + (b == int(path.parent.name)) for n, b in zip(right, best)]
    return {"samples": len(cosines), "labelled": labelled, "float_correct": right[0], "npu_correct": right[1],
            "outputs": [{"cosine": sum(cosines) / len(cosines), "same_top_class": same / len(cosines)}]}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--form", choices=("qdq", "qoperator"), default="qdq")
    parser.add_argument("--activations", choices=("uint8", "int8"), default="uint8")
    parser.add_argument("--shape", action="append", default=[])
    parser.add_argument("--data")
    parser.add_argument("--verify")
    parser.add_argument("--nhwc", action="store_true")
    parser.add_argument("source")
    parser.add_argument("target")
    arguments = parser.parse_args()
    logging.disable(logging.WARNING)
    remember_axes()
    with tempfile.TemporaryDirectory() as scratch:
        prepared = str(Path(scratch) / "prepared.onnx")
        prepare(arguments.source, prepared, arguments.shape)
        quantize_static(
            prepared, arguments.target, Samples(prepared, arguments.data, arguments.nhwc), per_channel=True,
            quant_format={"qdq": QuantFormat.QDQ, "qoperator": QuantFormat.QOperator}[arguments.form],
            activation_type={"uint8": QuantType.QUInt8, "int8": QuantType.QInt8}[arguments.activations],
            weight_type=QuantType.QInt8)
        if arguments.verify:
            print(json.dumps(verify(prepared, arguments.target, arguments.verify, arguments.nhwc)))


if __name__ == "__main__":
    sys.exit(main())
