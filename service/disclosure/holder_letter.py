"""The letter that a person prints, signs and sends to a holder that has no account here and so cannot be told."""

from dataclasses import dataclass, field
from datetime import datetime

from service.core.vocabulary import ObjectionKind, Purpose
from service.disclosure.blocks import Fact, Facts, Paragraph
from service.disclosure.letter import Letter, print_letter
from service.disclosure.phrasebook import Phrasebook
from service.number.normalisation import international_format
from service.wording.language import Language


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the person wants of the holder: no more canvassing, for one purpose only if one is given, or to be erased.

    `reference` is the relay's: by it the registry finds the request again.
    """

    number: int = field(repr=False)
    kind: ObjectionKind
    purpose: Purpose | None
    recorded_at: datetime
    reference: str
    holder: str
    privacy_contact: str | None


def print_request(request: Request, language: Language) -> bytes:
    """The letter in PDF, with lines for what only the person knows (GDPR 7(3), 12(3), 15, 17, 19, 21)."""
    voice = Phrasebook(language)
    wants = "request_erase" if request.kind is ObjectionKind.ERASURE else "request_object"
    if request.purpose is not None:
        wants = "request_object_purpose"
    purpose = voice.term(request.purpose) if request.purpose else ""
    recorded = voice.say("request_recorded", moment=voice.moment(request.recorded_at), reference=request.reference)
    sentences = [
        voice.say("request_greeting"),
        voice.say("request_number", number=international_format(request.number), holder=request.holder),
        voice.say(wants, purpose=purpose),
        # Article 19 speaks of erasure alone.
        voice.say("request_recipients" if request.kind is ObjectionKind.ERASURE else "request_pass_on"),
        voice.say("request_month"),
        voice.say("request_enough"),
        recorded,
        voice.say("request_closing"),
    ]
    to_fill_in = [Fact(label=voice.say(label), value=_LINE) for label in ("request_place", "request_signature")]
    letter = Letter(
        language=language,
        title=voice.say("request_title_erase" if request.kind is ObjectionKind.ERASURE else "request_title_object"),
        from_=[voice.say("request_name", line=_LINE), voice.say("request_address", line=_LINE), _LINE],
        to=[request.holder, request.privacy_contact or voice.say("request_no_address")],
        footer=voice.say("request_footer", reference=request.reference),
        opening=[*(Paragraph(text=sentence) for sentence in sentences), Facts(items=to_fill_in)],
    )
    return print_letter(letter)


_LINE = "." * 48
