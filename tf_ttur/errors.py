"""The one error that a user is meant to read: what was found, what was expected, what to do."""


class UserError(Exception):
    """Input that cannot be used.

    Args:
      found: what is there, naming the file, key or value.
      expected: what would have been right.
      cure: what the user can do about it.
    """

    def __init__(self, found, expected, cure):
        self.found, self.expected, self.cure = found, expected, cure
        super().__init__(f"{found}\n  expected: {expected}\n  to do:    {cure}")
