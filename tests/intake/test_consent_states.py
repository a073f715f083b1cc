"""A column that says whether the person agreed: its name asks for an agreement or an objection, its cells answer."""

from itertools import product

import pytest

from service.intake.columns.choice import ColumnChoice, ReadColumn
from service.intake.columns.states import State, state_of
from service.intake.errors import UnreadablePart
from service.intake.media import Format
from service.intake.names.roles import Role, role_of
from service.intake.names.states import is_objection
from tests.dataset.files import CSV, NDJSON, PARQUET, written
from tests.intake.builders import reader_of
from tests.intake.workbook_writers import XLSX

AGREEMENTS = ["consent", "optin", "opt_in", "Opt-in", "OptIn", "consentement", "accord", "accepts", "permission"]
OBJECTIONS = ["opt_out", "optout", "unsubscribed", "blacklisted", "désinscrit", "opposition", "do not call", "stop"]
AROUND = [("", ""), ("sms ", ""), ("", " sms"), ("is_", "_status"), ("telephone ", ""), ("", " (oui/non)"), ("", "__c")]
OF_PROGRAMS = [
    *("SMS Consent", "OPT_IN", "DOUBLE_OPT-IN", "is_mobile_opt_in", "Accepts SMS Marketing", "Opt-in Status"),
    *("J'accepte de recevoir des SMS", "J'accepte", "hasConsented", "isOptedIn", "Consentement RGPD"),
]
OF_PROGRAMS_AGAINST = [
    *("SMS_BLACKLISTED", "DoNotCall", "do_not_contact", "federal_donotcall", "Do not allow Phone Calls", "Do Not Sms"),
    *("HasOptedOutOfSms__c", "Unsubscribed from SMS", "Ne pas appeler", "Ne plus contacter", "LISTE_NOIRE", "STOP SMS"),
    *("phone_blacklisted", "optedOut", "Bloctel", "Je ne souhaite pas recevoir de SMS"),
]
OF_SOMETHING_ELSE = [
    *("email_optin", "Accepts Email Marketing", "EMAIL_BLACKLISTED", "HasOptedOutOfEmail", "Opt-in newsletter"),
    *(
        "Consent Source",
        "consent_ip",
        "optin_id",
        "opt_out_date",
        "Date de retrait du consentement",
        "optin_partenaires",
    ),
    *("Phone Status", "statut", "Status", "nom", "ville", "telephone", "numero", "Note", "No de téléphone", "contact"),
]


def test_name_of_a_state_asks_for_an_agreement_or_an_objection() -> None:
    for names, asks_for_objection, of_programs in (
        (AGREEMENTS, False, OF_PROGRAMS),
        (OBJECTIONS, True, OF_PROGRAMS_AGAINST),
    ):
        spelled = [before + name + after for name, (before, after) in product(names, AROUND)]
        spelled += [f"{before}{name}{after}".title() for name, (before, after) in product(names, AROUND)]
        for name in spelled + of_programs:
            assert (name, role_of(name), is_objection(name)) == (name, Role.CONSENT_STATE, asks_for_objection)
    for name in OF_SOMETHING_ELSE:
        assert (name, role_of(name) is Role.CONSENT_STATE) == (name, False)


YES = ["yes", "Oui", "TRUE", "1", "1.0", "x", "Y", "✓", "VRAI", " oui ", "t"]
NO = ["no", "Non", "FALSE", "0", "0.0", "N", "✗", "FAUX", "non.", "f", "nein"]
REFUSED = [
    *("UNSUBSCRIBED", "NEVER_SUBSCRIBED", "not subscribed", "Opted out", "opt-out", "refusé", "Refus", "STOP"),
    *("Je n'accepte pas", "Do Not Allow", "Ne pas appeler", "blacklisted", "consent withdrawn"),
    *("désinscrit", "désabonné", "Opposition", "declined", "Revoked", "consentement retiré"),
]
AGREED = ["SUBSCRIBED", "opted in", "Opt-in", "J'accepte", "accepté", "Allow", "granted", "abonné", "confirmed"]
NOTHING = ["", " ", "NULL", "-", "N/A", "na", "#N/A", "non renseigné", "not set"]
UNCLEAR = ["pending", "en attente", "2", "?", "web", "sms,email", '{"sms": false}', "not blacklisted", "no (refused)"]


def test_cell_says_what_its_words_say_or_answers_the_name_of_its_column() -> None:
    for of_objection in (False, True):
        yes, no = (State.REFUSED, State.AGREED) if of_objection else (State.AGREED, State.REFUSED)
        for cells, state in (
            (YES, yes),
            (NO, no),
            (REFUSED, State.REFUSED),
            (AGREED, State.AGREED),
            (NOTHING, State.NOTHING),
            (UNCLEAR, State.UNCLEAR),
        ):
            for cell in cells:
                for spelled in (cell, cell.upper(), f'"{cell}"', f"\u00a0{cell}\u200b"):
                    found = state_of(spelled, is_objection=of_objection)
                    assert (spelled, of_objection, found.name) == (spelled, of_objection, state.name)
    for cell, as_agreement, as_objection in (
        ("Oui, par téléphone", State.AGREED, State.REFUSED),
        ("yes (form)", State.AGREED, State.REFUSED),
        # Or no, because the person agreed.
        ("Non consenti", State.REFUSED, State.UNCLEAR),
    ):
        states = [state_of(cell, is_objection=of_objection) for of_objection in (False, True)]
        assert (cell, states) == (cell, [as_agreement, as_objection])
    # Since when somebody objects; and the number of somebody who does.
    assert state_of("26/03/2023 14:05", is_objection=True) is State.REFUSED
    assert state_of("06.39.98.00.01", is_objection=True) is State.UNCLEAR


FORMATS = {CSV: Format.CSV, NDJSON: Format.NDJSON, PARQUET: Format.PARQUET, XLSX: Format.XLSX}


def states_of(
    content: bytes, media_type: str, choice: str | None = None, *, reads_consent: bool = True
) -> tuple[list[str], list[ReadColumn]]:
    """The worst that the columns of a part say of each line, and its columns of states."""
    columns = ColumnChoice(consent_state=choice)
    reader = reader_of(part_format=FORMATS[media_type], columns=columns, reads_consent=reads_consent)
    batches = [*reader.feed(content), *reader.finish()]
    names = [
        max((State(int(column.states[at])) for column in lines.consent_states), key=[0, 1, 3, 2].index).name
        if lines.consent_states
        else "NOT READ"
        for lines in batches
        for at in range(len(lines.line))
    ]
    return names, [column for column in reader.read_columns if column.role is Role.CONSENT_STATE]


@pytest.mark.parametrize("media_type", [CSV, NDJSON, PARQUET, XLSX])
def test_read_all_columns_of_states_alike_in_every_format(media_type: str) -> None:
    names = ["telephone", "SMS Consent", "do_not_call", "ville", "optin_partenaires"]
    cells = [("yes", "", "AGREED"), ("yes", "1", "REFUSED"), ("no", "0", "REFUSED"), ("", "", "NOTHING")]
    cells += [("maybe", "0", "UNCLEAR"), ("UNSUBSCRIBED", "", "REFUSED")]
    lines = [(f"063998000{at}", *of_line[:2], "Lyon", "non") for at, of_line in enumerate(cells)]
    content = written(names, lines, media_type)
    found, columns = states_of(content, media_type)
    assert found == [state for *_, state in cells]
    assert [column.name for column in columns] == names[1:3]
    assert [name for name in states_of(content, media_type, "SMS Consent")[0] if name == "REFUSED"] == ["REFUSED"] * 2
    for unread in (states_of(content, media_type, "none"), states_of(content, media_type, reads_consent=False)):
        assert unread == (["NOT READ"] * len(cells), [])


def test_read_no_state_in_a_column_whose_cells_say_something_else() -> None:
    for cell in ("v2 of 2021", "Salon de l'auto", "26/03/2023", "0639980009"):
        text = "telephone;consentement;ville\n" + f"0639980001;{cell};Lyon\n" * 5
        assert states_of(text.encode(), CSV) == (["NOT READ"] * 5, [])
        # One that clearly refuses shows that the others should say something too.
        text += "0639980001;refusé;Lyon\n"
        assert states_of(text.encode(), CSV)[0] == ["UNCLEAR"] * 5 + ["REFUSED"]
    text = "telephone;" + ";".join(f"optin{at}" for at in range(7)) + "\n0639980001" + ";oui" * 7 + "\n"
    with pytest.raises(UnreadablePart, match="consent_state_column="):
        states_of(text.encode(), CSV)


def test_read_member_of_a_state_that_appears_late() -> None:
    lines = [f'{{"phone":"063998{at:04}"}}' for at in range(3000)]
    lines += ['{"phone":"0639980001","optin":false}', '{"phone":"0639980002","optin":true,"blacklisted":true}']
    found, columns = states_of("\n".join(lines).encode(), NDJSON)
    assert found[-2:] == ["REFUSED", "REFUSED"]
    assert {column.name for column in columns} == {"optin", "blacklisted"}
