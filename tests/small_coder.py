"""Rows of all three stages of the coder's training, few enough to train on in a test."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from thce.coder import chat
from thce.codes.code_types import CodeType

CODES = (
    ("J20.9", "Acute bronchitis, unspecified", "J18.9", "Pneumonia, unspecified organism"),
    ("E11.9", "Type 2 diabetes mellitus without complications", "E10.9", "Type 1 diabetes"),
    ("S52.501A", "Unspecified fracture of lower end of right radius", "S52.502A", "left radius"),
)


def rows(stage: int, count: int) -> list[dict[str, Any]]:
    """Rows of a stage in TRL's formats; narratives of many lengths."""
    made = []
    for number in range(count):
        code, description, wrong, misread = CODES[number % len(CODES)]
        finding = f"Day {number}: cough, fall. "
        prompt = chat.prompt(stage, finding * (1 + number % 4), CodeType("ICD10"))
        right = chat.CodeLine(CodeType("ICD10"), code, description)
        why = [f"Category {code[:3]}"]
        answer = chat.completion(stage, [right], why)
        metadata = {"code_type": "ICD10", "code": code, "code_valid": True, "source": "test"}
        if stage < 3:
            made.append({"messages": prompt + answer, "_metadata": metadata})
            continue
        line = chat.CodeLine(CodeType("ICD10"), wrong, misread)
        rejected = chat.completion(stage, [line], ["In haste"])
        made.append(
            {"prompt": prompt, "chosen": answer, "rejected": rejected, "_metadata": metadata}
        )
    return made


def write_rows(path: Path, given: Sequence[dict[str, Any]]) -> str:
    """Writes rows as JSON lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in given), encoding="utf-8")
    return str(path)
