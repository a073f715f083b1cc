"""What the pages say, page by page. French and English are two values of one type, so that neither can lack a phrase.

The long texts, how it works and privacy, are templates of their own in each language.
"""

from typing import Final

from service.portal import english, french
from service.portal.phrases import Words
from service.wording.language import Language

WORDS: Final[dict[Language, Words]] = {Language.FR: french.WORDS, Language.EN: english.WORDS}
