"""What letters say in English. The typographer puts in apostrophes and no-break spaces."""

from typing import Final

from service.disclosure import phrases

LETTER: Final = phrases.ReportLetter(
    registry="Filiation",
    registry_is="Registry of the provenance of telephone numbers",
    number="Number",
    reference="Reference",
    footer="Answer {reference} under Article 15 of the GDPR",
    colon=":",
    page="Page {page} of {pages}",
)

HOLDER_LETTER: Final = phrases.HolderLetter(
    title_objection="Objection to the use of my telephone number",
    title_erasure="Request to erase my telephone number",
    title_contest="I contest an agreement that is attributed to me",
    name="Name (optional): {line}",
    address="Where to answer me: {line}",
    no_address="(address to be filled in)",
    greeting="Dear Sir or Madam,",
    number="My telephone number is {number}. According to what is declared in the Filiation registry, {holder} holds "
    "it.",
    objection="I object to its use for direct marketing and canvassing of any kind: messages, calls, or transfer to "
    "others for that purpose (Article 21(2) and (3) of the GDPR). If you rely on my consent, I withdraw it (Article "
    "7(3)).",
    objection_to_purpose="I object to its use for this purpose: {purpose} (Article 21 of the GDPR). If you rely on my "
    "consent for it, I withdraw it (Article 7(3)).",
    erasure="I ask you to erase it from all your files (Article 17(1) of the GDPR), and I object to its further use "
    "for direct marketing and canvassing (Article 21(2) and (3)). If you rely on my consent, I withdraw it (Article "
    "7(3)).",
    contest="I did not give the agreement under which it is said to have been collected. I ask you to correct what "
    "you state of it (Article 16 of the GDPR), to restrict its use until then (Article 18(1)(a)), and to show me the "
    "record that you keep (Article 7(1)).",
    inform_contest="I also ask you to inform every organisation to which you transferred my number, and to let me "
    "know which those are (Article 19).",
    forward_objection="I also ask you to forward this objection to every organisation to which you transferred my "
    "number, to let me know which those are (Article 15(1)(c)), and to confirm to me in writing what you have done.",
    inform_recipients="I also ask you to inform every organisation to which you transferred my number, to let me know "
    "which those are (Article 19), and to confirm to me in writing what you have done.",
    one_month="You have one month to answer me, from the day on which you receive this letter (Article 12(3)). Without "
    "an answer by then I may turn to the CNIL, the French supervisory authority.",
    enough="This number is enough to find my data. You may use anything else that this letter says about me only to "
    "answer me.",
    recorded="The Filiation registry verified, by a code sent to this number, that I receive its messages. My request "
    "has been recorded there since {moment}, Paris time, under the reference {reference}.",
    closing="Yours faithfully,",
    place_and_date="Place and date",
    signature="Signature",
    footer="Reference {reference}",
)
