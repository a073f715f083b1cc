"""The letter that a person prints, signs and sends to a holder that has no account here and receives no relay."""

from dataclasses import dataclass, field
from datetime import datetime

from service.core.vocabulary import ObjectionKind, Purpose
from service.disclosure.blocks import Fact, Facts, Paragraph
from service.disclosure.letter import Letter, print_letter
from service.disclosure.phrasebook import Phrasebook
from service.number.normalisation import international_format
from service.provenance.answer.references import OrganisationRef
from service.wording.language import Language


@dataclass(frozen=True, slots=True, kw_only=True)
class HolderRequest:
    """What the person asks of the holder: to stop all canvassing or that of one purpose, or to erase the number.

    `reference` is the relay's: the registry finds the request by it. `heir` is the name of who answers for the holder
    today, and whose contact it is, if another does.
    """

    number: int = field(repr=False)
    kind: ObjectionKind
    purpose: Purpose | None
    recorded_at: datetime
    reference: str
    holder: str
    privacy_contact: str | None
    stated_by: OrganisationRef | None = None
    heir: str | None = None


def print_holder_letter(request: HolderRequest, language: Language) -> bytes:
    """The letter in PDF, with lines for what only the person knows (GDPR 7(3), 12(3), 15, 17, 19, 21)."""
    book = Phrasebook(language)
    phrases = book.phrases.holder_letter
    title, demand, passed_on = _title_and_demands(book, request)
    sentences = [
        phrases.greeting,
        phrases.number.format(number=international_format(request.number), holder=request.holder),
        demand,
        passed_on,
        phrases.one_month,
        phrases.enough,
        phrases.recorded.format(moment=book.moment(request.recorded_at), reference=request.reference),
        phrases.closing,
    ]
    to_fill_in = [Fact(label=label, value=_LINE) for label in (phrases.place_and_date, phrases.signature)]
    letter = Letter(
        language=language,
        title=title,
        from_=[phrases.name.format(line=_LINE), phrases.address.format(line=_LINE), _LINE],
        to=[*([request.heir] if request.heir else []), request.holder, _address(book, request)],
        footer=phrases.footer.format(reference=request.reference),
        opening=[*(Paragraph(text=sentence) for sentence in sentences), Facts(items=to_fill_in)],
    )
    return print_letter(letter)


def _address(book: Phrasebook, request: HolderRequest) -> str:
    if request.privacy_contact is None:
        return book.phrases.holder_letter.no_address
    return book.address(request.privacy_contact, request.stated_by)


def _title_and_demands(book: Phrasebook, request: HolderRequest) -> tuple[str, str, str]:
    """The letter's title, its demand, and what it asks about the organisations that the holder passed the number to."""
    phrases = book.phrases.holder_letter
    match request.kind:
        case ObjectionKind.OBJECTION if request.purpose is not None:
            demand = phrases.objection_to_purpose.format(purpose=book.terms.purpose(request.purpose))
            return phrases.title_objection, demand, phrases.forward_objection
        case ObjectionKind.OBJECTION:
            return phrases.title_objection, phrases.objection, phrases.forward_objection
        case ObjectionKind.ERASURE:
            # Article 19 covers erasure, but not objection.
            return phrases.title_erasure, phrases.erasure, phrases.inform_recipients
        case ObjectionKind.CONTEST:
            return phrases.title_contest, phrases.contest, phrases.inform_contest


_LINE = "." * 48
