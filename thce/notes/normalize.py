"""Plain text out of whatever an export made of a note: Unicode, line ends, blanks, list commas.

Wording is never changed. Line breaks stay (headings and lists carry meaning); so do gaps of three
blanks, which is what columns such as `Patient: X      MRN: Y` become.
"""

import re
import unicodedata

_REMOVED = (
    *range(0x00, 0x09),
    *range(0x0E, 0x1C),
    *range(0x7F, 0x85),
    *range(0x86, 0xA0),
    0xAD,
    *range(0x200B, 0x2010),
    *range(0x202A, 0x202F),
    *range(0x2060, 0x2070),
    0xFEFF,
)
_LINE_BREAKS = (0x0B, 0x0C, 0x0D, 0x1C, 0x1D, 0x1E, 0x85, 0x2028, 0x2029)
_BLANKS = (0x1F, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000)
_PLAIN = {0x2018: "'", 0x2019: "'", 0x201C: '"', 0x201D: '"'} | dict.fromkeys(
    (0x2010, 0x2011, 0x2012, 0x2013, 0x2212), "-"
)
_CHARACTERS = (
    dict.fromkeys(_REMOVED, None)
    | dict.fromkeys(_LINE_BREAKS, "\n")
    | dict.fromkeys(_BLANKS, " ")
    | dict.fromkeys(range(0xD800, 0xE000), "\ufffd")
    | _PLAIN
)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")

# Each pattern begins with a literal, so that the search leaps from comma to comma.
_HEADING_AFTER_COMMA = re.compile(r",(?=[A-Z][A-Z0-9 /&()'-]{2,60}:)")
_ITEM_AFTER_COLON = re.compile(r": ?,(?=\d{1,2}\. )")
_COLON_COMMA = re.compile(r":(?: *,)+ *")
_SENTENCE_COMMA = re.compile(
    r",(?:(?<=[a-z0-9)%\]][.;?!],)|(?<=[a-z0-9)%\]][.;?!] ,))(?<!e\.g\.,)(?<!i\.e\.,)(?=[A-Z0-9])"
)
_ITEM_COMMA = re.compile(r",(?:(?<=[A-Za-z)%\]],)|(?<=[A-Za-z)%\]] ,))(?=\d{1,2}\. {1,2}[A-Z])")

_TAB = re.compile(r"\t[ \t]*")
_GAP = re.compile(r" {3,}")
_EMPTY_LINES = re.compile(r"\n{3,}")


def normalize(text: str) -> str:
    """A note in plain form; the form of a plain note is itself.

    - CRLF and other line breaks become a line feed; control, zero-width and direction marks go;
      blanks of every width become a space; curly quotes and short dashes become straight ones;
      a lone surrogate becomes U+FFFD; the whole is in Unicode NFC.
    - Transcription services (MTSamples) export a line break as a comma with nothing after it:
      `DIAGNOSIS: , Effusion.,PROCEDURE: , ...`. Such a comma becomes a line break again, or
      nothing after a colon. A comma that a person typed is followed by a blank and stays.
    - Runs of blanks become one, or three where they were three or more; blank lines, one.
    """
    if "\r" in text:
        text = text.replace("\r\n", "\n")
    if not text.isascii():
        text = unicodedata.normalize("NFC", text.translate(_CHARACTERS))
    elif _CONTROL.search(text):
        text = text.translate(_CHARACTERS)
    text = _collapse_blanks(text)
    return _break_at_artefacts(text) if "," in text else text


def _break_at_artefacts(text: str) -> str:
    text = _HEADING_AFTER_COMMA.sub("\n", text)
    text = _ITEM_AFTER_COLON.sub(":\n", text)
    text = _COLON_COMMA.sub(": ", text)
    text = _SENTENCE_COMMA.sub("\n", text)
    return _strip_lines(_ITEM_COMMA.sub("\n", text))


def _collapse_blanks(text: str) -> str:
    if "\t" in text:
        text = _TAB.sub("   ", text)
    if "  " in text:
        # No control character is left by now, so one can stand for the gap.
        text = _GAP.sub("\x00", text).replace("  ", " ").replace("\x00", "   ")
    return _strip_lines(text)


def _strip_lines(text: str) -> str:
    if " \n" in text or "\n " in text:
        text = "\n".join([line.strip(" ") for line in text.split("\n")])
    if "\n\n\n" in text:
        text = _EMPTY_LINES.sub("\n\n", text)
    return text.strip()
