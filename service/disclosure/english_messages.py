"""What a report says of messages, and of the person's objections, in English."""

from typing import Final

from service.disclosure import phrases
from service.disclosure.phrase_forms import ByRequest, Extent, Plural

MESSAGES: Final = phrases.Messages(
    section_title="The messages that were sent",
    introduction="According to what is declared here, each of these messages was sent to all the numbers in a file "
    "that contains yours.",
    sent=Plural(
        one="{party} sent a text message to your number {days}.",
        many="{party} sent {count} text messages to your number, {days}.",
    ),
    planned=Plural(
        one="{party} plans to send a text message to your number {days}.",
        many="{party} plans to send {count} text messages to your number, {days}.",
    ),
    none=Extent(
        everything="No message sent to your number is declared here.",
        since_owned="No message sent to this number since it has been yours is declared here.",
    ),
    on_day="on {day}",
    heading="{party}, {day}",
    heading_planned="{party}, planned for {day}",
    introduction_planned="What follows is planned, according to what is declared here, and has not been sent.",
    introduction_not_sent="Messages that were declared here and then cancelled, or said not to have been sent:",
    cancelled="{party} had planned a text message for {day}, and cancelled it on {cancelled_on}. Reason: {quoted}",
    not_sent="{party} had declared a text message of {day} here, and then declared, on {cancelled_on}, that it was not "
    "sent. Reason: {quoted}",
    source="Text message from {originator}",
    label_sent="Sent",
    label_planned="Planned",
    label_sent_by="Sent by",
    label_originator="Number or name displayed",
    label_poll="Poll",
    poll="{name}, {day}",
    label_file="Your number came from",
    file_received="the file received {from_sender} on {day}",
    file_own="a file of {party}",
    label_declared="Declared here",
    declared_by="by {who}, on {day}",
    used_unacknowledged="The file was used although {party} has not said here that it received it.",
)


OBJECTIONS: Final = phrases.Objections(
    section_title="Your objections",
    none=Extent(
        everything="No objection is recorded for your number.",
        since_owned="No objection made since this number has been yours is recorded here.",
    ),
    heading=ByRequest(
        stop="STOP of {when}",
        objection="Objection of {when}",
        erasure="Request for erasure of {when}",
        contest="Contest of {when}",
    ),
    name=ByRequest(
        stop="your STOP of {when}",
        objection="your objection of {when}",
        erasure="your request for erasure of {when}",
        contest="your contest of {when}",
    ),
    name_recorded_by=ByRequest(
        stop="your STOP of {when}, which {who} declared here",
        objection="your objection of {when}, which {who} declared here",
        erasure="your request for erasure of {when}, which {who} declared here",
        contest="your contest of {when}, which {who} recorded here",
    ),
    contested="You say that you did not give the agreement that {collector} is said to have collected. You ask for it "
    "to be corrected, and for the use of your number to be restricted until then (Articles 16 and 18 of the GDPR).",
    taken_back="You took it back on {day}.",
    answered="{who} answered, on {day}: {quoted}",
    answered_reference="Reference of its record: {record}.",
    made_here="You made it here.",
    stop_reply="You replied STOP {to_message}.",
    stop_reply_reported="You replied STOP {to_message}; {who} reported it to us on {day}.",
    to_message="to a message",
    to_message_from="to a message {from_sender}",
    received_by_holder="{who} received it, and reported it to us on {day}.",
    applies_to_everything="It applies to every organisation and every purpose.",
    applies_to_organisation="It applies to {organisation}.",
    applies_to_purpose="It applies to one purpose: {purpose}.",
    late=Plural(
        one="One message was sent to your number after {objection}.",
        many="{count} messages were sent to your number after {objection}.",
    ),
    sent_after="Sent {elapsed} after {objection}.",
    sent_after_at_least="Sent at least {elapsed} after {objection}.",
    sent_meanwhile="Messages were already being sent at the time of {objection}: it is not known whether yours left "
    "before or after.",
    planned_after="Planned after {objection}.",
    messages_after="Messages sent after it:",
    message_after="{party}, {when}: {elapsed} after",
    message_after_at_least="{party}, {when}: at least {elapsed} after",
    none_after="No message sent since then is declared here.",
    flags="Declared here after this request:",
    flagged_dataset="{holder}, on {day}: a file that contains your number",
    flagged_campaign="{holder}, on {day}: a campaign sent to your number, {name}",
    flagged_campaign_planned="{holder}, on {day}: a campaign planned for your number, {name}",
    relays="What each organisation has done about {objection}",
    column_holder="Organisation",
    column_state="State of your request",
    column_since="Since",
    refused="{state}: {refusal}",
    undeliverable="{state}: this organisation is not registered here. Write to: {contact}",
    check_due="{state}: the registry is checking {name}, until {day} at the latest",
    check_overdue="{state}: the registry should have checked {name} by {day}; its operator is late",
    answer_due="{state}; an answer is due on {day}",
    overdue="{state}; the time allowed ended on {day}",
    extended="{state}. Two more months taken on {day}. Reason given: {reason}",
    no_relays="No registered organisation had your number at that time.",
)
