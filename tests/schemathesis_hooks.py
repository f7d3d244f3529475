"""What Schemathesis is not to ask; see tests/api.sh."""

import schemathesis
from schemathesis import Case, HookContext


@schemathesis.hook
def filter_case(context: HookContext, case: Case) -> bool:
    """A header whose bytes are no UTF-8 never arrives (README, "The API"): the request is one without it, and answered as such."""
    for value in (case.headers or {}).values():
        try:
            str(value).encode("latin-1").decode()
        except UnicodeDecodeError:
            return False
        except UnicodeEncodeError:
            # It is sent as UTF-8, if at all.
            pass
    return True
