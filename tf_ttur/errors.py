"""The one error that a user is meant to read, and the one way to be stopped."""

import signal


class UserError(Exception):
    """Input that cannot be used.

    Args:
      found: what is there, naming the file, key or value.
      expected: what would have been right.
      cure: what the user can do about it.
    """

    def __init__(self, found: object, expected: str, cure: str) -> None:
        self.found = found
        self.expected = expected
        self.cure = cure
        super().__init__(f"{found}\n  expected: {expected}\n  to do:    {cure}")


class Stopped(KeyboardInterrupt):
    """A signal has asked the process to end.

    Args:
      number: of the signal.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(signal.Signals(number).name)
