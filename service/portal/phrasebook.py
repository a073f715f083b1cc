"""What the portal says, in each language. The long texts, how it works and privacy, are templates in each language."""

from service.portal import english, french
from service.portal.phrases import Phrases
from service.wording.language import Language


def phrases_in(language: Language) -> Phrases:
    """The phrases of a language."""
    match language:
        case Language.FR:
            return french.PHRASES
        case Language.EN:
            return english.PHRASES
