"""A function of AWS Lambda's contract that does what it is told, and it is told bad things."""

import ctypes
import errno
import json
import os
import signal
import socket
import time

COUNT = 0


def handler(event, context):
    global COUNT
    COUNT += 1
    act = event["rawPath"].rsplit("/", 1)[-1]
    said = globals()[act](event.get("queryStringParameters") or {})
    return {"statusCode": 200, "body": json.dumps(said)}


def fine(query):
    return {"count": COUNT, "pid": os.getpid()}


def leaves(query):
    os._exit(3)


def dies(query):
    os.kill(os.getpid(), signal.SIGSEGV)
    ctypes.string_at(0)


def raises(query):
    raise ValueError("said by the function")


def sleeps(query):
    time.sleep(100000)


def spins(query):
    while True:
        pass


def forks(query):
    children = 0
    for _ in range(1000):
        try:
            child = os.fork()
        except OSError as error:
            return {"children": children, "error": errno.errorcode[error.errno]}
        if child == 0:
            time.sleep(100000)
        children += 1
    return {"children": children}


def fills(query):
    written = 0
    try:
        with open("/tmp/full", "wb", buffering=0) as file:
            for _ in range(1024):
                written += file.write(bytes(1 << 20))
    except OSError as error:
        os.unlink("/tmp/full")
        return {"written": written, "error": errno.errorcode[error.errno]}
    return {"written": written}


def hoards(query):
    kept = []
    while True:
        kept.append(bytearray(b"x" * (8 << 20)))


def prints(query):
    line = b"x" * 1023 + b"\n"
    block = line * 1024
    for _ in range(1024):
        part = block
        while part:
            part = part[os.write(1, part):]
    return {}


def reads(query):
    """What of the machine can be read."""
    found = {}
    for path in query["paths"].split(","):
        try:
            with open(path, "rb") as file:
                found[path] = file.read(64).decode("latin-1")
        except OSError as error:
            found[path] = errno.errorcode[error.errno]
    found["processes"] = sorted(int(name) for name in os.listdir("/proc") if name.isdigit())
    found["root"] = sorted(os.listdir("/"))
    found["environment"] = sorted(os.environ)
    found["writes"] = {}
    for path in ("/x", "/etc/x", "/usr/x", "/var/task/x", "/dev/x"):
        try:
            open(path, "w").close()
            found["writes"][path] = "written"
        except OSError as error:
            found["writes"][path] = errno.errorcode[error.errno]
    with open("/proc/self/status") as file:
        status = dict(line.split(":\t", 1) for line in file.read().splitlines() if ":\t" in line)
    found["status"] = {name: status[name] for name in ("CapEff", "CapBnd", "NoNewPrivs", "Seccomp")}
    return found


def calls(query):
    """System calls that no function needs, by their numbers."""
    libc = ctypes.CDLL(None, use_errno=True)
    numbers = {
        "x86_64": {"ptrace": 101, "mount": 165, "unshare": 272, "setns": 308, "bpf": 321, "keyctl": 250,
                   "io_uring_setup": 425, "userfaultfd": 323, "perf_event_open": 298, "chroot": 161,
                   "pivot_root": 155, "init_module": 175, "kexec_load": 246, "process_vm_readv": 310,
                   "open_tree": 428, "fsopen": 430, "pidfd_getfd": 438, "reboot": 169},
        "aarch64": {"ptrace": 117, "mount": 40, "unshare": 97, "setns": 268, "bpf": 280, "keyctl": 219,
                    "io_uring_setup": 425, "userfaultfd": 282, "perf_event_open": 241, "chroot": 51,
                    "pivot_root": 41, "init_module": 105, "kexec_load": 104, "process_vm_readv": 270,
                    "open_tree": 428, "fsopen": 430, "pidfd_getfd": 438, "reboot": 142},
    }[os.uname().machine]
    said = {}
    for name, number in numbers.items():
        ctypes.set_errno(0)
        flags = 0x10000000 if name == "unshare" else 0
        result = libc.syscall(ctypes.c_long(number), ctypes.c_long(flags), None, None, None, None)
        said[name] = "done" if result >= 0 else errno.errorcode[ctypes.get_errno()]
    return said


def connects(query):
    """What answers at addresses."""
    said = {}
    for place in query["places"].split(","):
        host, port = place.rsplit(":", 1)
        try:
            socket.create_connection((host, int(port)), timeout=5).close()
            said[place] = "connected"
        except socket.gaierror:
            said[place] = "unknown"
        except OSError as error:
            said[place] = errno.errorcode.get(error.errno, str(error))
    return said
