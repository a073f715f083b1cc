"""What the registry itself does with a number, as it has to tell whoever asks (GDPR 15(1) and (2)). Pure."""

from typing import Final

from service.disclosure.blocks import Fact, Facts, Paragraph, Section, Topic
from service.disclosure.phrasebook import Phrasebook
from service.disclosure.subject_answer import SubjectAnswer

# Purposes, categories of data, source, recipients, storage, third countries, automated decisions, rights.
_TOLD: Final = ("why", "data", "from", "seen", "until", "abroad", "automatic", "rights")


def answered_by(inquiry: SubjectAnswer, voice: Phrasebook) -> list[str]:
    """Who is responsible for the registry, each with where to write to them."""
    return [
        voice.say("answers", name=one.legal_name, contact=one.privacy_contact or voice.say("no_address"))
        for one in inquiry.operators
    ]


def tell_registry(inquiry: SubjectAnswer, voice: Phrasebook) -> Section:
    """The section on the registry: the same for every number, but for who is responsible."""
    named = " ; ".join(answered_by(inquiry, voice)) or voice.say("answers_unknown")
    told = [Fact(label=voice.say(f"label_{one}"), value=voice.say(f"registry_{one}")) for one in _TOLD]
    return Section(
        topic=Topic.REGISTRY,
        title=voice.say("registry_title"),
        blocks=[
            Paragraph(text=voice.say("registry_means")),
            Facts(items=[Fact(label=voice.say("label_answers"), value=named), *told]),
        ],
    )
