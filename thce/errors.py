"""The two ways a command ends badly: a wrong input (exit 2) and a finding (exit 1)."""

import errno


class InputError(Exception):
    """Something the user gave is wrong. The message names file, line, field and remedy.

    The command line prints it as one line on standard error and exits with 2. It must never
    carry note text.
    """


_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def input_error(error: OSError) -> InputError:
    """A full disk, a read-only one, a folder where a file should be: as the user should read it."""
    named = error.filename2 or error.filename  # of a copy, where it goes
    reason = error.strerror or str(error).partition("\n")[0][:200] or type(error).__name__
    remedy = "; free space and run the same command again" if error.errno in _FULL else ""
    return InputError(f"{named}: {reason}{remedy}" if named else f"{reason}{remedy}")


class Finding(Exception):  # noqa: N818 - a finding is a result, not an error
    """The command worked and what it checked did not hold: a failed gate, an invalid code.

    The command line prints it as one line on standard error and exits with 1.
    """
