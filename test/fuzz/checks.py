"""For schemathesis: an error is one of the service's own, with a code and a message."""

import re

import schemathesis


@schemathesis.check
def coded_error(ctx, response, case):
    if response.status_code < 400:
        return
    error = response.json()["error"]
    assert re.fullmatch(r"DIPTYCH_[A-Z_]+", error["code"]), error
    assert error["message"], error
