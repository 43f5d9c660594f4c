"""How a note tells what the seventh character says: seen today, cast check, old injury."""

import re

from thce.coder.draw import Draw

# The first pattern that fits an encounter gives its wordings.
_WORDINGS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        r"sequela",
        (
            "old injury, here for what it left behind",
            "happened years ago, lasting trouble since",
            "late effect of it, the injury itself long healed",
            "residual complaint from the old event",
            "here for scar and stiffness left by it",
        ),
    ),
    (
        r"initial.*open fracture type IIIA",
        (
            "open, Gustilo IIIA, bone exposed, to the OR tonight",
            "grade IIIB open wound, washout and ex-fix now",
            "open IIIC with vascular repair, first surgery today",
        ),
    ),
    (
        r"initial.*open fracture",
        (
            "bone through the skin, open, antibiotics and washout in the ED",
            "open injury, Gustilo I, to the OR today",
            "open, small wound over the break, seen in ED today",
        ),
    ),
    (
        r"initial.*fracture",
        (
            "skin intact, splinted in the ED today",
            "closed, seen in ED today",
            "closed injury, ORIF tomorrow",
            "no open wound, surgery for it today",
            "presents right after it happened, skin not broken",
        ),
    ),
    (
        r"initial",
        (
            "seen in ED today",
            "first visit since it happened",
            "brought in by EMS today",
            "still under active treatment",
            "happened two hours ago",
            "happened this morning",
            "admitted for it today",
            "new, being treated now",
        ),
    ),
    (
        r"open fracture type IIIA.*nonunion",
        ("grade III open at the time, no union at 9 months",),
    ),
    (r"open fracture type IIIA.*malunion", ("grade III open at the time, healed crooked",)),
    (r"open fracture type IIIA.*delayed", ("grade III open at the time, slow callus at 4 months",)),
    (r"open fracture type IIIA", ("grade III open at the time, films show good healing, recheck",)),
    (r"open fracture.*nonunion", ("was open grade I, still no bridging at 8 months",)),
    (r"open fracture.*malunion", ("was open grade II, healed in bad position",)),
    (r"open fracture.*delayed", ("was open grade I, callus behind schedule",)),
    (r"open fracture", ("was open grade I, wound closed, knitting on schedule",)),
    (
        r"nonunion",
        ("no bridging at 7 months, nonunion", "ends have not joined after half a year"),
    ),
    (r"malunion", ("healed crooked, malunion on film", "united in bad alignment")),
    (
        r"delayed healing",
        ("slow callus at 12 weeks", "healing behind schedule on today's film"),
    ),
    (
        r"routine healing",
        (
            "cast check at 4 weeks, healing well",
            "six-week films show good callus",
            "post-op visit, hardware fine, healing on schedule",
            "cast off today, union progressing",
        ),
    ),
    (
        r"subsequent",
        (
            "follow-up, healing as expected",
            "recheck two weeks after treatment",
            "back for wound check, doing better",
            "in PT for it now, recovering",
            "sutures out today",
            "routine aftercare visit",
        ),
    ),
)
_PATTERNS = tuple((re.compile(pattern), said) for pattern, said in _WORDINGS)

SIDES = {
    "right": ("R", "Rt", "right", "right-sided", "on the right"),
    "left": ("L", "Lt", "left", "left-sided", "on the left"),
    "bilateral": ("bilat", "both sides", "bilateral", "on both sides", "B/L"),
}


def encounter_words(encounter: str, draw: Draw) -> str:
    """Clinical words for an encounter such as "subsequent encounter for fracture with malunion"."""
    for pattern, said in _PATTERNS:
        if pattern.search(encounter):
            return draw.one(said)
    return encounter


def side_words(side: str, draw: Draw) -> str:
    """A way to write right, left or bilateral."""
    return draw.one(SIDES[side])
