"""Pages without a browser: their forms and their text, and the headers with which a browser sends a form."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

HOST = "https://localhost"
FROM_HERE = {"Origin": HOST, "Sec-Fetch-Site": "same-origin", "Accept": "text/html"}


@dataclass
class Form:
    """A form of a page: where it goes, and what it carries unless something else is typed."""

    action: str
    values: dict[str, str] = field(default_factory=dict)
    buttons: list[tuple[str, str]] = field(default_factory=list)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = {name: value or "" for name, value in attrs}
        if tag == "form":
            assert has["method"] == "post"
            self.forms.append(Form(has["action"]))
        elif tag == "input" and (has.get("type") != "radio" or "checked" in has):
            self.forms[-1].values[has["name"]] = has.get("value", "")
        elif tag == "button" and self.forms:
            self.forms[-1].buttons.append((has.get("name", ""), has.get("value", "")))


def forms_of(page: str) -> list[Form]:
    """The forms of a page, in order."""
    parser = _Forms()
    parser.feed(page)
    return parser.forms


def text_of(page: str) -> str:
    """The text of a page, without markup and with plain spaces."""
    body = re.sub(r"<(svg|script|head).*?</\1>", " ", page, flags=re.DOTALL)
    plain = re.sub(r"<[^>]+>", " ", re.sub(r"</?bdi>", "", body)).replace("\u00a0", " ").replace("\u202f", " ")
    return re.sub(r"\s+", " ", plain).replace("&#39;", "'")
