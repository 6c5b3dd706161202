# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 the Perdure contributors
"""What the guests boot: Debian's kernel for virtual machines, and a file system in memory with a few programs.

The kernel's package is downloaded and unpacked, never installed. Nothing else is downloaded.
"""

import glob
import os
import re
import shutil
import subprocess

PACKAGE = "linux-image-cloud-amd64"
# Another file server, and what it loads that is not on every system.
GANESHA = ["nfs-ganesha", "nfs-ganesha-vfs", "libntirpc4.3", "liburcu8", "libwbclient0", "libnfsidmap1"]
# The modules that the guests load, with what these need.
MODULES = ("virtio_pci", "virtio_net", "virtio_blk", "nfsd", "nfs", "nfsv4")


class Unavailable(Exception):
    """Something that the lab needs is not to be had here."""


def run(*arguments, **options):
    return subprocess.run(arguments, check=True, stdout=subprocess.PIPE, text=True, **options).stdout


def fetch(folder, name, packages):
    """The folder with some unpacked packages, which are downloaded when they are not there yet. `packages` finds their
    names, or none."""
    unpacked = os.path.join(folder, name)
    if os.path.exists(os.path.join(unpacked, "complete")):
        return unpacked
    shutil.rmtree(unpacked, ignore_errors=True)
    os.makedirs(unpacked)
    if shutil.which("apt-cache") is None:
        raise Unavailable("the lab takes its %s from a package of Debian" % name)
    names = packages()
    if not names:
        # The list of packages may never have been fetched.
        as_root = [] if os.geteuid() == 0 else ["sudo"]
        subprocess.run([*as_root, "apt-get", "update", "-qq"], stdout=subprocess.DEVNULL, check=False)
        names = packages()
    if not names:
        raise Unavailable("the lab takes its %s from a package of Debian that there is not here" % name)
    # As root, apt would warn that its own user cannot write here.
    run("apt-get", "download", "-qq", "-o", "APT::Sandbox::User=root", *names, cwd=unpacked)
    for package in glob.glob(os.path.join(unpacked, "*.deb")):
        run("dpkg-deb", "--extract", package, unpacked)
        os.remove(package)
    open(os.path.join(unpacked, "complete"), "w").close()
    return unpacked


def kernel_packages():
    found = subprocess.run(["apt-cache", "depends", PACKAGE], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return re.findall(r"Depends: (linux-image-\S+)", found.stdout)


def ganesha_packages():
    found = subprocess.run(["apt-cache", "show", "--no-all-versions", *GANESHA], stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)
    return GANESHA if found.returncode == 0 else []


def modules_in_order(kernel):
    """The paths of the modules, each after those that it needs."""
    paths = {}
    for path in glob.glob(os.path.join(kernel, "lib/modules/*/kernel/**/*.ko*"), recursive=True):
        paths[os.path.basename(path).split(".")[0].replace("-", "_")] = path
    order = []

    def add(name):
        path = paths.get(name.replace("-", "_"))
        # What is not a module is built in.
        if path is None or path in order:
            return
        with open(path, "rb") as file:
            needed = re.search(rb"\0depends=([^\0]*)\0", file.read())
        for other in needed.group(1).decode().split(",") if needed else ():
            if other:
                add(other)
        order.append(path)

    for module in MODULES:
        add(module)
    return order


def libraries(program, search=()):
    """The shared libraries that a program loads, by the paths under which it looks for them."""
    listed = subprocess.run(["ldd", program], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                            env=dict(os.environ, LD_LIBRARY_PATH=":".join(search))).stdout
    missing = re.findall(r"(\S+) => not found", listed)
    if missing:
        raise Unavailable("%s needs %s" % (os.path.basename(program), " ".join(missing)))
    return re.findall(r"(/\S+) \(0x", listed)


class Archive:
    """A file in the format that the kernel unpacks into memory: cpio, "newc"."""

    def __init__(self, path):
        self.file = open(path, "wb")
        self.count = 0
        self.names = set()

    def add(self, name, mode, data=b""):
        """Adds a file or folder, and the folders above it."""
        name = os.path.normpath(name).lstrip("/")
        if name in self.names:
            return
        if os.path.dirname(name):
            self.add(os.path.dirname(name), 0o040755)
        self.names.add(name)
        self.entry(name, mode, data)

    def entry(self, name, mode, data):
        self.count += 1
        # inode, mode, owner, group, links, time, size, device ×4, length of the name, checksum
        fields = (self.count, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0)
        self.write(b"070701" + b"".join(b"%08X" % field for field in fields) + name.encode() + b"\0")
        self.write(data)

    def write(self, data):
        self.file.write(data + b"\0" * (-len(data) % 4))

    def copy(self, source, name, mode=0o100755):
        with open(source, "rb") as file:
            self.add(name, mode, file.read())

    def program(self, source, name, search=()):
        self.copy(source, name)
        for library in libraries(source, search):
            # What was not found where a system keeps it is put where the guest looks for it.
            self.copy(library, library if library.startswith(("/lib", "/usr", "/opt")) or not search
                      else "/lib/" + os.path.basename(library))

    def close(self):
        self.entry("TRAILER!!!", 0, b"")
        self.file.close()


def build(cache, folder, writer, server):
    """Makes the initial file system in a folder; returns the paths of the kernel and of that."""
    os.makedirs(cache, exist_ok=True)
    kernel = fetch(cache, "kernel", kernel_packages)
    programs = {"busybox": shutil.which("busybox"), "sqlite3": shutil.which("sqlite3"), "StoreWriter": writer}
    for name, path in programs.items():
        if path is None or not os.path.exists(path):
            raise Unavailable("there is no %s" % name)
    if libraries(programs["busybox"]):
        raise Unavailable("busybox is not linked statically: install busybox-static")
    path = os.path.join(folder, "initial.cpio")
    archive = Archive(path)
    archive.copy(os.path.join(os.path.dirname(os.path.abspath(__file__)), "init"), "init")
    for name, source in programs.items():
        archive.program(source, "bin/" + name)
    if server == "ganesha":
        add_ganesha(archive, fetch(cache, "ganesha", ganesha_packages))
    order = modules_in_order(kernel)
    for module in order:
        archive.copy(module, "modules/" + os.path.basename(module), 0o100644)
    archive.add("modules/order", 0o100644, "".join(os.path.basename(each) + "\n" for each in order).encode())
    archive.add("etc/passwd", 0o100644, b"root:x:0:0::/:/bin/sh\nsandbox:x:993:990::/:/bin/sh\n")
    archive.add("etc/group", 0o100644, b"root:x:0:\nsandbox:x:990:\n")
    for name in ("proc", "sys", "dev", "tmp"):
        archive.add(name, 0o040755)
    archive.close()
    return glob.glob(os.path.join(kernel, "boot/vmlinuz-*"))[0], path


def add_ganesha(archive, unpacked):
    """The user-space file server with its module for local file systems, and what it wants to find in /etc."""
    search = [os.path.join(unpacked, "usr/lib/x86_64-linux-gnu"), os.path.join(unpacked, "usr/lib/ganesha")]
    archive.program(os.path.join(unpacked, "usr/bin/ganesha.nfsd"), "bin/ganesha.nfsd", search)
    # For local file systems, and for the names of owners, of which only numbers are used.
    for module in ("ganesha/libfsalvfs.so", "libnfsidmap/nsswitch.so"):
        archive.program(os.path.join(search[0], module), "usr/lib/x86_64-linux-gnu/" + module, search)
    archive.add("etc/idmapd.conf", 0o100644, b"[General]\nDomain = lab\n[Translation]\nMethod = nsswitch\n")
    for name in ("protocols", "services", "netconfig", "nsswitch.conf"):
        if os.path.exists("/etc/" + name):
            archive.copy("/etc/" + name, "etc/" + name, 0o100644)
