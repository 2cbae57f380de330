# SPDX-License-Identifier: MIT
"""One QEMU guest with its NPU models, from start to clean-up.

The guest's console, its requests to the harness and its kernel log are three
channels that never mix: a virtio console, a virtio port and the serial port. A
model's control socket is connected to a virtio port by QEMU itself. Whatever
happens, QEMU and the models die with this process.
"""

import ctypes
import json
import os
import re
import selectors
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import termios
import time
import tty

from initramfs import Error

FAILED, DIED, TIMED_OUT = 121, 122, 124
START_LIMIT = 20
COMPLAINT = re.compile(
    rb"(BUG: |WARNING: |Oops: |general protection fault|Kernel panic|KASAN: |UBSAN: |"
    rb"refcount_t: |DMA-API: |unable to handle|corruption|kmemleak: \d+ new)"
)
KERNEL_LINE = (
    "quiet panic=-1 mitigations=off audit=0 apparmor=0 cryptomgr.notests random.trust_cpu=on"
)
HOTPLUG_MIB = 16
IOMMU_LINE = " intel_iommu=on iommu.strict=1"
# Per architecture of the guest: what differs. "max" has pointer authentication on
# arm64, which takes most of the time when it is emulated.
MACHINES = {
    "amd64": {
        "qemu": "x86_64",
        "machine": "q35,vmport=off,smm=off,hpet=off,smbus=off,sata=off,usb=off",
        "cpu": "max",
        "line": "console=ttyS0 tsc=reliable no_timer_check",
        "options": ["-bios", "qboot.rom"],
    },
    "arm64": {
        "qemu": "aarch64",
        "machine": "virt,gic-version=3",
        "cpu": "neoverse-n1",
        "line": "console=ttyAMA0",
        "options": [],
    },
}
PR_SET_PDEATHSIG = 1
END_OF_INPUT = b"\x04"


def die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def tail(path, lines=15):
    try:
        with open(path, "rb") as source:
            return b"\n".join(source.read().splitlines()[-lines:]).decode(errors="replace")
    except OSError:
        return ""


def accelerator(arch):
    """TCG for a foreign guest, else ENPU_ACCEL, or KVM where the processor itself can: some hosts have a
    /dev/kvm made in software, which runs no stock kernel."""
    if arch != "amd64":
        return "tcg"
    if "ENPU_ACCEL" in os.environ:
        return os.environ["ENPU_ACCEL"]
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return "tcg"
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as source:
        flags = next((line for line in source if line.startswith("flags")), "")
    return "kvm" if {"vmx", "svm"} & set(flags.split()) else "tcg"


class Model:
    """The process of one NPU model."""

    def __init__(self, number, command, folder, log):
        self.number = number
        self.socket = os.path.join(folder, f"npu{number}.sock")
        self.control = os.path.join(folder, f"npu{number}.control")
        self.log = log
        self.killed = False
        words = [
            word.replace("{socket}", self.socket).replace("{control}", self.control)
            for word in shlex.split(command)
        ]
        self.has_control = "{control}" in command
        try:
            with open(log, "wb") as sink:
                self.process = subprocess.Popen(
                    words, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink,
                    preexec_fn=die_with_parent,
                )
        except OSError as error:
            raise Error(f"cannot start the NPU model: {words[0]}: {error.strerror}") from error
        limit = time.monotonic() + START_LIMIT
        while not self.listens():
            if self.process.poll() is not None or time.monotonic() > limit:
                self.stop()
                raise Error(f"the NPU model does not start: {command}\n{tail(log)}")
            time.sleep(0.01)

    def listens(self):
        wanted = [self.socket] + ([self.control] if self.has_control else [])
        return all(os.path.exists(path) for path in wanted)

    def signal(self, number):
        self.killed = self.killed or number == signal.SIGKILL
        self.process.send_signal(number)

    def stop(self):
        """The exit code of the model's own doing: 0 if we had to end it."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        code = self.process.returncode
        return 0 if self.killed or code == -signal.SIGTERM else code


class Guest:
    def __init__(self, options, kernel, qemu):
        self.options, self.kernel, self.qemu = options, kernel, qemu
        self.models = []
        self.plugged = 0
        self.process = None
        self.began = time.monotonic()

    def __enter__(self):
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda number, _: sys.exit(128 + number))
        self.folder = tempfile.mkdtemp(prefix="enpu-vm.")
        self.kernel_log = self.options.kernel_log or self.path("kernel.log")
        return self

    def __exit__(self, *_):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for model in self.models:
            model.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def note(self, text):
        if self.options.verbose:
            print(f"vm: {time.monotonic() - self.began:6.2f} s  {text}", file=sys.stderr)

    def start_models(self):
        # a spare one is as the last, and waits for QEMU to come
        commands = self.options.device_cmd
        commands = commands + commands[-1:] * self.options.spares
        self.plugged = len(self.options.device_cmd)
        for number, command in enumerate(commands):
            log = self.options.device_log or self.path("device.log")
            log += f".{number}" if number else ""
            self.models.append(Model(number, command, self.folder, log))

    @staticmethod
    def device_of(model):
        """QEMU's device for a model."""
        return {
            "driver": "vfio-user-pci", "id": f"npu{model.number}", "bus": f"rp{model.number}",
            "socket": {"type": "unix", "path": model.socket},
        }

    def qemu_command(self):
        options = self.options
        machine = MACHINES[options.arch]
        kvm = accelerator(options.arch) == "kvm" and not options.icount
        line = f"{machine['line']} {KERNEL_LINE}" + (IOMMU_LINE if options.iommu else "")
        # room for a device's BAR behind a port that was empty at boot
        line += f" pci=hpmmiosize={HOTPLUG_MIB}M" if options.spares else ""
        split = ",kernel-irqchip=split" if kvm and options.iommu else ""
        command = [
            self.qemu, "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
            "-machine", f"{machine['machine']},memory-backend=mem{split}", *machine["options"],
            "-accel", "kvm" if kvm else f"tcg,thread={'single' if options.icount else 'multi'}",
            "-cpu", "host" if kvm else machine["cpu"],
            "-smp", str(options.smp), "-m", f"{options.memory}M",
            "-object", f"memory-backend-memfd,id=mem,size={options.memory}M,share=on",
            "-kernel", os.path.join(self.kernel, "vmlinux"),
            "-initrd", self.path("initramfs"),
            "-append", f"{line} {options.append}".strip(),
            "-serial", f"file:{self.kernel_log}",
            "-device", "virtio-serial-pci,max_ports=16",
        ]
        if options.icount:
            command += ["-icount", "shift=0,sleep=off"]
        if options.iommu:
            command += ["-device", "intel-iommu,caching-mode=on,intremap=on"]
        # QEMU drops what a console's socket cannot take at once; a file takes all
        console = "socket" if options.interactive else "file"
        for name, kind, device in (
            ("console", console, "virtconsole"), ("host", "socket", "virtserialport")
        ):
            command += [
                "-chardev", f"{kind},id={name},path={self.path(name)}",
                "-device", f"{device},chardev={name},name=enpu.{name}",
            ]
        for number, (host, *_, access) in enumerate(share + ["ro"] * (3 - len(share))
                                                    for share in options.share):
            read_only = "off" if access == "rw" else "on"
            command += [
                "-fsdev", f"local,id=fs{number},path={os.path.abspath(host)},"
                f"security_model=none,multidevs=remap,readonly={read_only}",
                "-device", f"virtio-9p-pci,fsdev=fs{number},mount_tag=share{number}",
            ]
        for model in self.models:
            n = model.number
            # a bus reset waits for a link that is faster, and QEMU's never tells that it is up
            command += [
                "-device", f"pcie-root-port,id=rp{n},chassis={n + 1},slot={n + 1},x-speed=5",
            ]
            if n < self.plugged:
                command += ["-device", json.dumps(self.device_of(model))]
            if model.has_control:
                command += [
                    "-chardev", f"socket,id=control{n},path={model.control}",
                    "-device", f"virtserialport,chardev=control{n},name=enpu.control{n or ''}",
                ]
        command += ["-qmp", f"unix:{self.path('qmp')},server=on,wait=off"]
        return command + options.qemu_arg

    def run(self):
        self.start_models()
        channels = {}
        listeners = {}
        for name in ("console", "host") if self.options.interactive else ("host",):
            listeners[name] = socket.socket(socket.AF_UNIX)
            listeners[name].bind(self.path(name))
            listeners[name].listen(1)
            listeners[name].settimeout(START_LIMIT)
        errors = self.path("qemu.log")
        self.note("start QEMU")
        with open(errors, "wb") as sink:
            self.process = subprocess.Popen(
                self.qemu_command(), stdin=subprocess.DEVNULL, stdout=sink, stderr=sink,
                preexec_fn=die_with_parent,
            )
        # QEMU connects to each in turn, or says why it does not start
        for name, listener in listeners.items():
            channels[name] = self.accept(listener, errors)
        if "console" not in channels:
            channels["console"] = open(self.path("console"), "rb", buffering=0)
        code = Conversation(self, channels).run()
        self.note(f"the guest is done: {code}")
        return self.verdict(code, errors)

    def accept(self, listener, errors):
        listener.settimeout(0.1)
        limit = time.monotonic() + START_LIMIT
        while time.monotonic() < limit and self.process.poll() is None:
            try:
                return listener.accept()[0]
            except socket.timeout:
                continue
        raise Error(f"QEMU does not start:\n{tail(errors)}")

    def monitor(self, command, arguments):
        """One command to QEMU's monitor; the answer is ok, or why not, or what it says."""
        with socket.socket(socket.AF_UNIX) as channel:
            channel.settimeout(START_LIMIT)
            channel.connect(self.path("qmp"))
            with channel.makefile("rw", encoding="utf-8") as lines:
                lines.readline()
                for words in ({"execute": "qmp_capabilities"},
                              {"execute": command, "arguments": arguments}):
                    print(json.dumps(words), file=lines, flush=True)
                    answer = {}
                    while "return" not in answer and "error" not in answer:
                        answer = json.loads(lines.readline())
        return answer["error"]["desc"] if "error" in answer else answer["return"] or "ok"

    def plug(self, number):
        if not self.plugged <= number < len(self.models):
            return f"no spare device {number}"
        try:
            return self.monitor("device_add", self.device_of(self.models[number]))
        except (OSError, ValueError) as error:
            return f"QEMU does not answer: {error}"

    def pci_error(self, number, name):
        """An error that the root port of a device reports, by its name in QEMU."""
        try:
            answer = self.monitor("human-monitor-command", {
                "command-line": f"pcie_aer_inject_error rp{number} {name}",
            })
        except (OSError, ValueError) as error:
            return f"QEMU does not answer: {error}"
        return "ok" if answer.startswith("OK") else " ".join(answer.split())

    def request(self, line):
        """What the guest asks of the harness; the answer is one line."""
        word, *rest = line.split()
        if word == "plug-device" and rest and rest[0].isdigit():
            return self.plug(int(rest[0]))
        if word == "pci-error" and len(rest) == 2 and rest[0].isdigit() and rest[1].isidentifier():
            return self.pci_error(int(rest[0]), rest[1])
        actions = {
            "kill-device": signal.SIGKILL,
            "stop-device": signal.SIGSTOP,
            "cont-device": signal.SIGCONT,
        }
        number = int(rest[0]) if rest and rest[0].isdigit() else 0
        if word not in actions:
            return f"unknown request: {line}"
        if number >= len(self.models):
            return f"no device {number}"
        self.models[number].signal(actions[word])
        return "ok"

    def verdict(self, code, errors):
        """The exit code, with the reasons for any that is not the command's own."""
        problems = []
        if code == DIED:
            problems.append(f"the guest died\n{tail(errors)}\n{tail(self.kernel_log, 40)}")
        if code == TIMED_OUT:
            problems.append(f"no end after {self.options.timeout:.0f} s\n{tail(self.kernel_log)}")
        with open(self.kernel_log, "rb") as source:
            lines = source.read().splitlines()
        complaints = [number for number, line in enumerate(lines) if COMPLAINT.search(line)]
        if complaints and not self.options.allow_warnings:
            shown = b"\n".join(lines[complaints[0]:complaints[0] + 40])
            problems.append(f"the kernel complained:\n{shown.decode(errors='replace')}")
        for model in self.models:
            own = model.stop()
            if own and not self.options.device_may_die:
                problems.append(f"NPU model {model.number} ended with {own}:\n{tail(model.log)}")
        for problem in problems:
            print(f"vm: {problem}", file=sys.stderr)
        return code or (FAILED if problems else 0)


class Conversation:
    """Copies the console out, serves requests, until the guest says its exit code."""

    POLL = 0.05

    def __init__(self, machine, channels):
        self.machine = machine
        self.console, self.host = channels["console"], channels["host"]
        self.interactive = machine.options.interactive
        self.code = None
        self.ended = False
        self.pending = b""
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.host, selectors.EVENT_READ, self.serve)
        if self.interactive:
            self.selector.register(self.console, selectors.EVENT_READ, self.copy_out)

    def run(self):
        saved = None
        if self.interactive and sys.stdin.isatty():
            saved = termios.tcgetattr(sys.stdin)
            tty.setraw(sys.stdin)
        try:
            code = self.loop()
            self.finish(code)
            return code
        finally:
            if saved:
                termios.tcsetattr(sys.stdin, termios.TCSADRAIN, saved)

    def loop(self):
        limit = time.monotonic() + self.machine.options.timeout
        while self.code is None and not self.ended:
            left = limit - time.monotonic()
            if left <= 0:
                return TIMED_OUT
            # a console that is a file cannot be waited for
            for key, _ in self.selector.select(left if self.interactive else self.POLL):
                key.data()
            if not self.interactive:
                self.copy_out()
        return DIED if self.code is None else self.code

    def finish(self, code):
        """Ends the guest; it had written all its output before its exit code."""
        if self.machine.options.poweroff and code != TIMED_OUT:
            try:
                self.machine.process.wait(START_LIMIT)
            except subprocess.TimeoutExpired:
                print("vm: the guest does not power off", file=sys.stderr)
        self.machine.process.kill()
        self.machine.process.wait()
        while self.copy_out():
            pass

    def copy_out(self):
        data = self.receive(self.console)
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return bool(data)

    def copy_in(self):
        data = os.read(sys.stdin.fileno(), 4096)
        if data:
            self.console.sendall(data)
        else:
            self.selector.unregister(sys.stdin)
            self.console.sendall(END_OF_INPUT)

    def serve(self):
        data = self.receive(self.host)
        self.ended = not data
        self.pending += data
        while b"\n" in self.pending:
            raw, self.pending = self.pending.split(b"\n", 1)
            line = raw.decode(errors="replace").strip()
            word, _, rest = line.partition(" ")
            if word in ("exit", "poweroff"):
                self.code = int(rest)
                self.host.sendall(b"ok\n")
            elif word == "ready":
                # typed earlier, it would be lost when the terminal is set up
                self.selector.register(sys.stdin, selectors.EVENT_READ, self.copy_in)
                self.host.sendall(b"ok\n")
            elif line:
                self.host.sendall(self.machine.request(line).encode() + b"\n")

    @staticmethod
    def receive(channel):
        try:
            return channel.recv(65536) if hasattr(channel, "recv") else channel.read(65536)
        except ConnectionResetError:
            return b""
