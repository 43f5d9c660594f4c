"""From text to the words that are indexed: one spelling, singular, and marked where negated.

The same function reads official terms and what people type, so that both meet.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

TOKEN = re.compile(r"(?<![a-z0-9])[a-z]-[0-9]+(?![a-z0-9])|[a-z0-9]+(?:'[a-z]+)?|[^\sa-z0-9]")
STOP_WORDS = """a an and are as at be been being by for from had has have he her hers him his i if
in into is it its me my of on or our she than that the their them they this to was we were which
who with you your"""
STOP = frozenset(STOP_WORDS.split())
NEGATORS = frozenset(["without", "no", "not", "denies", "denied", "never", "negative"])
NEGATION_ENDS = frozenset(["with", "but", "due", "in", "from", "on", "by", "now"])
NEGATION_WORDS = 5
NEGATED = "no:"

BRITISH = tuple(
    (re.compile(pattern), plain)
    for pattern, plain in (
        (r"haem", "hem"),
        (r"aemi", "emi"),
        (r"(?<!t)oedem", "edem"),
        (r"oesoph", "esoph"),
        (r"paed", "ped"),
        (r"rrhoe", "rrhe"),
        (r"gynaec", "gynec"),
        (r"foet", "fet"),
        (r"caec", "cec"),
        (r"aneurism", "aneurysm"),
        (r"aetiol", "etiol"),
        (r"anaesth", "anesth"),
        (r"coeliac", "celiac"),
        (r"orrhoid", "orrhoid"),
        (r"tumour", "tumor"),
        (r"odour", "odor"),
        (r"fibre$", "fiber"),
        (r"(lit|cent|met)re$", r"\1er"),
        (r"isation", "ization"),
    )
)
# Endings that only change the part of speech; the longest is tried first. Endings that change
# the disease (-itis, -osis, -oma, -emia) are not here.
ENDING_LIST = """ation ations ative ated ating ate ion ions ive ically ical ic ics ia ial al ally
ance ancy ant ence ency ent ed er ers ing ings ity ness ous us ly tic es e y ment able ible is"""
ENDINGS = tuple(sorted(ENDING_LIST.split(), key=len, reverse=True))
SHORTEST_ROOT = 5
LONGEST = 32  # letters kept of a word


@dataclass(frozen=True, slots=True)
class Token:
    """A word as it stands in a text, in lower case, and whether it is negated there."""

    text: str
    start: int
    end: int
    negated: bool


def scan(text: str) -> list[Token]:
    """The words of a text, the negating ones left out and what they negate marked.

    "Without", "no" and their like reach to the next punctuation, preposition or five words on;
    through "of" only after one word (loss of consciousness, but foreign body of left hand).
    """
    tokens: list[Token] = []
    left = 0
    for match in TOKEN.finditer(fold(text)):
        word = match.group()
        if not word[0].isalnum():
            left = 0 if word in ".;:,()" else left
        elif word in NEGATORS:
            left = NEGATION_WORDS
        else:
            if word in NEGATION_ENDS or (word == "of" and left < NEGATION_WORDS - 1):
                left = 0
            tokens.append(Token(word, match.start(), match.end(), left > 0))
            left = max(0, left - 1)
    return tokens


def index_words(text: str) -> list[str]:
    """The words of a text as indexed, in order, stop words left out.

    A negated word is another word (`no:bleeding`): it never matches the plain one.
    """
    return [
        negate(stem(token.text)) if token.negated else stem(token.text)
        for token in scan(text)
        if token.text not in STOP
    ]


def negate(word: str) -> str:
    """An indexed word as it is where it is negated."""
    return word if word.startswith(NEGATED) else NEGATED + word


def fold(text: str) -> str:
    """Lower case without accents, in as many characters as the text has."""
    if text.isascii():
        return text.lower()
    text = text.replace("\u2019", "'")  # a typographic apostrophe
    decomposed = unicodedata.normalize("NFKD", text.lower())
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


@lru_cache(maxsize=1 << 17)
def stem(token: str) -> str:
    """American spelling, singular, without 's. Words of three letters and fewer stay."""
    word = token.partition("'")[0] if token.endswith("'s") else token.replace("'", "")
    word = word.replace("-", "")  # vitamin b-12
    if len(word) < 4 or word.isdigit():
        return word[:LONGEST]
    for pattern, plain in BRITISH:
        word = pattern.sub(plain, word)
    word = word[:LONGEST]
    if word.endswith("ies") and len(word) > 5:
        return word[:-3] + "y"
    if word.endswith(("sses", "shes", "ches", "xes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is", "ous", "as")):
        return word[:-1]
    return word


@lru_cache(maxsize=1 << 17)
def root(word: str) -> str:
    """What a word shares with its relatives: diabetes and diabetic, obstructed and obstruction."""
    for ending in ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= SHORTEST_ROOT:
            return word[: -len(ending)]
    return word
