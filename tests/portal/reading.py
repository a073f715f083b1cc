"""A reader of pages without a browser: follows links and sends forms as the pages have them, over TLS."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

from fastapi.testclient import TestClient
from httpx2 import Response

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
    """What a page says, its marks taken out and its blanks made plain."""
    body = re.sub(r"<(svg|script|head).*?</\1>", " ", page, flags=re.DOTALL)
    plain = re.sub(r"<[^>]+>", " ", body).replace("\u00a0", " ").replace("\u202f", " ")
    return re.sub(r"\s+", " ", plain).replace("&#39;", "'")


@dataclass
class Reader:
    """Somebody who reads the pages of a client with cookies, and whose telephone has a number."""

    client: TestClient
    own: str
    page: Response | None = None

    def open(self, path: str) -> Response:
        """Go to a page, through whatever it redirects to."""
        self.page = self.client.get(path, headers={"Accept": "text/html"})
        return self.page

    def form(self, action: str) -> Form:
        """The form of the page at hand that goes to an address."""
        assert self.page is not None
        return next(form for form in forms_of(self.page.text) if form.action == action)

    def send(self, action: str, **typed: str) -> Response:
        """Send a form of the page at hand, and go where it leads."""
        self.page = self.post(action, self.form(action).values | typed, follow_redirects=True)
        return self.page

    def post(
        self, path: str, values: dict[str, str], headers: dict[str, str] = FROM_HERE, *, follow_redirects: bool = False
    ) -> Response:
        """A POST as a browser sends it from a page of ours, unless other headers are given."""
        return self.client.post(path, data=values, headers=headers, follow_redirects=follow_redirects)

    def messages(self) -> list[str]:
        """The messages to the own number in the outbox, the latest first."""
        shown = text_of(self.client.get("/messages", headers={"Accept": "text/html"}).text)
        own = f"+33 {self.own[3]} {' '.join(re.findall('..', self.own[4:]))},"
        return [message for message in shown.split("Pour le ")[1:] if message.startswith(own)]

    def code(self) -> str:
        """The code that came last."""
        found = re.search(r"\b\d{6}\b", self.messages()[0])
        assert found is not None
        return found.group()

    def ask(self, prefix: str = "") -> Response:
        """Have a code sent from the home page."""
        self.open(f"{prefix}/")
        return self.send(f"{prefix}/", number=self.own)

    def enter(self, prefix: str = "") -> Response:
        """Prove the own number, and come to the question since when it is theirs."""
        self.ask(prefix)
        return self.send(f"{prefix}/code", code=self.code(), step="confirm")
