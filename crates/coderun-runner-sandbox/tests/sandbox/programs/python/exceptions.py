import contextlib
import sys
import traceback


class TooPoor(Exception):
    def __init__(self, missing):
        super().__init__(f"{missing} missing")
        self.missing = missing


def pay(balance, price):
    if price > balance:
        raise TooPoor(price - balance)
    return balance - price


@contextlib.contextmanager
def tag(name):
    print(f"<{name}>")
    try:
        yield
    finally:
        print(f"</{name}>")


for attempt in ("7", "x", "0", "[]"):
    try:
        print(10 / int(attempt))
    except ValueError as error:
        print("value:", error)
    except ZeroDivisionError as error:
        print("zero:", error)
    else:
        print("fine")
    finally:
        print("next")
try:
    with tag("b"):
        pay(5, 7)
except TooPoor as error:
    print(error, error.missing)
try:
    try:
        {}["key"]
    except KeyError as error:
        raise RuntimeError("no key") from error
except RuntimeError as error:
    print(repr(error.__cause__))
    print(traceback.format_exc().splitlines()[-1])
print("so far", file=sys.stderr)
pay(1, 2)
