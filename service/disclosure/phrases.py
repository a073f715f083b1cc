"""The phrases that a report and its letters are made of, by section. French and English are two values of `Phrases`.

Braces are filled in with `format` by whichever function writes the sentence. `{from_sender}` is a whole expression,
"from Contact Direct SAS", because French says *de* or *d'*.
"""

from dataclasses import dataclass

from service.disclosure.phrase_forms import ByAgreement, ByRequest, Counted, Extent, Plural


@dataclass(frozen=True)
class General:
    """What every section may need."""

    title: str
    as_of: str
    registry: str
    through: str
    no_address: str
    closed: str
    succeeded: str
    closed_and_succeeded: str
    heir_address: str
    according_to: str
    contact_by_another: str
    name_and_contact_by_another: str
    separator: str


@dataclass(frozen=True)
class Summary:
    """In short: the first section."""

    section_title: str
    nobody: str
    nobody_means: str
    no_longer_held: str
    no_origin_held: Plural
    no_origin_had: Plural
    no_origin_of_one_file: str
    held_now: str
    earlier: str
    only_facts: str


@dataclass(frozen=True)
class Path:
    """The picture of the path, and the same as a list."""

    section_title: str
    picture_title: str
    collected: str
    collected_denied: str
    collected_contested: str
    collected_earlier: str
    no_origin: str
    received: ByAgreement
    received_earlier: str
    sent: Plural
    planned: Plural
    erased: str
    collection_earlier: str
    transfer_earlier: str


@dataclass(frozen=True)
class Origins:
    """Where the number comes from."""

    section_title: str
    collected: str
    collected_claimed: str
    collected_contested: str
    collected_denied: str
    on_day: str
    on_day_claimed: str
    on_unknown_day: str
    on_erased_day: str
    in_words: str
    sentence: str
    attested: str
    unattested: str
    unattested_no_account: str
    denied: str
    denied_because: str
    contested: str
    contested_answered: str
    wording_source: str
    wording_reported: str
    corrected: str
    wording_earlier: str
    screenshot: str
    screenshot_withdrawn: str
    withdrawn: str
    label_consented: str
    consented_claimed: str
    consented_unknown: str
    consented_erased: str
    label_period: str
    period: str
    period_open: str
    label_mechanism: str
    label_purposes: str
    label_listed: str
    listed: str
    listed_claimed: str
    listed_nobody: str
    category: str
    list_unknown: str
    list_none: str
    label_proof: str
    proof_reference: str
    proof_none: str
    proof_erased: str
    label_screenshot: str
    screenshot_kept: str
    screenshot_none: str
    screenshot_kept_withdrawn: str
    unnamed: Plural


@dataclass(frozen=True)
class Recipients:
    """Who received the number, and how well that is established."""

    section_title: str
    received_from: str
    transfer: ByAgreement
    erased: str
    counted: Counted
    senders: str
    label_role: str
    label_address: str
    label_received: str
    label_status: str
    status: ByAgreement
    status_confirmed: str
    status_in_both: str
    status_sender_no_account: str
    status_recipient_no_account: str
    retracted_heading: str
    label_purpose: str
    purpose_and_basis: str
    label_targeting: str
    targeting: str
    targeting_source: str
    label_sends_for: str
    sends_for: str


@dataclass(frozen=True)
class Standings:
    """What holders say of files that they no longer have, or never had."""

    ended: str
    adds: str
    withdrawn: str
    only_withdrawn: str
    erased: str
    note_ended: str
    note_withdrawn: str
    contact: str


@dataclass(frozen=True)
class Messages:
    """The messages that were sent."""

    section_title: str
    introduction: str
    sent: Plural
    planned: Plural
    none: Extent
    on_day: str
    heading: str
    heading_planned: str
    introduction_planned: str
    introduction_not_sent: str
    cancelled: str
    not_sent: str
    source: str
    label_sent: str
    label_planned: str
    label_sent_by: str
    label_originator: str
    label_poll: str
    poll: str
    label_file: str
    file_received: str
    file_own: str
    label_declared: str
    declared_by: str
    used_unacknowledged: str


@dataclass(frozen=True)
class Gaps:
    """What is missing or does not agree."""

    section_title: str
    orphan: str
    orphan_erased: str
    unattested: str
    denied: str
    contested: str
    consent_unknown: str
    used_unacknowledged: str
    chains_truncated: str
    comment: str


@dataclass(frozen=True)
class Earlier:
    """Before the number was this person's."""

    section_title: str
    introduction: str
    objections: str


@dataclass(frozen=True)
class Objections:
    """The person's requests, what became of them, and the messages that came after them."""

    section_title: str
    none: Extent
    heading: ByRequest
    name: ByRequest
    name_recorded_by: ByRequest
    made_here: str
    contested: str
    taken_back: str
    answered: str
    answered_reference: str
    stop_reply: str
    stop_reply_reported: str
    to_message: str
    to_message_from: str
    received_by_holder: str
    applies_to_everything: str
    applies_to_organisation: str
    applies_to_purpose: str
    late: Plural
    sent_after: str
    sent_after_at_least: str
    sent_meanwhile: str
    planned_after: str
    messages_after: str
    message_after: str
    message_after_at_least: str
    none_after: str
    flags: str
    flagged_dataset: str
    flagged_campaign: str
    flagged_campaign_planned: str
    relays: str
    column_holder: str
    column_state: str
    column_since: str
    refused: str
    undeliverable: str
    check_due: str
    check_overdue: str
    answer_due: str
    overdue: str
    extended: str
    no_relays: str


@dataclass(frozen=True)
class Steps:
    """What the person can do now, and where to write."""

    section_title: str
    object_title: str
    object: str
    object_unheld: str
    erase_title: str
    erase: str
    download_title: str
    download: str
    complain_title: str
    complain: str
    only_number: str
    rights: str
    contact_holds: str
    contact_said_to_hold: str
    contact_collected: str
    contact_denies: str
    contact_said_to_have_received: str
    contact_erased: str
    contact_sent: str
    contact_plans: str


@dataclass(frozen=True)
class Labelled:
    """A label, and what is true of it in every report."""

    label: str
    value: str


@dataclass(frozen=True)
class Registry:
    """What the registry itself does with the number (GDPR 15(1) and (2))."""

    section_title: str
    introduction: str
    label_operator: str
    operator: str
    operator_unknown: str
    why: Labelled
    data: Labelled
    source: Labelled
    recipients: Labelled
    storage: Labelled
    third_countries: Labelled
    automated_decisions: Labelled
    rights: Labelled


@dataclass(frozen=True)
class ReportLetter:
    """What surrounds a report that is printed as a letter."""

    registry: str
    registry_is: str
    number: str
    reference: str
    footer: str
    colon: str
    page: str


@dataclass(frozen=True)
class HolderLetter:
    """The person's own letter to a holder that has no account here."""

    title_objection: str
    title_erasure: str
    title_contest: str
    name: str
    address: str
    no_address: str
    greeting: str
    number: str
    objection: str
    objection_to_purpose: str
    erasure: str
    contest: str
    forward_objection: str
    inform_contest: str
    inform_recipients: str
    one_month: str
    enough: str
    recorded: str
    closing: str
    place_and_date: str
    signature: str
    footer: str


@dataclass(frozen=True)
class Phrases:
    """Everything that reports and letters say in one language."""

    general: General
    summary: Summary
    path: Path
    origins: Origins
    recipients: Recipients
    standings: Standings
    messages: Messages
    gaps: Gaps
    earlier: Earlier
    objections: Objections
    steps: Steps
    registry: Registry
    letter: ReportLetter
    holder_letter: HolderLetter
