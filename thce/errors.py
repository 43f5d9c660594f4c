"""The two ways a command ends badly: a wrong input (exit 2) and a finding (exit 1)."""


class InputError(Exception):
    """Something the user gave is wrong. The message names file, line, field and remedy.

    The command line prints it as one line on standard error and exits with 2. It must never
    carry note text.
    """


class Finding(Exception):  # noqa: N818 - a finding is a result, not an error
    """The command worked and what it checked did not hold: a failed gate, an invalid code.

    The command line prints it as one line on standard error and exits with 1.
    """
