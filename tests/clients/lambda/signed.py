"""Requests that are signed, and then sent as their signer did not mean them."""

import datetime
import os
import urllib.error
import urllib.request

import botocore.auth
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from rig import URL

KEY = Credentials(os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"])
INVOKE = f"{URL}/2015-03-31/functions/f/invocations"


def signed(auth=None, url=INVOKE, body=b"{}", at=None, **headers):
    """A request, signed as if it were so much later, in seconds."""
    request = AWSRequest("POST", url, data=body, headers=headers)
    now = datetime.datetime.now(datetime.timezone.utc)
    said = now + datetime.timedelta(seconds=at or 0)
    real = botocore.auth.get_current_datetime
    botocore.auth.get_current_datetime = lambda *_, **__: said.replace(tzinfo=None)
    try:
        (auth or SigV4Auth(KEY, "lambda", "eu-central-1")).add_auth(request)
    finally:
        botocore.auth.get_current_datetime = real
    return request.prepare()


def send(request, body=None, **change):
    """Sends it. Gives the status, the type of the error, and the body."""
    headers = {name: value for name, value in request.headers.items()}
    headers.update({name.replace("_", "-"): value for name, value in change.items()})
    data = request.body if body is None else body
    data = data.encode() if isinstance(data, str) else data
    plain = urllib.request.Request(request.url, data=data, headers=headers, method="POST")
    try:
        with urllib.request.urlopen(plain) as answer:
            return answer.status, None, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers["x-amzn-ErrorType"], error.read()


def refused(answer, kind, words=b""):
    status, said, body = answer
    assert (status, said) == (403, kind) and words in body, answer


fine = signed()
assert send(fine)[0] == 200
refused(send(fine), "InvalidSignatureException", b"was used before")

refused(send(signed(at=-360)), "InvalidSignatureException", b"Signature expired: ")
refused(send(signed(at=360)), "InvalidSignatureException", b"Signature not yet current: ")
assert send(signed(at=-240))[0] == 200
refused(send(signed(), body=b'{"a":1}'), "InvalidSignatureException", b"does not match")
refused(send(signed(), x_amz_invocation_type="Event"), "InvalidSignatureException", b"not signed")
other = signed()
other.url = other.url.replace("/f/", "/closed/")
refused(send(other), "InvalidSignatureException", b"does not match")
wrong = SigV4Auth(KEY, "s3", "eu-central-1")
refused(send(signed(wrong)), "InvalidSignatureException", b"correct service: 'lambda'")
unsigned = AWSRequest("POST", INVOKE, data=b"{}").prepare()
refused(send(unsigned), "MissingAuthenticationTokenException", b"Missing Authentication Token")
for text in ["Bearer cmt_x", "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 Credential=a"]:
    answer = send(unsigned, Authorization=text)
    refused(answer, "IncompleteSignatureException")

# In the query, for as long as it says.
query = SigV4QueryAuth(KEY, "lambda", "eu-central-1", expires=60)
fine = signed(query)
assert "X-Amz-Signature=" in fine.url and send(fine)[0] == 200, send(fine)
refused(send(fine), "InvalidSignatureException", b"was used before")
query = SigV4QueryAuth(KEY, "lambda", "eu-central-1", expires=60)
refused(send(signed(query, at=-120)), "InvalidSignatureException", b"Signature expired: ")
query = SigV4QueryAuth(KEY, "lambda", "eu-central-1", expires=86400)
refused(send(signed(query)), "IncompleteSignatureException", b"3600")
print("done")
