"""What an input may be at most."""

MAX_BAD_PERCENT = 5.0
"""Bad rows in a hundred past which an input is refused."""

MAX_TEXT_CHARACTERS = 1_000_000
MAX_ID_CHARACTERS = 256
MAX_LINE_BYTES = 8 * 1024**2
