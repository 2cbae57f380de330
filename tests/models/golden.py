# SPDX-License-Identifier: MIT
"""What TFLite's reference kernels answer: golden outputs, from the oracle or from the cache.

Model: an entry of the cache is a directory named by the hash of everything that the answer depends on
(model, inputs, the oracle's library and sources); it is complete or absent. Nothing of ENPU takes part.
"""

import hashlib
import os
import random
import shutil
import struct
import subprocess
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
ORACLE = HERE.parent / "oracle"


class OracleError(Exception):
    """The oracle cannot run the model; the text is its message."""


def cache():
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("ENPU_CACHE") or Path(base) / "enpu")


def random_inputs(model, name, directory):
    """Input files for the model's input tensors, the same bytes on every machine."""
    generator = random.Random(f"enpu {name}")
    files = []
    for number, index in enumerate(model.inputs):
        path = Path(directory) / f"input{number}.bin"
        tensor = model.tensors[index]
        if tensor.type == "float32":
            # sixteenths: exact, and with halves of every usual scale among them
            values = [generator.randrange(-400, 400) / 16 for _ in range(tensor.bytes() // 4)]
            path.write_bytes(struct.pack(f"<{len(values)}f", *values))
        else:
            path.write_bytes(generator.randbytes(tensor.bytes()))
        files.append(path)
    return files


def walking_inputs(model, name, count, directory):
    """Many inputs for a model of one 8-bit input, one after another: values that wander."""
    generator = random.Random(f"enpu {name}")
    tensor = model.tensors[model.inputs[0]]
    values = [generator.randrange(256) for _ in range(tensor.shape[-1])]
    data = bytearray()
    while len(data) < count * tensor.bytes():
        values = [min(255, max(0, v + generator.randrange(-25, 26))) for v in values]
        data += bytes(v ^ (0x80 if tensor.type == "int8" else 0) for v in values)
    path = Path(directory) / "input0.bin"
    path.write_bytes(data)
    return [path]


class Oracle:
    """TFLite's reference kernels behind a cache of answers."""

    def __init__(self, build):
        self.build = Path(build).resolve()
        self.library = Path(self._output([ORACLE / "get-oracle"]).strip())
        self.identity = self._hash(
            [self.library / "libtensorflow-lite.so", *sorted(ORACLE.glob("*.[ch]"))])

    @staticmethod
    def _output(command):
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout

    @staticmethod
    def _hash(files, start=""):
        digest = hashlib.sha256(start.encode())
        for path in files:
            data = Path(path).read_bytes()
            digest.update(len(data).to_bytes(8, "little") + data)
        return digest.hexdigest()

    def outputs(self, model, inputs, kernels="reference"):
        """Files of the output tensors, in the model's order."""
        start = self.identity if kernels == "reference" else self.identity + kernels
        entry = cache() / "golden" / self._hash([model, *inputs], start)
        if not entry.is_dir():
            self._run(model, inputs, entry, kernels)
        return sorted(entry.iterdir(), key=lambda p: int(p.stem.removeprefix("output")))

    def _run(self, model, inputs, entry, kernels):
        entry.parent.mkdir(parents=True, exist_ok=True)
        scratch = tempfile.mkdtemp(dir=entry.parent, prefix="tmp.")
        try:
            command = [ORACLE / "oracle", model, "--output-dir", scratch, "--kernels", kernels]
            for path in inputs:
                command += ["--input", path]
            done = subprocess.run(
                command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                env=os.environ | {"O": str(self.build), "ENPU_ORACLE": str(self.library)})
            if done.returncode:
                raise OracleError(done.stderr.strip().splitlines()[-1])
            os.chmod(scratch, 0o755)
            os.rename(scratch, entry)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
