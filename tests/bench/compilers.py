# SPDX-License-Identifier: MIT
"""Compiling the same models with our compiler and with Arm's Vela: time and peak memory, side by side.

Vela is the command in $VELA, or `vela` where the shell finds it, or CACHE/vela/vela.
"""

import os
import shlex
import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

MODELS = ["models/mobilenet_v1_1.0_224_quant", "models/ssd_mobilenet", "zoo/efficientdet_lite0"]
PRESETS = {"enpu-256": "ethos-u65-256", "enpu-512": "ethos-u65-512"}
# Peak memory of a compilation against the size of the model's file
MEMORY_LIMIT = 10
# The machine whose SRAM and bandwidths the presets have
SYSTEM = """\
[System_Config.U65]
core_clock=1e9
axi0_port=Sram
axi1_port=Dram
Sram_clock_scale=1.0
Sram_burst_length=32
Sram_read_latency=32
Sram_write_latency=32
Dram_clock_scale=0.234375
Dram_burst_length=128
Dram_read_latency=500
Dram_write_latency=250
[Memory_Mode.Dedicated]
const_mem_area=Axi1
arena_mem_area=Axi1
cache_mem_area=Axi0
arena_cache_size=393216
"""


class CompileFailure(Exception):
    """A compiler did not work, or took too much; the text is the message."""


def vela_command(cache):
    there = os.environ.get("VELA") or shutil.which("vela")
    local = cache / "vela" / "vela"
    return shlex.split(there) if there else [str(local)] if local.exists() else None


def measure(command):
    """(seconds, peak bytes) of one run."""
    with tempfile.TemporaryFile() as log:
        start = time.monotonic()
        with subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL,
                              stdout=log, stderr=log) as child:
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.monotonic() - start
        log.seek(0)
        if child.returncode:
            lines = log.read().decode(errors="replace").strip().splitlines()
            raise CompileFailure(f"{Path(command[0]).name}: {lines[-1] if lines else child.returncode}")
    return seconds, usage.ru_maxrss * 1024


def commands(accel, vela, source, preset, folder):
    yield "ours", [accel, "compile", source, "--config", preset, "-o", folder / "out.enpu"]
    if vela:
        system = folder / "system.ini"
        system.write_text(SYSTEM)
        yield "vela", [*vela, source, "--accelerator-config", PRESETS[preset], "--config", system,
                       "--system-config", "U65", "--memory-mode", "Dedicated", "--output-dir", folder]


def line(source, preset, ours, vela, absolute):
    """Of the table: (seconds, peak bytes) of either side."""
    size = source.stat().st_size
    if ours[1] > MEMORY_LIMIT * size:
        raise CompileFailure(f"{source.stem}: compiling takes {ours[1] / size:.1f} times the "
                             f"model's size, more than {MEMORY_LIMIT}")
    cells = [source.stem, preset]
    for seconds, peak in [ours, vela] if vela and absolute else [ours] if absolute else []:
        cells += [f"{seconds:.2f}", f"{int(peak) >> 10:,}"]
    cells.append(f"{ours[1] / size:.1f}")
    return cells + ([f"{ours[0] / vela[0]:.3f}", f"{ours[1] / vela[1]:.2f}"] if vela else [])


def table(accel, cache, rounds, absolute, step):
    """For each model and preset, medians over the rounds: head and lines of a table."""
    vela = vela_command(cache)
    if not vela:
        step("Vela is not there: ours alone")
    head = ["model", "machine", *(["s: ours", "KiB: ours"] if absolute else []),
            *(["s: Vela", "KiB: Vela"] if vela and absolute else []), "memory/file",
            *(["time/Vela's", "memory/Vela's"] if vela else [])]
    lines = []
    for model in MODELS:
        source = cache / f"{model}.tflite"
        for preset in PRESETS:
            step(f"compile {source.stem} for {preset}")
            taken = {}
            with tempfile.TemporaryDirectory(prefix="enpu-bench.") as folder:
                for _ in range(rounds):
                    for name, command in commands(accel, vela, source, preset, Path(folder)):
                        taken.setdefault(name, []).append(measure(command))
            middle = {name: [statistics.median(column) for column in zip(*runs)]
                      for name, runs in taken.items()}
            lines.append(line(source, preset, middle["ours"], middle.get("vela"), absolute))
    return head, lines
