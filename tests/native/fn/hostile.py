"""A function of Fn's that links its socket to where it should not, as `ELSEWHERE` says.

`outside` is a socket of its own beside the directory. Whoever comes there is told of in the log.
"""

import os
import socket
import sys
import threading
import time

DIRECTORY = "/tmp/iofs"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nfollowed"


def listen(path, say):
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    os.chmod(path, 0o666)
    listener.listen()
    while True:
        connection, _ = listener.accept()
        if connection.recv(65536):
            print(say, flush=True)
            connection.sendall(ANSWER.replace(b"followed", say.encode()))
        connection.close()


def link(target):
    os.symlink(target, f"{DIRECTORY}/new")
    os.rename(f"{DIRECTORY}/new", f"{DIRECTORY}/lsnr.sock")


elsewhere = os.environ["ELSEWHERE"]
threading.Thread(target=listen, args=("/tmp/outside.sock", "followed")).start()
if elsewhere == "later":
    # A good one first, and another when it was looked at.
    threading.Thread(target=listen, args=(f"{DIRECTORY}/own.sock", "as it is")).start()
    while not os.path.exists(f"{DIRECTORY}/own.sock"):
        time.sleep(0.01)
    link("own.sock")
    time.sleep(2)
    link("../outside.sock")
elif elsewhere == "directory":
    os.rename(DIRECTORY, "/tmp/gone")
    os.symlink("/tmp", DIRECTORY)
    os.symlink("outside.sock", "/tmp/lsnr.sock")
else:
    link(elsewhere)
print("linked", file=sys.stderr, flush=True)
