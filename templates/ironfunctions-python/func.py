"""A function of IronFunctions', in its format `default`: what it prints is the answer."""

import os
import sys
from urllib.parse import unquote, urlsplit

path = urlsplit(os.environ["REQUEST_URL"]).path
name = unquote(path.rsplit("/", 1)[-1])
print("asked for", path, file=sys.stderr)
print(f"Hello, {name}!")
