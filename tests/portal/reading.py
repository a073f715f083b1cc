"""A reader of pages without a browser: follows links and sends forms as the pages have them, over TLS."""

import re
from dataclasses import dataclass

from fastapi.testclient import TestClient
from httpx2 import Response

from tests.web.reading import FROM_HERE, Form, forms_of, text_of


@dataclass
class Reader:
    """A person who reads the pages through a client with cookies, and whose telephone has a number."""

    client: TestClient
    own: str
    page: Response | None = None

    def open(self, path: str) -> Response:
        """Go to a page, through its redirects."""
        self.page = self.client.get(path, headers={"Accept": "text/html"})
        return self.page

    def form(self, action: str) -> Form:
        """The form of the current page that goes to an address."""
        assert self.page is not None
        return next(form for form in forms_of(self.page.text) if form.action == action)

    def send(self, action: str, **typed: str) -> Response:
        """Send a form of the current page, and go where it leads."""
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
        """The code of the latest message."""
        found = re.search(r"\b\d{6}\b", self.messages()[0])
        assert found is not None
        return found.group()

    def ask(self, prefix: str = "") -> Response:
        """Have a code sent from the home page."""
        self.open(f"{prefix}/")
        return self.send(f"{prefix}/", number=self.own)

    def enter(self, prefix: str = "") -> Response:
        """Prove the own number, and come to the question since when it has been the person's."""
        self.ask(prefix)
        return self.send(f"{prefix}/code", code=self.code(), step="confirm")
