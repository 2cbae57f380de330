# SPDX-License-Identifier: MIT
"""Builds the guest's root file system as an initramfs (cpio, "newc" format).

It is the host's static busybox, the harness's init, the kernel modules asked for
with what they depend on, programs with the shared libraries that the host's
loader finds for them, and data files. Nothing of it is taken from the network.
For a guest of another architecture a folder has busybox and flock, and programs
must be static.
"""

import lzma
import os
import shutil
import stat
import subprocess
import tempfile

HERE = os.path.dirname(os.path.realpath(__file__))
LIBDIR = "usr/lib/x86_64-linux-gnu"
MERGED = {"bin": "usr/bin", "sbin": "usr/sbin", "lib": "usr/lib", "lib64": "usr/lib64"}
FOLDERS = ["dev", "proc", "sys", "tmp", "run", "mnt", "root", "etc/enpu"]


class Error(Exception):
    """Something the caller asked for cannot be had; the text says what."""


def output_of(*command, errors_here=False):
    """What a command prints; its messages are shown as they come if ERRORS_HERE."""
    errors = None if errors_here else subprocess.PIPE
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=errors, text=True, check=False
    )
    if done.returncode:
        raise Error(f"{' '.join(command)}: {(done.stderr or 'failed').strip()}")
    return done.stdout


class Initramfs:
    """A tree of files, kept as guest path -> (mode, bytes), written at the end."""

    def __init__(self, foreign):
        self.entries = {}
        self.foreign = foreign
        for link, target in MERGED.items():
            self.folder(target)
            self.entries[link] = (stat.S_IFLNK | 0o777, target.encode())
        for folder in FOLDERS:
            self.folder(folder)
        self.entries["etc/passwd"] = (stat.S_IFREG | 0o644, b"root:x:0:0:root:/root:/bin/sh\n")
        self.entries["etc/group"] = (stat.S_IFREG | 0o644, b"root:x:0:\n")

    def place(self, guest):
        """The guest path without links in it, as those of a merged /usr."""
        guest = os.path.normpath(guest).lstrip("/")
        first, _, rest = guest.partition("/")
        return f"{MERGED[first]}/{rest}" if first in MERGED and rest else guest

    def folder(self, guest):
        parts = self.place(guest).split("/") if guest.strip("/") else []
        for depth in range(1, len(parts) + 1):
            self.entries.setdefault("/".join(parts[:depth]), (stat.S_IFDIR | 0o755, b""))

    def text(self, guest, text, mode=0o644):
        guest = self.place(guest)
        self.folder(os.path.dirname(guest))
        self.entries[guest] = (stat.S_IFREG | mode, text.encode())

    def link(self, guest, target):
        guest = self.place(guest)
        self.folder(os.path.dirname(guest))
        self.entries[guest] = (stat.S_IFLNK | 0o777, target.encode())

    def file(self, host, guest):
        """A file, or a folder with all below it."""
        if os.path.isdir(host):
            for name in sorted(os.listdir(host)):
                self.file(os.path.join(host, name), os.path.join(guest, name))
            return
        guest = self.place(guest)
        self.folder(os.path.dirname(guest))
        try:
            with open(host, "rb") as source:
                mode = stat.S_IMODE(os.fstat(source.fileno()).st_mode)
                self.entries[guest] = (stat.S_IFREG | mode, source.read())
        except OSError as error:
            raise Error(f"{host}: {error.strerror}") from error

    def busybox(self):
        path = shutil.which("busybox")
        if not path or "not a dynamic executable" not in subprocess.run(
            ["ldd", path], capture_output=True, text=True, check=False
        ).stderr:
            raise Error("needs a static busybox: apt-get install busybox-static")
        # the foreign one is of the same release: the same applets
        self.file(f"{self.foreign}/bin/busybox" if self.foreign else path, "usr/bin/busybox")
        for applet in output_of(path, "--list").split():
            if applet != "busybox":
                self.link(f"usr/bin/{applet}", "busybox")

    def program(self, host, guest=None):
        """A program or a plug-in, with the shared libraries it is linked to."""
        self.file(host, guest or f"usr/bin/{os.path.basename(host)}")
        with open(host, "rb") as source:
            if source.read(4) != b"\x7fELF":
                return
        if self.foreign:
            if "INTERP" in output_of("readelf", "-lW", host):
                raise Error(f"{host}: a guest of another architecture takes static programs only")
            return
        found = subprocess.run(["ldd", host], capture_output=True, text=True, check=False)
        for line in found.stdout.splitlines():
            words = line.split()
            if "not found" in line:
                raise Error(f"{host}: the library {words[0]} is not found on the host")
            if len(words) >= 3 and words[1] == "=>":
                self.file(os.path.realpath(words[2]), f"{LIBDIR}/{words[0]}")
            elif words and words[0].startswith("/"):
                self.file(os.path.realpath(words[0]), words[0])

    def modules(self, kernel, names, own):
        """Modules of the kernel by name, and modules of ours by path."""
        with open(os.path.join(kernel, "release"), encoding="ascii") as source:
            release = source.read().strip()
        with tempfile.TemporaryDirectory() as stage:
            base = os.path.join(stage, "lib/modules", release)
            os.makedirs(os.path.join(base, "updates"))
            wanted = list(names)
            for path in own:
                shutil.copy(path, os.path.join(base, "updates"))
                wanted += module_info(path, "depends").split(",")
                if module_info(path, "vermagic").split()[0] != release:
                    raise Error(f"{path} is not built for the kernel {release}")
            for path, data in closure(os.path.join(kernel, "modules"), wanted).items():
                target = os.path.join(base, path)
                os.makedirs(os.path.dirname(target), exist_ok=True)
                with open(target, "wb") as sink:
                    sink.write(data)
            for name in ("modules.builtin", "modules.builtin.modinfo", "modules.order"):
                shutil.copy(os.path.join(kernel, "modules", name), base)
            output_of("depmod", "-b", stage, release)
            self.file(base, f"usr/lib/modules/{release}")

    def write(self, path):
        with open(path, "wb") as sink:
            entries = {"dev/console": (stat.S_IFCHR | 0o600, b"")}
            entries = dict(sorted({**self.entries, **entries}.items()))
            for inode, (name, (mode, data)) in enumerate(entries.items(), 1):
                rdev = (5, 1) if stat.S_ISCHR(mode) else (0, 0)
                record(sink, inode, name, mode, data, rdev)
            record(sink, 0, "TRAILER!!!", 0, b"", (0, 0))


def record(sink, inode, name, mode, data, rdev):
    name = name.encode() + b"\0"
    fields = (inode, mode, 0, 0, 1, 0, len(data), 0, 0, *rdev, len(name), 0)
    header = b"070701" + b"".join(b"%08X" % field for field in fields) + name
    sink.write(header + b"\0" * (-len(header) % 4) + data + b"\0" * (-len(data) % 4))


def module_info(path, field):
    tool = shutil.which("modinfo") or "/sbin/modinfo"
    return output_of(tool, "-F", field, path).strip()


def unpacked(path):
    """The bytes of a module file that may be compressed, and its plain name."""
    for suffix, reader in (
        ("", None),
        (".xz", lzma.decompress),
        (".zst", lambda data: subprocess.run(
            ["zstd", "-dcq"], input=data, stdout=subprocess.PIPE, check=True).stdout),
    ):
        if os.path.exists(path + suffix):
            with open(path + suffix, "rb") as source:
                data = source.read()
            return reader(data) if reader else data
    raise Error(f"{path}: the kernel package lists this module but does not have it")


def closure(folder, names):
    """Path below FOLDER -> bytes of the named modules and all they depend on."""
    def plain(path):
        return os.path.splitext(os.path.basename(path))[0].replace("-", "_")

    with open(os.path.join(folder, "modules.order"), encoding="ascii") as source:
        known = {plain(line): os.path.splitext(line.strip())[0] + ".ko" for line in source}
    with open(os.path.join(folder, "modules.builtin"), encoding="ascii") as source:
        builtin = {plain(line.strip()) for line in source}
    result, todo = {}, [name for name in names if name]
    with tempfile.TemporaryDirectory() as scratch:
        while todo:
            name = todo.pop().replace("-", "_")
            if name in builtin or known.get(name) in result:
                continue
            if name not in known:
                raise Error(f"the kernel has no module {name}")
            path = known[name]
            result[path] = unpacked(os.path.join(folder, path))
            copy = os.path.join(scratch, "module.ko")
            with open(copy, "wb") as sink:
                sink.write(result[path])
            todo += [need for need in module_info(copy, "depends").split(",") if need]
    return result


def base(foreign):
    """What every guest has: busybox, init and the helpers that tests call.

    FOREIGN: a folder with programs of the guest's architecture, None for the host's.
    """
    root = Initramfs(foreign)
    root.busybox()
    if foreign:
        root.file(foreign, "usr")
    else:
        root.program(shutil.which("flock") or "/usr/bin/flock")
    root.file(os.path.join(HERE, "init"), "init")
    root.file(os.path.join(HERE, "guest"), "usr/bin")
    return root
