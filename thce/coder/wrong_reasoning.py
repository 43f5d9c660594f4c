"""How one arrives at a wrong code: two or three plausible steps for each kind of error."""

from thce.coder.draw import Draw
from thce.coder.facets import facets
from thce.coder.wrong_codes import WrongCode

# {family}: first three characters; {wrong}, {wrong_said}: the wrong answer; {right_said}: what the
# narrative means; {side}, {encounter}: of the wrong answer.
STEPS: dict[str, tuple[tuple[str, ...], ...]] = {
    "sibling": (
        ("The family {family} fits", "{wrong} is close enough in wording", "{wrong_said}"),
        ("Codes beginning {family} describe this", "The detail is minor, so the next one: {wrong}"),
        ("{family} is the right place", "First match in the list there: {wrong}"),
        ("Looked up {family}", "{wrong_said}: most of the words agree", "Final: {wrong}"),
    ),
    "family": (
        ("{family} covers this group", "Any code of the group will be understood: {wrong}"),
        ("The group begins with {family}", "{wrong} is used often here", "Final: {wrong}"),
        ("Same group, {family}", "{wrong_said} sounds related", "{wrong}"),
    ),
    "laterality": (
        ("The condition is in {family}", "Side taken as {side}", "Final: {wrong}"),
        ("{family} is right", "The side does not change payment", "{wrong}"),
        ("Condition found under {family}", "Side not looked at again, {side}: {wrong}"),
    ),
    "encounter": (
        ("The injury is in {family}", "Seventh character {last}: {encounter}", "Final: {wrong}"),
        ("Injury code from {family}", "A visit is a visit, so {last}", "{wrong}"),
        ("{family} for the injury", "{last} was used on the last claim: {wrong}"),
    ),
    "specificity": (
        ("The condition is in {family}", "Unspecified is always accepted", "Final: {wrong}"),
        ("{family} names it", "The details can stay in the note: {wrong}"),
        ("{family} is enough", "The unspecified code is safe when in a hurry", "{wrong}"),
    ),
    "invalid": (
        ("The condition is {family}", "{wrong} looks complete", "Final: {wrong}"),
        ("Found {family}", "{wrong} from an old list", "No further character is needed"),
        ("{right_short}", "{wrong} names it, the rest is detail"),
    ),
    "unsupported": (
        ("The condition is in {family}", "It often goes that way: {wrong_said}", "{wrong}"),
        ("{family} fits", "Read quickly, the words with and without look alike", "Final: {wrong}"),
        ("{family} is right", "To be on the safe side: {wrong_said}", "{wrong}"),
    ),
}


def wrong_steps(wrong: WrongCode, description: str, draw: Draw) -> tuple[str, ...]:
    """The steps that lead astray.

    Args:
        wrong: the wrong answer.
        description: of the right code.
        draw: decides the wording.
    """
    found = facets(wrong.description)
    told = {
        "family": wrong.code[:3],
        "wrong": wrong.code,
        "wrong_said": wrong.description,
        "right_short": description.partition(",")[0],
        "side": found.side or "unspecified",
        "last": wrong.code[-1],
        "encounter": found.encounter,
    }
    return tuple(step.format_map(told) for step in draw.one(STEPS[wrong.error]))
