"""Recognizers of personal names that something announces: a title, a credential, a label.

A name in running text with nothing beside it is not seen, unless the same surname was announced
elsewhere in the note.
"""

import re
from collections.abc import Iterator

from thce.notes.lexicon import EPONYMS, FUNCTION_WORDS, NOT_NAMES, ROLES, words
from thce.notes.name_grammar import NAME, PAIR, TOKEN, Stretch, has_common, leading, trailing
from thce.notes.spans import Source

_TITLE = re.compile(
    r"(?:Dr\b\.?|Drs\b\.?|DR\.|DRS\.|Mr\b\.?|Mrs\b\.?|Ms\b\.?|Mx\b\.?|MR\.(?= [A-Z]{2})|MRS\."
    r"|MS\.(?= [A-Z]{2})|Miss\b|MISS\b|Prof(?:essor|\b\.?)|Doctor\b|Nurse\b|Master\b"
    r"|Rev(?:erend|\.)|Pastor|Rabbi|Sr\.|Sgt\b\.?|Sergeant|Capt(?:ain|\b\.?)|Col(?:onel|\b\.?)"
    r"|Lieutenant|Dame\b|Sir\b|Lady\b|NP\b|RN\b|CRNA\b|LPN\b|PA-C\b|RRT\b) "
    r"(?:(?:and|&) (?:Mrs|Mr|Ms|Dr)\b\.? )?"
)
_MORE_NAMES = re.compile(r"(?:, and |, | and | & |/)(?:Drs?\b\.? )?")
_LOWER_TITLES = ("dr ", "dr. ", "mr ", "mr. ", "mrs ", "mrs. ", "ms. ")
_AFTER_LOWER_TITLE = re.compile(r"[a-z][a-z'-]{2,20}\b(?!:)")
_NOT_AFTER_LOWER_TITLE = words(
    """
    agree agrees aware bedside came contin covering discuss done here imaging made order orders
    present recs saw says seen sent spoke states sulfate want wants went wrote
    """
)
# After a title even a word of the clinic may be a surname; a pronoun or another role may not.
_NEVER_FIRST = (FUNCTION_WORDS | ROLES) - {"may", "will"}

_CREDENTIAL = re.compile(
    r"(?:M\.D\.|MD\b|D\.O\.|DO\b|RN\b|R\.N\.|PA-C\b|P\.A\.-C\b|NP(?:-C|-BC)?\b|FNP(?:-C|-BC)?\b|ACNP\b"
    r"|CRNP\b|DNP\b|APRN\b|CRNA\b|LPN\b|RRT\b|CRT\b|PharmD\b|Pharm\.D\.|Ph\.D\.|PhD\b|MBBS\b|MBBCh\b"
    r"|MBChB\b|MRCP\b|FRC[SPA]\b|FCCP\b|FACS\b|FACP\b|MS[1-4]\b|PGY ?-?\d\b|MPH\b|MSN\b|BSN\b|DPM\b"
    r"|DDS\b)"
)
_BEFORE_CREDENTIAL = re.compile(
    rf"(?:{TOKEN}(?: {TOKEN}){{0,3}}|{TOKEN}, ?{TOKEN}(?: {TOKEN})?)(?=,? ?$)"
)
_OTHER_CREDENTIALS = re.compile(
    r"(?:,? (?:M\.?D\.?|D\.?O\.?|Ph\.?D\.?|MPH|RN|MSN|BSN|III?|IV|[JS]r\.?))+,? ?$"
)
_SURE_CREDENTIALS = ("MD", "M.D.", "RN", "PA-C", "PharmD")

_LABELS = frozenset(
    """
    1st assist|anaesthetist|anesthesiologist|anesthetist|assistant|assistants|attending
    attending physician|attending surgeon|attn|authenticated by|author|bronchoscopist|caller
    circulator|completed by|consultant|cytologist|dictated by|dictating|electronically signed
    electronically signed by|emergency contact|endoscopist|entered by|fellow|first assistant|gp
    guarantor|health care proxy|insured|intensivist|interpreted by|interpreter
    interventionalist|name|next of kin|nok|note by|nurse|operator|ordering physician
    ordering provider|pathologist|patient|patient name|patient's name|pcp|performed by
    physician|poa|primary care|primary care physician|primary care provider|proceduralist
    provider|proxy|pt|pt name|radiologist|re|referred by|referring doctor|referring md
    referring physician|referring provider|rendering|rendering provider|reported by
    requested by|resident|respiratory therapist|reviewed by|rn|scrub|signed|signed by|spouse
    subscriber|surgeon|surgeons|tech|technologist|therapist|transcribed by|verified by
    written by
    """.strip()
    .replace("\n    ", "|")
    .split("|")
)
_PATIENT_LABELS = ("patient name", "patient's name", "patient", "pt name", "pt", "name")
_THIN_LABELS = ("re", "attn", "tech", "scrub", "signed", "name")
_AFTER_LABEL = re.compile(r" {0,3}(\n?)(?:(?:Dr|Mr|Mrs|Ms|Prof)\b\.? )?")
_LABEL_WORD = re.compile(r"[^\s:;,.()|]+")
_LOWER_PAIR = re.compile(r"[a-z'-]{2,20}, ?[a-z'-]{2,20}(?: [a-z]\b\.?)?(?=\n|$)")


def titled(source: Source) -> Iterator[Stretch]:
    """Names after `Dr.`, `Mrs.`, `Nurse` and the like; several after `Drs.`."""
    text = source.text
    for title in _TITLE.finditer(text):
        if title.start() and text[title.start() - 1].isalnum():
            continue
        position = title.end()
        while name := NAME.match(text, position):
            found = leading(source, *name.span(), forbidden_first=_NEVER_FIRST)
            if not found:
                break
            yield found
            several = title.group().startswith("Drs") and _MORE_NAMES.match(text, found[1])
            if not several:
                break
            position = several.end()


def titled_in_lower_case(source: Source) -> Iterator[Stretch]:
    """Surnames in notes typed small: `dr. pettibone`."""
    text = source.text
    if source.words.isdisjoint(("dr", "mr", "mrs", "ms")):
        return
    for title_word in _LOWER_TITLES:
        start = text.find(title_word)
        while start >= 0:
            end = start + len(title_word)
            inside_word = text[start - 1 : start].isalnum()
            surname = None if inside_word else _AFTER_LOWER_TITLE.match(text, end)
            if surname and _is_lower_surname(surname.group()):
                yield surname.span()
            start = text.find(title_word, end)


def _is_lower_surname(word: str) -> bool:
    if word in NOT_NAMES or word in EPONYMS or word in _NOT_AFTER_LOWER_TITLE:
        return False
    return not word.endswith("ed")


def credentialed(text: str) -> Iterator[Stretch]:
    """Names before `MD`, `RN`, `PA-C` and the like, in either order of the parts."""
    for credential in _CREDENTIAL.finditer(text):
        if credential.start() and text[credential.start() - 1] not in " ,/":
            continue
        offset = max(0, credential.start() - 70)
        before = text[offset : credential.start()]
        if others := _OTHER_CREDENTIALS.search(before):
            before = before[: others.start()]
        name = _BEFORE_CREDENTIAL.search(before)
        found = name and trailing(text, offset + name.start(), offset + name.end())
        if found and _is_signed(text, *found, credential):
            yield found


def _is_signed(text: str, start: int, end: int, credential: re.Match[str]) -> bool:
    """A lone capitalised word before DO or NP, without a comma, is a sentence or a heading."""
    if "," in text[end : credential.start()] or " " in text[start:end] or "," in text[start:end]:
        return True
    return credential.group() in _SURE_CREDENTIALS and not text[start:end].isupper()


def labelled(source: Source) -> Iterator[Stretch]:
    """Names after `Patient:`, `Attending:`, `Dictated by:` and the like."""
    lower = source.lower
    for separator in (":", " - "):
        position = lower.find(separator)
        while position >= 0:
            label = _label_before(lower, position)
            if separator != ":" and label not in _PATIENT_LABELS:
                label = None
            found = label and _name_after(source, position + len(separator), label)
            if found:
                yield found
            position = lower.find(separator, position + 1)


def _label_before(lower: str, position: int) -> str | None:
    """The longest label of up to three words that ends at a colon."""
    line = lower[max(0, position - 32) : position].rpartition("\n")[2].rstrip()
    last_words = _LABEL_WORD.findall(line)[-4:]
    for count in (3, 2, 1):
        label = " ".join(last_words[-count:])
        if label in _LABELS and line.endswith(label):
            is_first = len(last_words) <= count or not line[: -len(label)].endswith(" ")
            alone = is_first or line[: -len(label)].endswith(("   ", ". ", "; ", "| ", ", ", "/ "))
            return label if alone or label not in _THIN_LABELS else None
    return None


def _name_after(source: Source, position: int, label: str) -> Stretch | None:
    text = source.text
    separator = _AFTER_LABEL.match(text, position)
    start = separator.end() if separator else position
    if (pair := PAIR.match(text, start)) and not has_common(pair.group()):
        return pair.span()
    if name := NAME.match(text, start):
        found = leading(source, *name.span(), forbidden_first=NOT_NAMES)
        thin = label in _THIN_LABELS or bool(separator and separator.group(1))
        if found and " " not in text[found[0] : found[1]]:
            is_label = text[found[1] : found[1] + 1] == ":"
            return None if thin or is_label else found
        return found
    if label in _PATIENT_LABELS:
        small = _LOWER_PAIR.match(text, start)
        if small and not has_common(small.group()):
            return small.span()
    return None
