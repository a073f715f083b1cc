"""What a report says in English. The typographer puts in apostrophes and no-break spaces."""

from typing import Final

from service.disclosure import english_letters, english_messages, english_origins, english_standings, phrases
from service.disclosure.phrase_forms import ByAgreement, Counted, Extent, Plural

_GENERAL: Final = phrases.General(
    title="Your number: where it came from, and who has had it",
    as_of="As of {moment}, Paris time",
    registry="our registry",
    through="{who} (through {processor})",
    no_address="no address is recorded here",
    closed="{name} (closed on {day})",
    succeeded="{name} (now {heir})",
    closed_and_succeeded="{name} (closed on {day}; now {heir})",
    heir_address="{contact} ({heir}, which has answered for {name} since {day})",
    according_to="{contact} (name and contact as stated by {namer})",
    contact_by_another="Contact as stated by {namer}: {contact}",
    name_and_contact_by_another="Name and contact as stated by {namer}: {name}, {contact}",
    separator="; ",
)

_SUMMARY: Final = phrases.Summary(
    section_title="In short",
    nobody="We looked for your number: no registered organisation holds it.",
    nobody_means="That does not mean that nobody has it: we know only the files that the organisations registered "
    "here declare. If you received a text message, keep it, with its date and its sender: it is evidence. In France "
    "you can also forward it free of charge to 33700, the service for reporting unwanted messages.",
    no_longer_held="No registered organisation holds your number any more. This is its history.",
    no_origin_held=Plural(
        one="No declared origin. {holders} holds your number, and nothing here says who collected it, when, or in "
        "which words.",
        many="No declared origin. {holders} hold your number, and nothing here says who collected it, when, or in "
        "which words.",
    ),
    no_origin_had=Plural(
        one="No declared origin. {holders} has held your number, and nothing here says who collected it, when, or in "
        "which words.",
        many="No declared origin. {holders} have held your number, and nothing here says who collected it, when, or "
        "in which words.",
    ),
    no_origin_of_one_file="No declared origin for one of the files that contain your number: see “What is missing or "
    "does not agree”.",
    held_now="Who has it today, according to what is declared here: {holders}.",
    earlier="What happened before {day} is summed up below, by organisation: see “Before this number was yours”.",
    only_facts="We report what the organisations have declared here, and who confirms it. We do not say whether it "
    "was allowed: that is for the data protection authority (CNIL) and the courts to judge.",
)

_PATH: Final = phrases.Path(
    section_title="The path your number took",
    picture_title="The path your number took, from one organisation to the next",
    collected="collected {when}",
    collected_denied="is said to have collected it {when} (it denies this)",
    collected_contested="is said to have collected it {when} (you contest this)",
    collected_earlier="collected before this number was yours",
    no_origin="no declared origin",
    received=ByAgreement(
        agreed="received {from_sender} on {day} (both say so)",
        recipient_alone="says it received it {from_sender} on {day}",
        sender_alone="said to have received it {from_sender} on {day} (only the sender says so)",
        acknowledged_late="said to have received it {from_sender} on {day} (denied, then acknowledged late)",
        not_received="said to have received it {from_sender} on {day} (disputed)",
        not_declared="says it received it {from_sender} on {day} (disputed)",
        denied_by_recipient="said to have received it {from_sender} on {day} (the recipient denies it)",
        denied_by_sender="says it received it {from_sender} on {day} (the sender denies it)",
        retracted_by_sender="says it received it {from_sender} on {day} (the sender has withdrawn its declaration)",
        retracted_by_recipient="said to have received it {from_sender} on {day} (the recipient has withdrawn its "
        "declaration)",
        retracted="declared by mistake: received {from_sender} on {day}",
        third_party="said to have received it {from_sender} on {day} (a third party says so)",
    ),
    received_earlier="received {from_sender} before this number was yours",
    sent=Plural(one="1 message sent", many="{count} messages sent"),
    planned=Plural(one="1 message planned", many="{count} messages planned"),
    erased="says it erased it on {day}",
    collection_earlier="{collector} collected it before this number was yours.",
    transfer_earlier="{recipient} received it {from_sender} before this number was yours.",
)

_RECIPIENTS: Final = phrases.Recipients(
    section_title="Who received it",
    received_from="{from_sender} on {day}",
    transfer=ByAgreement(
        agreed="{recipient} received it {parts}.",
        recipient_alone="{recipient} says that it received it {parts}.",
        sender_alone="{sender} says that it passed it to {recipient} on {day}; {recipient} has said nothing about it.",
        acknowledged_late="{sender} says that it passed it to {recipient} on {day}; {recipient} denied it, and "
        "acknowledged the transfer only after {sender} had erased your number.",
        not_received="{sender} says that it passed it to {recipient} on {day}; {recipient} received a file, but your "
        "number is not in it.",
        not_declared="{recipient} says that it received it {from_sender} on {day}, but the file that {sender} "
        "declares it passed on does not contain your number.",
        denied_by_recipient="{sender} says that it passed it to {recipient} on {day}; {recipient} denies it.",
        denied_by_sender="{recipient} says that it received it {from_sender} on {day}, and {sender} denies it.",
        retracted_by_sender="{recipient} says that it received it {from_sender} on {day}; {sender}, which had declared "
        "it, withdrew its declaration on {withdrawn}.",
        retracted_by_recipient="{sender} says that it passed it to {recipient} on {day}; {recipient}, which had "
        "declared it, withdrew its declaration on {withdrawn}.",
        retracted="{who} had declared that {recipient} received it {from_sender} on {day}. It withdrew this on "
        "{withdrawn} as a mistake, for the reason {quoted}.",
        third_party="According to {who}, {recipient} received it {from_sender} on {day}.",
    ),
    erased="{holder} says that it erased your number on {day}.",
    counted=Counted(
        none=Extent(
            everything="No transfer of your number to another organisation is declared here.",
            since_owned="No transfer of this number since it has been yours is declared here.",
        ),
        one=Extent(
            everything="One organisation received your number, or is said to have. Here it is.",
            since_owned="Since this number has been yours, one organisation received it, or is said to have. Here it "
            "is.",
        ),
        many=Extent(
            everything="{count} organisations received your number, or are said to have. Here are all of them, by "
            "name.",
            since_owned="Since this number has been yours, {count} organisations received it, or are said to have. "
            "Here are all of them, by name.",
        ),
    ),
    senders="In addition, to send messages: {names}.",
    label_role="What it is",
    label_address="Where to write",
    label_received="Received",
    label_status="Is it established?",
    status=ByAgreement(
        agreed="Yes: both organisations say so.",
        recipient_alone="The recipient says so; {sender} has said nothing about it.",
        sender_alone="Only {sender} says so; {recipient} has said nothing about it.",
        acknowledged_late="{sender} says so; {recipient} denied it, and acknowledged the transfer only after "
        "{sender} had erased your number.",
        not_received="Disputed: {sender} says that it passed it on, but it is not in the file that {recipient} says "
        "it received.",
        not_declared="Disputed: {recipient} says that it received it, but it is not in the file that {sender} says "
        "it passed on.",
        denied_by_recipient="Disputed: {sender} says that it passed it on, but {recipient} denies having received it.",
        denied_by_sender="Disputed: {recipient} says that it received it, but {sender} denies having passed it on.",
        retracted_by_sender="Disputed: {recipient} says that it received it; {sender} had declared it, and withdrew "
        "its declaration.",
        retracted_by_recipient="Disputed: {sender} says that it passed it on; {recipient} had declared it, and "
        "withdrew its declaration.",
        retracted="No: {who} had declared it by mistake.",
        third_party="Neither of the two says so: it is {who} that declares it.",
    ),
    status_confirmed="Yes: the recipient supplied its own file, which matches.",
    status_in_both="Yes for your number: the two files differ, but it is in both.",
    status_sender_no_account="Only {sender} says so; {recipient} is not registered here, and can neither confirm nor "
    "deny it here.",
    retracted_heading="Declared by mistake, and withdrawn",
    status_recipient_no_account="The recipient says so; {sender} is not registered here and has said nothing about it.",
    label_purpose="What for",
    purpose_and_basis="{purpose} (lawful basis according to {who}: {basis})",
    label_targeting="Numbers selected by",
    targeting="{criterion}: {selection}",
    targeting_source="{criterion}: {selection} (source: {source})",
    label_sends_for="Role",
    sends_for="sent messages to your number for {parties}",
)

_GAPS: Final = phrases.Gaps(
    section_title="What is missing or does not agree",
    orphan="No declared origin: {holder} holds your number, but {reason}.",
    orphan_erased="No declared origin: {holder} has held your number, but {reason}.",
    denied="{who} declares a collection by {collector}, and {collector} denies it.",
    contested="You contest the agreement that {collector} is said to have collected.",
    unattested="Only {who} declares that {collector} collected it.",
    consent_unknown="Nobody says when you are supposed to have given {collector} your consent.",
    used_unacknowledged="{party} sent a text message to your number, taken from the file that {sender} says it "
    "passed on, although {party} has said nothing here about that transfer.",
    chains_truncated="Your number took more paths than we show here.",
    comment="{who} wrote, on {day}: {quoted}",
)

_EARLIER: Final = phrases.Earlier(
    section_title="Before this number was yours",
    introduction="You say that this number has been yours since {day}. Before that, it was somebody else's, whose "
    "data we protect too. We therefore give only the names of the organisations that had or used it then.",
    objections="An objection made before that day remains recorded for this number.",
)

_STEPS: Final = phrases.Steps(
    section_title="What you can do now",
    object_title="Say stop to all, once",
    object="Your objection goes to every organisation that holds your number. Each has a month to answer, and you "
    "follow here what each does about it. It is free, and you need not say why.",
    object_unheld="Your objection is kept, and will apply to every organisation that declares your number here later. "
    "It is free, and you need not say why.",
    erase_title="Ask for erasure",
    erase="You object, and also ask for your number to be erased from their files. Once all have done so, this report "
    "disappears from here too. Only your request remains, in which your number is encrypted, and what each of them "
    "answered. Keep this answer first: it is your evidence.",
    download_title="Keep this answer",
    download="Download it, dated and numbered: as a letter to print (PDF) or as data (JSON).",
    complain_title="Complain to the CNIL",
    complain="If an answer does not come or does not satisfy you, the French data protection authority takes your "
    "complaint free of charge: www.cnil.fr/fr/plaintes, or by post, 3 place de Fontenoy, TSA 80715, 75334 Paris Cedex "
    "07. Enclose this answer.",
    only_number="All that this registry knows about you is this number and what is written here: neither your name "
    "nor your address.",
    rights="You can also ask each of these organisations to correct your data or to restrict its use, by writing to "
    "the organisation directly.",
    contact_holds="Holds your number.",
    contact_said_to_hold="Holds your number, according to another organisation.",
    contact_denies="Is said to have collected your number, and denies it.",
    contact_collected="Collected your number.",
    contact_said_to_have_received="Is said to have received your number.",
    contact_erased="Says that it erased your number.",
    contact_sent="Sent messages to your number.",
    contact_plans="Is to send messages to your number.",
)

_REGISTRY: Final = phrases.Registry(
    section_title="What this registry does with your number",
    introduction="The registry that answers you processes your number too. This is what it must disclose to you about "
    "that (Article 15 of the GDPR).",
    label_operator="Who is responsible",
    operator="{name}, {contact}",
    operator_unknown="the operator of this registry, whose name is not recorded here",
    why=phrases.Labelled(
        label="Why",
        value="to show people where their number came from, to let organisations prove it, and to pass on your "
        "requests",
    ),
    data=phrases.Labelled(
        label="Which data",
        value="your number, encrypted; the files that it is in; the date and the reference of a consent, if an "
        "organisation gave them; your requests",
    ),
    source=phrases.Labelled(
        label="Where they come from", value="from the organisations named in this answer, and from you"
    ),
    recipients=phrases.Labelled(
        label="Who sees them",
        value="you; each organisation named here, for what it holds and the way it came; the CNIL, which states its "
        "reason; the carrier of our text messages, while a code is sent to you",
    ),
    storage=phrases.Labelled(
        label="Until when",
        value="as long as an organisation holds it; an objection or a request for erasure, as long as it has to "
        "apply, three years at least",
    ),
    third_countries=phrases.Labelled(
        label="Outside the European Union",
        value="your requests go to the organisations named here, wherever they are established; the operator of this "
        "registry answers questions about hosting and text messages",
    ),
    automated_decisions=phrases.Labelled(label="Automated decisions, profiling", value="none"),
    rights=phrases.Labelled(
        label="Your rights",
        value="to have data corrected, erased or restricted, and to object: contact the operator of this registry; to "
        "complain to the CNIL",
    ),
)

PHRASES: Final = phrases.Phrases(
    general=_GENERAL,
    summary=_SUMMARY,
    path=_PATH,
    origins=english_origins.ORIGINS,
    recipients=_RECIPIENTS,
    standings=english_standings.STANDINGS,
    messages=english_messages.MESSAGES,
    gaps=_GAPS,
    earlier=_EARLIER,
    objections=english_messages.OBJECTIONS,
    steps=_STEPS,
    registry=_REGISTRY,
    letter=english_letters.LETTER,
    holder_letter=english_letters.HOLDER_LETTER,
)
