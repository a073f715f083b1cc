"""Blocks of code in the documentation, by language and heading."""

import re
from pathlib import Path
from typing import Final

DEPLOYMENT: Final = Path(__file__).parents[2] / "docs" / "deployment.md"


def blocks(language: str) -> dict[str, list[str]]:
    """The blocks of a language on the page about deployment, by the heading that they are under."""
    found: dict[str, list[str]] = {}
    for part in re.split(r"^## ", DEPLOYMENT.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        heading, _, text = part.partition("\n")
        found[heading] = re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    return found
