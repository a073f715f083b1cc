"""Jinja templates of a site: its own, and under `web/` those that all sites share."""

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Any, Final

from jinja2 import ChoiceLoader, Environment, PackageLoader, PrefixLoader, StrictUndefined
from jinja2.ext import Extension

from service.number.normalisation import international_format
from service.web.assets import Assets
from service.wording.language import Language
from service.wording.typography import capitalised, set_spaces

_CODE: Final = re.compile(r"({[{%#].*?[}%#]})", re.DOTALL)
_LANGUAGE: Final = re.compile(rf"\.({'|'.join(Language)})\.html$")


class Templates:
    """The templates in `templates/` of a package. Every text that is filled in is escaped."""

    def __init__(self, package: str, assets: Assets) -> None:
        self._package, self._assets = package, assets

    @cached_property
    def _environment(self) -> Environment:
        environment = Environment(
            loader=ChoiceLoader([PackageLoader(self._package), PrefixLoader({"web": PackageLoader("service.web")})]),
            autoescape=True,
            auto_reload=False,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=[Spacing],
        )
        environment.globals["asset"] = self._assets.path
        environment.filters |= {
            "telephone": international_format,
            "decimal": _write_decimal,
            "capitalised": capitalised,
        }
        return environment

    def render(self, name: str, context: Mapping[str, Any]) -> str:
        """The text of a page."""
        return self._environment.get_template(name).render(context)


def _write_decimal(value: float, language: Language) -> str:
    text = f"{value:g}"
    return text.replace(".", ",") if language is Language.FR else text


class Spacing(Extension):
    """Sets the no-break spaces in the text, not the code, of a template whose name says its language: `how.fr.html`."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        """The template's source as it is compiled."""
        language = _LANGUAGE.search(name or "")
        if language is None:
            return source
        pieces = _CODE.split(source)
        texts = (set_spaces(Language(language[1]), text) for text in pieces[::2])
        pieces[::2] = texts
        return "".join(pieces)
