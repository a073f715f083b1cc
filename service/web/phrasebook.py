"""What every site says, in each language."""

from service.web import english, french
from service.web.phrases import Phrases
from service.wording.language import Language


def phrases_in(language: Language) -> Phrases:
    """The phrases of a language."""
    match language:
        case Language.FR:
            return french.PHRASES
        case Language.EN:
            return english.PHRASES
