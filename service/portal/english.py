"""What the portal says in English."""

from typing import Final

from service.portal import phrases
from service.wording.language import Language
from service.wording.typography import typeset_all

_MENU: Final = phrases.Menu(
    how="How it works",
    deadlines="Response times",
    privacy="Privacy",
    answer="My answer",
    requests="My requests",
    leave="Leave",
    your_number="Verified number: {number}",
    foot_law="Free software. Nothing here is legal advice: these are declarations, each with the name of the "
    "organisation that made it.",
    foot_complain="You can complain to the CNIL, the French supervisory authority, at any time:",
)

_HOME: Final = phrases.Home(
    title="Who gave them your number?",
    lead="A text message from a party, a brand, a stranger. Here you can see who collected your number and in which "
    "words, who passed it on, and who has it today. And you can say no to all of them, once.",
    label="Your mobile phone number",
    hint="For example, 06 39 98 00 00. You will receive a code by text message, so that nobody else can ask about "
    "your number.",
    send="Send me a code",
    controller="Controller of this registry: {names}.",
    kept="The number that you enter is used to send you the code, and then to answer you. It is encrypted as soon as "
    "it arrives, and erased at the end of your visit. Your rights, and what is kept:",
    steps_title="In a minute",
    steps=(
        ("You prove that the number is yours", "A six-digit code by text message. No account, no name, no address."),
        (
            "You see the path it took",
            "From the box that you may have ticked to the message that you received: every organisation by its name.",
        ),
        (
            "You say no, once",
            "Your objection goes to every organisation known here that has your number, and you can follow what each "
            "of them does.",
        ),
    ),
    limits_title="What this registry does not know",
    limits="It knows only what organisations have declared. When only the buyer asserts an origin, when two files "
    "contradict each other, when nobody says where your number came from, the answer says just that.",
    left="You have left. Your session has been erased, here and in your browser.",
    expired="Your visit has ended, or has not begun. It lasts thirty minutes at most. Ask for a code.",
)

_CODE: Final = phrases.Code(
    title="The code that you received",
    sent="A six-digit code is on its way to {number}. It is valid for five minutes.",
    label="Six-digit code",
    hint="Do not give it to anybody. We will never ask you for it on the telephone.",
    confirm="Continue",
    not_received_title="Nothing received?",
    arrival=phrases.Arrival(
        unknown="Whether the message has arrived is unknown: your operator has not reported it.",
        delivered="Your operator reports that the message has arrived.",
        failed="Your operator reports that the message could not be delivered.",
    ),
    not_received="A text message may take a minute. A new code replaces the previous one.",
    still_not_received="Still nothing? Check the number above, and the unwanted messages on your telephone. If you "
    "cannot receive text messages, write to us. Our address is here:",
    again="Send a new code",
    again_in="New code possible in {seconds} s",
    sent_again="A new code is on its way. Only the latest code is valid.",
    change="Correct the number",
    demo="This is a demonstration: no text message is sent.",
    demo_link="Read the message",
)

_SINCE: Final = phrases.Since(
    title="Since when has this number been yours?",
    lead="This question is optional. Numbers are sometimes reassigned: what happened before you concerns somebody "
    "else.",
    label="Mine since",
    hint="An approximate date is enough.",
    save="Continue with this date",
    skip="Continue without a date",
    why_title="What the date changes",
    why="What is older is then summarised by organisation, without details. Without a date, you are shown everything.",
)

_ANSWER: Final = phrases.Answer(
    contents="In this answer",
    stop="Say stop to all now",
    object="Object to all messages",
    erase="Have my number erased",
    pdf="Letter (PDF)",
    json="Data (JSON)",
    since="You said that this number has been yours since {day}.",
    since_unknown="You did not say since when this number has been yours.",
    since_change="Change",
    new_page="new page",
    back="Back to the answer",
    save_screenshot="Save the file as it was given to us",
    screenshot_hash="SHA-256 hash of the file: {hash}",
    path_in_words="The same path in words",
)

_OBJECTION: Final = phrases.ObjectionForm(
    title="Object",
    lead="One request reaches every organisation known here that has your number. It takes effect as soon as it is "
    "recorded, and each organisation has a month to answer you.",
    scope="How far does your objection go?",
    everything="To everything, everywhere",
    everything_hint="No organisation may use this number to canvass you any more, whatever the purpose.",
    organisation="To one organisation",
    organisation_hint="The others are not affected.",
    organisation_label="Organisation",
    choose="Choose…",
    next="Continue",
    nobody="No registered organisation has your number today. You can object all the same: your objection will apply "
    "to every future file.",
    other="Do you also want your number to disappear from their files?",
    other_link="Ask for erasure",
)

_ERASURE: Final = phrases.ObjectionForm(
    title="Have my number erased",
    lead="You ask for your number to disappear from the files, and at the same time you object to all messages. This "
    "registry keeps your request, in which your number is encrypted, so that the number does not come back.",
    scope="Where should it be erased?",
    everything="Everywhere",
    everything_hint="By every organisation that has your number today.",
    organisation="By one organisation",
    organisation_hint="The others keep it.",
    organisation_label="Organisation",
    choose="Choose…",
    next="Continue",
    nobody="No registered organisation has your number today, so there is nothing to erase here. An objection, "
    "however, will apply to every future file.",
    other="Do you only want to stop receiving messages?",
    other_link="Object without erasing",
)

_PURPOSE_SCOPE: Final = phrases.PurposeScope(
    choice="To one purpose",
    hint="For example political canvassing, by everyone who has your number.",
    label="Purpose",
)

_CONFIRMATIONS: Final = phrases.Confirmations(
    about="Number",
    kind="Type of request",
    scope="Scope",
    reaches="Organisations concerned today",
    nobody="none",
    keep_first="Keep my answer",
    back="Change",
    objection=phrases.Confirmation(
        title="Confirm your objection",
        consequence="Your objection is recorded at once and passed on to these organisations. It cannot be withdrawn "
        "here: if you need to, contact them.",
        go="I object",
    ),
    erasure=phrases.Confirmation(
        title="Confirm the erasure",
        consequence="Erasure is final. When all of them have erased your number, its history disappears from here "
        "too. Keep your answer first: it is your evidence.",
        go="I ask for erasure",
    ),
)

_CONTEST: Final = phrases.Contest(
    link="I did not give this agreement",
    title="Contest this agreement",
    collector="Collected by",
    wording="In these words",
    address="Where",
    consequence="Your contest is recorded at once. These organisations have to check what they state, to correct it if "
    "it is inaccurate, and to restrict the use of your number meanwhile (Articles 16 and 18 of the GDPR). The one that "
    "collected the agreement has to show you its record. You can take the contest back.",
    go="I did not give this agreement",
    back="Back to my answer",
    gone="This agreement is no longer in your answer: nothing was recorded.",
)

_REQUESTS: Final = phrases.Requests(
    title="My requests",
    lead="What you asked for, and what each organisation has done about it.",
    recorded_now="Your request is recorded, and applies from now on. Here is how far each organisation has got.",
    none="You have not asked for anything yet.",
    earlier="There are older requests about this number, from before the date that you gave. They still apply.",
    heading="{kind}: {scope}",
    recorded="Recorded on {day}",
    everything=phrases.Everything(objection="to everything", erasure="everywhere"),
    organisation="{name} only",
    purpose="{purpose} only",
    closed="Closed on {day}",
    closed_but_letters="There has been nothing more to expect here since {day}: you still have to write to those "
    "without an account",
    open="In progress",
    meanings=phrases.RelayMeanings(
        waiting="The registry is checking first whether an organisation may take part in this request.",
        pending="The organisation has not fetched it yet.",
        delivered="The organisation has it and has not answered yet.",
        acknowledged="The organisation says that it has received it and is working on it.",
        completed="The organisation says that it is done.",
        refused="The organisation refuses. If its reason does not convince you, you can complain to the CNIL.",
        undeliverable="This organisation has no account here: you have to write to it.",
        withdrawn="You took your contest back.",
    ),
    check_due="It is checking {name}, until {day} at the latest. The month to answer begins after that.",
    check_overdue="It should have checked {name} by {day}. The operator of the registry is late.",
    due="Answer due on {day}",
    overdue="Answer due on {day}, overdue",
    extended="On {day} the organisation took two more months to answer. Reason given: {reason}",
    on="on {day}",
    reason="Reason given: {reason}",
    write_to="Write to: {contact}",
    according_to="(name and contact as stated by {namer})",
    holder_closed="(closed on {day})",
    holder_succeeded="(now {heir})",
    no_address="No address is known here.",
    letter="Letter ready to print",
    letter_to=": {name}",
    no_relays="Nobody has this number today, so there is nothing to pass on. Your request applies to every future "
    "file.",
    origin="the agreement collected by {collector}",
    taken_back="You took it back on {day}.",
    take_back="Take my contest back",
    taken_back_now="Your contest was taken back.",
    answered="Answer of {who}, on {day}: “{text}”",
    answered_reference="Reference of its record: {record}",
    flagged_dataset="In spite of this request, a file of {name} recorded on {day} contains your number.",
    flagged_campaign="In spite of this request, the campaign “{campaign}” of {name}, of {day}, targets your number.",
    flagged_campaign_planned="In spite of this request, {name} plans a campaign to your number, “{campaign}” "
    "(recorded on {day}).",
    reload="Refresh",
    another="Make another request",
    complain="If you get no answer within a month, or if the answer does not satisfy you, you can complain to the "
    "CNIL: cnil.fr/plaintes.",
)

_DEADLINES: Final = phrases.Deadlines(
    title="Who answers, and how soon",
    lead="Each organisation has a month to answer an objection or a request for erasure. The law allows two more "
    "months for complex cases, provided that the person is informed. These figures are public. They appear once for "
    "each quarter, on the 15th of the second month after it, and do not change afterwards.",
    caption="Requests that organisations received from {period}",
    published="Published on {day}",
    corrected="Version {version}, corrected on {day}: {reason}",
    organisation="Organisation",
    in_time="In time",
    late="Late",
    refused="Refused",
    withdrawn="Withdrawn",
    open="Not answered",
    received="All requests",
    in_time_percent="Share in time",
    median="Median time",
    mean="Mean time",
    total="All organisations",
    days="{days} d",
    percent="{percent}%",
    fewer="fewer than 10",
    left_out="not published",
    none="No quarter has been published yet.",
    hidden="Why are small counts hidden? Otherwise, somebody who knows on which day a person objected could see here "
    "which organisations have that person's number. So a count below 10, even zero, reads “fewer than 10”, and every "
    "other count is rounded to the nearest 10.",
    sums="A sum or a share is published only if every count in it is. Otherwise, a subtraction would reveal the hidden "
    "count. A share or a mean takes at least 50 cases, and a median at least 20.",
    definitions="In time: completed within the month. Late: completed after it. Not answered: still open on the day "
    "before publication. A longer period that was announced to the person is not known here. Median time: half of the "
    "answers came sooner.",
    counted="Only requests that came from persons themselves are counted.",
    others="Published quarters",
    period="{first} to {last}",
    files="The same figures as files:",
    of_version="{quarter}, version {version}",
)

_OUTBOX: Final = phrases.Outbox(
    title="Messages of the demonstration",
    lead="This demonstration sends no text messages: this is what would have been sent. Only the computer on which the "
    "service runs is shown this page.",
    none="No message so far.",
    to="To {number}",
    sent="at {time}",
    reload="Refresh",
)

_ERRORS: Final = phrases.FormErrors(
    number_missing="Enter your mobile phone number.",
    number_invalid="We cannot read this number. Write it like 06 39 98 00 00.",
    number_not_served="We send codes only to mobile numbers of France and its overseas territories. Enter a mobile "
    "number.",
    too_many_codes="Too many codes have been requested. Try again in {wait}.",
    too_soon="Wait {wait} before you ask for a new code.",
    not_sent="The text message could not be sent. Try again in a moment.",
    code_missing="Enter the six-digit code that you received by text message.",
    code_wrong="This is not the right code. Tries left: {tries}.",
    code_expired="This code is no longer valid. Ask for a new one.",
    date_missing="Choose a date, or continue without one.",
    date_invalid="This date does not exist. Write it as day, month, year.",
    date_in_future="This date is in the future. Choose a date in the past.",
    scope_missing="Choose how far your request goes.",
    organisation_missing="Choose an organisation from the list.",
    purpose_missing="Choose a purpose from the list.",
    not_recorded="This could not be recorded. Check your choice and try again.",
)

PHRASES: Final = typeset_all(
    Language.EN,
    phrases.Phrases(
        menu=_MENU,
        home=_HOME,
        code=_CODE,
        since=_SINCE,
        answer=_ANSWER,
        objection=_OBJECTION,
        erasure=_ERASURE,
        purpose_scope=_PURPOSE_SCOPE,
        confirmations=_CONFIRMATIONS,
        contest=_CONTEST,
        requests=_REQUESTS,
        deadlines=_DEADLINES,
        outbox=_OUTBOX,
        errors=_ERRORS,
    ),
)
