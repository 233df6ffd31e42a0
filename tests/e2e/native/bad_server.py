"""A server on a port that answers as it should not, if it is asked to."""

import os
import signal
import socket
import sys
import time

signal.signal(signal.SIGTERM, signal.SIG_IGN)
OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s"
BAD = {
    "garbage": b"\x00\x01\x02 this is no answer\r\n\r\n",
    "half": b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nabout",
    "closes": b"",
    "status": b"HTTP/1.1 999999 Big\r\n\r\n",
    "split": b"HTTP/1.1 200 OK\r\nX-A: b\r\nX-\x00A: c\r\nContent-Length: 0\r\n\r\n",
    "twice": OK % (5, b"first") + OK % (6, b"second"),
    "lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc",
    "early": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
}


def serve(line):
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = line.recv(1)
        if not byte:
            return
        head += byte
    act = head.split(b" ", 2)[1].decode().rsplit("/", 1)[-1]
    if act == "endless":
        line.sendall(b"HTTP/1.1 200 OK\r\nX-A: ")
        while True:
            line.sendall(b"x" * 65536)
    if act == "leaves":
        os._exit(4)
    if act == "silent":
        time.sleep(100000)
    line.sendall(BAD[act] if act in BAD else OK % (len(act), act.encode()))
    if act in ("fine", "twice"):
        serve(line)


listener = socket.create_server(("127.0.0.1", int(os.environ["PORT"])))
while True:
    connection, _ = listener.accept()
    with connection:
        try:
            serve(connection)
        except OSError as error:
            print(error, file=sys.stderr)
