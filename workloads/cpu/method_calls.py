"""Call methods that call methods: attribute look-up along a class hierarchy, and frames.

Holds the GIL all the time; the object is the thread's own, the classes belong to all. Unit: rounds of 1 800
calls. Source: the method-call tasks of pybench (CPython's Tools/pybench up to 3.6); "pymethod" of CPython's
Tools/ftscalingbench.
"""

WORKLOAD = {
    "driver": "parallel",
    "unit": "rounds",
    "parameters": {"count": 900},
    "checksum": "244750",
}


class Account(object):
    """Knows its balance."""

    def __init__(self):
        self.balance = 0

    def deposit(self, amount):
        """Add to the balance and return it."""
        self.balance += amount
        return self.balance


class Limited(Account):
    """Gives away what is over its limit."""

    limit = 200

    def pay_in(self, amount):
        """Add, and cut down to the limit."""
        if self.deposit(amount) > self.limit:
            self.balance -= self.limit


def prepare(parameters):
    return parameters["count"]


def operation(count):
    account = Limited()
    for amount in range(count):
        account.pay_in(amount)
    return account.balance
