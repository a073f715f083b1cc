"""What the pages say in English."""

from typing import Final

from service.core.vocabulary import ObjectionKind, ObjectionSource, Purpose, RelayState
from service.portal import phrases

_FRAME: Final = phrases.Frame(
    site="Filiation",
    skip="Skip to content",
    menu="Main menu",
    how="How it works",
    deadlines="Response times",
    privacy="Privacy",
    outbox="Messages of the demonstration",
    answer="My answer",
    requests="My requests",
    leave="Leave",
    switch="Français",
    your_number="Verified number: {number}",
    error_prefix="Error: {title}",
    foot_menu="Footer",
    foot_law="Free software. Nothing here is legal advice: these are declarations, each with the name of whoever makes "
    "it.",
    foot_complain="You may complain to the CNIL, the French supervisory authority, at any time:",
)

_HOME: Final = phrases.Home(
    title="Who gave them your number?",
    lead="A text message from a party, a brand, a stranger. Here you see who collected your number and in which "
    "words, through whose hands it passed, and who has it today. And you say no to all of them, once.",
    label="Your mobile phone number",
    hint="For example 06 39 98 00 00. You will receive a code by text message: nobody but you can ask the question.",
    send="Send me a code",
    responsible="Responsible for this registry: {names}.",
    held="The number that you enter serves to send you the code, and then to answer you. It is encrypted as soon as it "
    "arrives, and erased at the end of your visit. Your rights, and what is kept:",
    steps_title="In a minute",
    steps=(
        ("You prove that the number is yours", "A six-digit code, by text message. No account, no name, no address."),
        (
            "You see the way it took",
            "From the box that you may have ticked to the message you received: every organisation by its name.",
        ),
        (
            "You say no, once",
            "Your objection goes to every organisation known here that has your number, and you follow what each does.",
        ),
    ),
    honest_title="What this registry does not know",
    honest="It knows only what organisations have declared to it. When only the buyer asserts an origin, when two "
    "files contradict each other, when nobody says where your number came from, it says just that.",
    left="You have left: your session is erased, here and in your browser.",
    expired="Your visit is over, or has not begun: it lasts thirty minutes at most. Ask for a code.",
)

_CODE: Final = phrases.Code(
    title="The code you received",
    sent="A six-digit code is on its way to {number}. It is good for five minutes.",
    label="Six-digit code",
    hint="Give it to nobody: we will never ask you for it on the telephone.",
    confirm="Continue",
    late_title="Nothing received?",
    late="A text message may take a minute. A new code replaces the one before.",
    late_still="Still nothing? Check the number above, and the unwanted messages on your telephone. If you cannot get "
    "text messages, write to us. Our address is here:",
    again="Send a new code",
    again_in="New code possible in {seconds} s",
    sent_again="A new code is on its way. Only the latest one counts.",
    change="Correct the number",
    demo="This is a demonstration: no text message is sent.",
    demo_link="Read the message",
)

_SINCE: Final = phrases.Since(
    title="Since when has this number been yours?",
    lead="You need not answer. Numbers change hands: what happened before you is somebody else’s business.",
    label="Mine since",
    hint="A rough date will do.",
    save="Continue with this date",
    skip="Continue without a date",
    why_title="What the date changes",
    why="What is older is then summarised by organisation, without detail. Without a date you are shown everything.",
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
    evidence_open="Open the screenshot (new page)",
    picture_text="The same way in words",
)

_OBJECTION: Final = phrases.Wish(
    title="Object",
    lead="One request reaches every organisation known here that has your number. It counts as soon as it is recorded, "
    "and each has a month to answer you.",
    scope="How far does your objection go?",
    everything="To everything, everywhere",
    everything_hint="No organisation may use this number to canvass you any more, whatever the purpose.",
    organisation="To one organisation",
    organisation_hint="The others are not concerned.",
    organisation_label="Organisation",
    choose="Choose…",
    go_on="Continue",
    nobody="No registered organisation has your number today. You may object all the same: your refusal will count for "
    "every file to come.",
    other="Do you want your number to disappear from their files as well?",
    other_link="Ask for erasure",
)

_ERASURE: Final = phrases.Wish(
    title="Have my number erased",
    lead="You ask that your number disappear from their files, and by the same act you object to all messages. "
    "This registry keeps your request, in which your number is encrypted, so that it does not come back.",
    scope="Where shall it be erased?",
    everything="Everywhere",
    everything_hint="At every organisation that has your number today.",
    organisation="At one organisation",
    organisation_hint="The others keep it.",
    organisation_label="Organisation",
    choose="Choose…",
    go_on="Continue",
    nobody="No registered organisation has your number today: there is nothing to erase here. An objection, however, "
    "will count for every file to come.",
    other="Do you only want to receive no more messages?",
    other_link="Object without erasing",
)

_ONE_PURPOSE: Final = phrases.OnePurpose(
    choice="To one purpose",
    hint="For example political canvassing, at everyone who has your number.",
    label="Purpose",
)

_CONFIRMATION: Final = phrases.Confirmation(
    objection_title="Confirm your objection",
    erasure_title="Confirm the erasure",
    about="Number",
    kind="Request",
    scope="Scope",
    reaches="Organisations concerned today",
    nobody="none",
    objection_means="Your objection is recorded at once and passed on to these organisations. It cannot be taken back "
    "here: if you must, turn to them.",
    erasure_means="Erasure is final. Once all have erased your number, its story disappears from here too. Keep your "
    "answer first: it is your evidence.",
    keep_first="Keep my answer",
    objection_go="I object",
    erasure_go="I ask for erasure",
    back="Change",
)

_REQUESTS: Final = phrases.Requests(
    title="My requests",
    lead="What you asked for, and what each organisation has done about it.",
    done="It is recorded, and counts from now on. This is how far each organisation is.",
    none="You have not asked for anything yet.",
    earlier="There are older requests on this number, from before the date that you gave. They still count.",
    recorded="Recorded on {day}",
    kinds={ObjectionKind.OBJECTION: "Objection", ObjectionKind.ERASURE: "Erasure"},
    everything={ObjectionKind.OBJECTION: "to everything", ObjectionKind.ERASURE: "everywhere"},
    organisation="{name} only",
    purpose="{purpose} only",
    sources={
        ObjectionSource.PERSON: "asked for here",
        ObjectionSource.STOP: "by your reply STOP to a message",
        ObjectionSource.HOLDER: "received by an organisation, which declared it here",
    },
    closed="Closed on {day}",
    closed_but="Nothing to wait for here since {day}: what is left is to write to those without an account",
    open="Under way",
    states={
        RelayState.PENDING: "Waiting",
        RelayState.DELIVERED: "Passed on",
        RelayState.ACKNOWLEDGED: "Received",
        RelayState.COMPLETED: "Done",
        RelayState.REFUSED: "Refused",
        RelayState.UNDELIVERABLE: "For you to send",
    },
    means={
        RelayState.PENDING: "The organisation has not fetched it yet.",
        RelayState.DELIVERED: "The organisation has it in hand and has not answered yet.",
        RelayState.ACKNOWLEDGED: "The organisation says that it received it and is working on it.",
        RelayState.COMPLETED: "The organisation says that it is done.",
        RelayState.REFUSED: "The organisation refuses. If its reason does not convince you, you may turn to the CNIL.",
        RelayState.UNDELIVERABLE: "This organisation has no account here: it must be written to.",
    },
    due="Answer due on {day}",
    overdue="Answer due on {day}, overdue",
    on="on {day}",
    reason="Reason given: {reason}",
    write_to="Write to: {contact}",
    no_address="No address is known here.",
    letter="Letter ready to print",
    no_relays="Nobody has this number today: there is nothing to pass on. The refusal counts for every file to come.",
    flagged_dataset="In spite of this request, a file of {name} recorded on {day} holds your number.",
    flagged_campaign="In spite of this request, the campaign “{campaign}” of {name}, of {day}, has your number.",
    reload="Refresh",
    another="Make another request",
    complain="Without an answer after a month, or if it does not satisfy you, you may complain to the CNIL: "
    "cnil.fr/plaintes.",
)

_DEADLINES: Final = phrases.Deadlines(
    title="Who answers, and how soon",
    lead="Each organisation has a month to answer an objection or an erasure. The law allows two more if it is "
    "complicated, provided that the person is told. This table is public.",
    caption="Requests that this registry passed on, by organisation",
    organisation="Organisation",
    requests="Requests",
    ended="Ended",
    median="Median time",
    overdue="Overdue",
    days="{days} d",
    no_median="no answer yet",
    none="No request is counted yet.",
    note="Median time: half of the answers came sooner. Overdue: requests recorded here more than a month ago that "
    "have no answer yet; a longer time that the person was told of is not known here. Counted are the requests that "
    "came from persons themselves, up to midnight: so nobody can read in this table who has a number.",
)

_OUTBOX: Final = phrases.Outbox(
    title="Messages of the demonstration",
    lead="This demonstration sends no text messages: here is what would have been sent. Only the computer on which the "
    "service runs is shown this page.",
    none="No message so far.",
    to="To {number}",
    sent="at {time}",
    reload="Refresh",
)

_PROBLEMS: Final = phrases.Problems(
    fields={
        "number_missing": "Enter your mobile phone number.",
        "number_invalid": "This is not a number that we can read. Write it like 06 39 98 00 00.",
        "number_not_served": "We send codes to mobiles of France and its overseas territories only. Enter a mobile "
        "number.",
        "too_many": "Too many codes were asked for. Try again in {wait}.",
        "too_soon": "Wait {wait} before you ask for a new code.",
        "unsent": "The text message could not be sent. Try again in a moment.",
        "code_missing": "Enter the six-digit code that you received.",
        "code_wrong": "This is not the right code. Tries left: {tries}.",
        "code_over": "This code does not count any more. Ask for a new one.",
        "date_missing": "Choose a date, or continue without one.",
        "date_invalid": "There is no such date. Write it as day, month, year.",
        "date_future": "This date is in the future: choose one in the past.",
        "scope_missing": "Choose how far your request goes.",
        "organisation_missing": "Choose an organisation from the list.",
        "purpose_missing": "Choose a purpose from the list.",
        "refused": "This could not be recorded. Check your choice and try again.",
    },
    pages={
        "404": ("There is no such page", "The address may be incomplete, or the page is not yours."),
        "405": ("This page does not open that way", "Start again from the home page."),
        "413": ("Too much text at once", "This form expects a few characters only."),
        "429": ("Too many requests at once", "This protects against abuse. Wait a little."),
        "500": (
            "Something broke, on our side",
            "Nothing was recorded. Try again; if it stays, tell the operator of this registry.",
        ),
        "503": ("Many people at once", "Too many requests come in at a time. Try again in a moment."),
        "form_refused": (
            "This form does not count any more",
            "It was opened long ago, or does not come from here. Nothing was recorded: start again from the home page.",
        ),
        "cookie_missing": (
            "Your browser did not send back the cookie of this visit",
            "Without it nothing shows that the form comes from you. Allow this site’s cookies, and open it by an "
            "address that begins with https.",
        ),
    },
    usual=("That did not work", "Nothing was recorded. Start again from the home page."),
    home="Home page",
    wait="Try again in {wait}.",
)

WORDS: Final = phrases.Words(
    frame=_FRAME,
    home=_HOME,
    code=_CODE,
    since=_SINCE,
    answer=_ANSWER,
    objection=_OBJECTION,
    erasure=_ERASURE,
    one_purpose=_ONE_PURPOSE,
    confirmation=_CONFIRMATION,
    requests=_REQUESTS,
    deadlines=_DEADLINES,
    outbox=_OUTBOX,
    problems=_PROBLEMS,
    purposes={
        Purpose.COMMERCIAL_CANVASSING: "commercial canvassing",
        Purpose.POLITICAL_CANVASSING: "political canvassing",
        Purpose.TRANSFER: "passing on to others",
        Purpose.FUNDRAISING: "fundraising",
        Purpose.OPINION_POLL: "opinion polls",
        Purpose.SERVICE_MESSAGES: "service messages",
    },
)
