"""What a report says of where a number comes from, in English."""

from typing import Final

from service.disclosure import phrases
from service.disclosure.phrase_forms import Plural

ORIGINS: Final = phrases.Origins(
    section_title="Where your number comes from",
    collected="{collector} collected your number {when}",
    collected_claimed="According to {who}, {collector} collected your number {when}",
    collected_contested="{collector} is said to have collected your number {when}; you contest having agreed",
    collected_denied="According to {who}, {collector} collected your number {when}, which {collector} denies",
    on_day="on {day}",
    on_day_claimed="on {day}, according to {who}",
    on_unknown_day="on a date that nobody gives",
    on_erased_day="on a date that has since been erased with your number",
    in_words="{sentence}, in these words: {quoted}",
    sentence="{sentence}.",
    attested="{collector} confirms this collection. Its confirmation has been recorded here since {day}.",
    unattested="This is what {who} declares (recorded here on {day}). {collector} has not confirmed it.",
    unattested_no_account="This is what {who} declares (recorded here on {day}). {collector} is not registered here "
    "and has confirmed nothing.",
    wording_source="{channel}, {address}",
    wording_reported="{place}; wording reported by {who}",
    denied="It is {who} that declares this (recorded here on {day}). {collector} denies it: that has been recorded "
    "here since {denied_on}.",
    contested="You have contested this agreement since {day}. {collector} has not answered here yet.",
    contested_answered="You have contested this agreement since {day}. {collector} answered on {answered_on}: see "
    "“Your objections”.",
    denied_because="{collector} wrote: {quoted}",
    corrected="What is recorded here of this form was corrected on {day} by {who}. Before, it read:",
    wording_earlier="Recorded on {day} by {who}, and corrected since",
    screenshot_withdrawn="Screenshot that the organisation which provided it has withdrawn",
    withdrawn="{who} withdrew a screenshot on {day}: it is said not to show the form as it was. Reason: {quoted}",
    screenshot="Screenshot of the form with this wording",
    label_consented="Date of your consent",
    consented_claimed="{day}, according to {who}",
    consented_unknown="unknown: nobody says when you are supposed to have consented",
    consented_erased="erased on {day}, with your number",
    label_period="Collected",
    period="from {began} to {ended}",
    period_open="since {began}",
    label_mechanism="How consent was asked for",
    label_purposes="What for",
    label_listed="Recipients named on that day",
    listed="{names} (list of {day})",
    listed_claimed="{names} (list of {day}, according to {who})",
    listed_nobody="nobody (list of {day})",
    category="{quoted}, with no other name",
    list_unknown="unknown, because the date of consent is unknown",
    list_none="no list is recorded here for that day",
    label_proof="Proof of consent",
    proof_reference="reference {record} at the collector",
    proof_none="no proof is kept here, nor a reference to one",
    proof_erased="no proof is kept here any more; a reference to one may have been erased with your number",
    label_screenshot="Screenshot of the form",
    screenshot_kept="kept here",
    screenshot_kept_withdrawn="kept here, but withdrawn by the organisation that provided it",
    screenshot_none="none",
    unnamed=Plural(
        one="Not named on that list, but received your number, or is said to have: {names}.",
        many="Not named on that list, but received your number, or are said to have: {names}.",
    ),
)
