"""What the registry itself does with a number, which it must disclose to its person (GDPR 15(1) and (2)). Pure."""

from service.disclosure.blocks import Fact, Facts, Paragraph, Section, Topic
from service.disclosure.phrasebook import Phrasebook
from service.disclosure.subject_answer import SubjectAnswer


def name_operators(subject: SubjectAnswer, book: Phrasebook) -> list[str]:
    """Who is responsible for the registry, each with the address to write to."""
    phrases = book.phrases
    return [
        phrases.registry.operator.format(
            name=operator.legal_name, contact=book.address(operator.privacy_contact, operator.stated_by)
        )
        for operator in subject.operators
    ]


def registry_section(subject: SubjectAnswer, book: Phrasebook) -> Section:
    """The section on the registry: the same for every number, except for the operator's name."""
    phrases = book.phrases.registry
    named = book.phrases.general.separator.join(name_operators(subject, book)) or phrases.operator_unknown
    processing = (
        phrases.why,
        phrases.data,
        phrases.source,
        phrases.recipients,
        phrases.storage,
        phrases.third_countries,
        phrases.automated_decisions,
        phrases.rights,
    )
    facts = [Fact(label=labelled.label, value=labelled.value) for labelled in processing]
    return Section(
        topic=Topic.REGISTRY,
        title=phrases.section_title,
        blocks=[
            Paragraph(text=phrases.introduction),
            Facts(items=[Fact(label=phrases.label_operator, value=named), *facts]),
        ],
    )
