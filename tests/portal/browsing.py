"""A real browser on the pages: the service with the story loaded, Chromium, and what a person does in it."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, FloatRect, sync_playwright
from playwright.sync_api import Page as BrowserPage

from service.core.vocabulary import RelayState
from service.demo.loader import LoadedStory
from service.portal.address import ADDRESSES, Page
from service.portal.phrasebook import phrases_in
from service.wording.language import Language
from service.wording.terms import Terms
from service.wording.typography import capitalised
from tests.builders import number
from tests.callers import Caller
from tests.system_parts import find_chromium, require

NARROW: Final = {"width": 360, "height": 740}
WIDE: Final = {"width": 1280, "height": 900}
# The browser finds the service by this name and does not take it for the machine itself.
FAR_NAME: Final = "registre.example"

# Everything that WCAG 2.2 AA asks and a program can see, and good practice.
_RULES: Final = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],
}
# Where to keep pictures of the pages: `SCREENSHOTS=docs/screenshots make test ARGS='-k every_page'`.
_SCREENSHOTS: Final = os.environ.get("SCREENSHOTS")
_MOST_HIGH: Final = 2600
_TOP: Final = "(document.querySelector('details[open]')?.getBoundingClientRect().top ?? -scrollY) + scrollY"
# How long the browser waits for what must come, also on a machine that does much else.
_PATIENCE_MS: Final = 120_000


@dataclass
class Service:
    """The running service, with the story loaded into it."""

    url: str
    story: LoadedStory
    client: Any
    dsn: str

    def caller(self, name: str) -> Caller:
        """The API as an organisation of the story calls it."""
        return Caller(self.client, self.story.ids[name], self.story.keys[name])  # type: ignore[arg-type]

    def relay(self, name: str, last_four: int) -> str:
        """The newest relay for a number, as its holder reads it."""
        relays = self.caller(name).get("/v1/objections/relays", params={"after": 0, "limit": 1000})["items"]
        return str(next(relay["id"] for relay in reversed(relays) if relay["number"] == number(last_four)))


@dataclass
class Person:
    """Somebody with a telephone and a browser, who reads one language."""

    service: Service
    context: BrowserContext
    language: Language
    last_four: int
    troubles: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page: BrowserPage = self.context.new_page()
        self.phrases = phrases_in(self.language)
        # The console names what the policy of a page refuses, and requests show what would come from elsewhere.
        self.page.on("console", lambda message: self.troubles.append(message.text) if message.type == "error" else None)
        self.page.on("request", lambda request: self._note(request.url))

    def _note(self, url: str) -> None:
        path = unquote(url.removeprefix(self.service.url))
        if path == url or number(self.last_four).removeprefix("+336") in re.sub(r"\D", "", path):
            self.troubles.append(url)

    def path(self, page: Page) -> str:
        """The address of a page in this person's language."""
        return self.service.url + ADDRESSES.path(page, self.language)

    def go(self, page: Page) -> None:
        """Open a page by its address."""
        self.page.goto(self.path(page))

    def is_at(self, page: Page) -> bool:
        """Whether that page is open."""
        return self.page.url == self.path(page)

    def press(self, name: str) -> None:
        """Press the button of a form by its label, and wait for the page that it leads to."""
        with self.page.expect_navigation():
            self.page.get_by_role("button", name=name, exact=True).click()

    def read(self) -> str:
        """The text of the page, with plain spaces."""
        return plain(self.page.locator("main").inner_text())

    def type_number(self, typed: str) -> None:
        """Ask for a code on the first page."""
        self.go(Page.HOME)
        self.page.get_by_label(self.phrases.home.label).fill(typed)
        self.press(self.phrases.home.send)

    def code(self) -> str:
        """The code in the latest message to the number, as the outbox shows it."""
        telephone = self.context.new_page()
        telephone.goto(self.path(Page.OUTBOX))
        shown = plain(telephone.locator("main").inner_text())
        telephone.close()
        digits = f"{self.last_four:04}"
        found = re.search(rf"98 {digits[:2]} {digits[2:]}, .*?(\d{{6}})", shown, re.DOTALL)
        assert found is not None
        return found.group(1)

    def enter(self) -> None:
        """Prove the number and come to its answer."""
        self.type_number(number(self.last_four))
        self.page.get_by_label(self.phrases.code.label).fill(self.code())
        self.press(self.phrases.code.confirm)
        self.press(self.phrases.since.skip)

    def object(self) -> None:
        """Object to everything, from the answer on."""
        self.page.get_by_role("link", name=self.phrases.answer.object, exact=True).click()
        self.press(self.phrases.objection.next)
        self.press(self.phrases.confirmations.objection.go)

    def state(self, state: RelayState) -> str:
        """A state of a relay as the page writes it."""
        return plain(capitalised(Terms(self.language).relay_state(state)))

    def relays(self) -> dict[str, str]:
        """How far each holder has got, by its name."""
        self.go(Page.REQUESTS)
        return {
            plain(row.locator(".who span").first.inner_text()): plain(row.locator(".state").inner_text())
            for row in self.page.locator(".relays > li").all()
        }


@contextmanager
def running_chromium() -> Iterator[Browser]:
    """Chromium. While it runs, nothing else in this thread can run an event loop of its own."""
    program = require("Chromium", find_chromium())
    # Its sandbox needs rights that root gives up and containers lack.
    options = ["--no-sandbox"] if os.geteuid() == 0 else []
    options.append(f"--host-resolver-rules=MAP {FAR_NAME} 127.0.0.1")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=options)
        yield chromium
        chromium.close()


def plain(text: str) -> str:
    """A text with spaces at which a line may break."""
    return text.replace("\u00a0", " ").replace("\u202f", " ")


def person_in(browser: Browser, service: Service, language: Language, last_four: int, **options: Any) -> Person:
    """Somebody with a new browser profile."""
    context = browser.new_context(**options)
    context.set_default_timeout(_PATIENCE_MS)
    return Person(service, context, language, last_four)


def violations(page: BrowserPage) -> list[str]:
    """What axe finds wrong with a page: the rule, and where it is broken."""
    found = Axe().run(page, options=_RULES).response["violations"]
    return [f"{violation['id']}: {node['html']}" for violation in found for node in violation["nodes"]]


def keep_picture(page: BrowserPage, name: str) -> None:
    """Keep a picture of the page if pictures are wanted.

    It begins with what the reader has opened, else at the top. The end of a long page is cut off.
    """
    if _SCREENSHOTS:
        page.wait_for_load_state()
        top = page.evaluate(_TOP)
        high = min(page.evaluate("document.documentElement.scrollHeight") - top, _MOST_HIGH)
        clip: FloatRect = {"x": 0, "y": top, "width": page.evaluate("innerWidth"), "height": high}
        path = Path(_SCREENSHOTS).absolute() / f"{name}.png"
        page.screenshot(path=path, full_page=True, clip=clip, animations="disabled")
