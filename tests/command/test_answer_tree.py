"""An answer's tree: what each side says in words, what is wrong in plain sight, nothing that commands the terminal."""

import io
from typing import Any, LiteralString

import pytest
from rich.console import Console

from service.command.answer_tree import draw
from service.provenance.answer.schemas import Answer
from service.wording.language import PARIS, Language
from tests.builders import collected, filled, hand_over, make_collection, make_notice, number, open_dataset
from tests.callers import Caller, Registry
from tests.dataset.erasing import complete
from tests.inspection import rows


def _drawn(organisations: Registry, last_four: int, language: Language = Language.EN) -> str:
    return _draw(organisations.regulator().lookup(number(last_four), reason="Plainte 7"), language)


def _draw(answer: Any, language: Language) -> str:
    console = Console(file=io.StringIO(), width=300)
    console.print(draw("A number", Answer.model_validate(answer), language, zone=PARIS, sees_all=True))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def _say(caller: Caller, transfer: Any, word: str, **more: Any) -> None:
    said = {"status": word, "occurred_at": "2024-02-02T00:00:00Z"} | more
    caller.post(f"/v1/transfers/{transfer['id']}/statements", said)


def _send_own_file(caller: Caller, transfer: Any, *last_fours: int) -> None:
    caller.post(f"/v1/transfers/{transfer['id']}/reconciliation")
    caller.put_part(transfer["received_dataset_id"], [number(one) for one in last_fours])
    caller.finish(caller.post(f"/v1/transfers/{transfer['id']}/reconciliation/compare"))


def test_each_status_is_told_in_words(organisations: Registry) -> None:
    shop = organisations.collector()
    dataset = collected(shop, range(100, 110))
    recipients = [organisations.party() for _ in range(4)]
    transfers = [hand_over(shop, dataset, one) for one in recipients]
    _say(recipients[1], transfers[1], "acknowledged")
    _send_own_file(recipients[2], transfers[2], *range(100, 110))
    _send_own_file(recipients[3], transfers[3], 100, 9000)
    drawing = _drawn(organisations, 100)
    for words in (
        "declared by the sender alone; the recipient says nothing",
        "declared by the sender, acknowledged by the recipient",
        "confirmed by the recipient, whose own file matched",
        "the files differ (1 more, 9 fewer); both hold this number",
    ):
        assert drawing.count(words) == 1, words
    assert "collected by" in drawing
    assert "“☐ J'accepte.”" in drawing


def test_what_one_side_denies_is_told_apart(organisations: Registry) -> None:
    shop, denier, other = organisations.collector(), organisations.party(), organisations.party()
    dataset = collected(shop, range(200, 210))
    _say(denier, hand_over(shop, dataset, denier), "denied")
    _send_own_file(other, hand_over(shop, dataset, other), 201, 9000)
    drawing = _drawn(organisations, 200, Language.FR)
    assert drawing.count("qui nie le transfert") == 1
    assert drawing.count("dit l'avoir donné à") == 2
    assert "→" not in drawing


def test_what_a_buyer_alone_says_of_a_collector_without_an_account(organisations: Registry) -> None:
    buyer = organisations.broker()
    named = buyer.post("/v1/organisations", {"legal_name": "Jeux", "country": "FR", "roles": ["collector"]})
    notice = make_notice(buyer, named["id"])
    collection = make_collection(buyer, named["id"], notice["id"])
    dataset = filled(buyer, [300], holder_id=named["id"], collection_id=collection["id"])
    hand_over(buyer, dataset, buyer)
    drawing = _drawn(organisations, 300)
    assert "Jeux has no account here" in drawing
    assert "asserted by the recipient alone; the sender has no account here" in drawing
    assert "nobody says when consent was given" in drawing
    assert "cannot be told, for the day of consent is unknown" in drawing


def _collected_with_consent(caller: Caller, collector_id: Any, last_four: int, *, partners: bool) -> Any:
    notice = make_notice(caller, collector_id)
    if partners:
        listed = {"valid_from_on": "2020-01-01", "partners": [{"name": "Un courtier"}], "categories": []}
        caller.post(f"/v1/notices/{notice['id']}/partner-lists", listed | {"occurred_at": "2020-01-01T00:00:00Z"})
    collection = make_collection(caller, collector_id, notice["id"])
    dataset = open_dataset(caller, holder_id=str(collector_id), collection_id=collection["id"])
    caller.put_part(dataset["id"], ["mobile;consented_at", f"{number(last_four)};2023-12-31T12:00:00Z"])
    return caller.seal(dataset["id"])


def test_what_a_buyer_says_of_a_consent_is_told_as_its_claim(organisations: Registry) -> None:
    buyer = organisations.broker()
    named = buyer.post("/v1/organisations", {"legal_name": "Jeux", "country": "FR", "roles": ["collector"]})["id"]
    _collected_with_consent(buyer, named, 350, partners=True)
    drawing, name = _drawn(organisations, 350), buyer.get(f"/v1/organisations/{buyer.id}")["legal_name"]
    assert f"consent said to be given on 31 December 2023 (according to {name})" in drawing
    assert f"this list as told by {name}, recorded on" in drawing
    assert "no screenshot is kept here" in drawing
    assert "no consent record is kept here" in drawing
    assert f"qui aurait été donné le 31/12/2023 (selon {name})" in _drawn(organisations, 350, Language.FR)


def test_what_a_collector_says_itself_is_told_as_such(organisations: Registry) -> None:
    shop = organisations.collector()
    _collected_with_consent(shop, shop.id, 351, partners=True)
    drawing = _drawn(organisations, 351)
    assert "consent given on 31 December 2023" in drawing
    assert "recipients named on that day: Un courtier" in drawing
    assert "as told by" not in drawing


def test_a_list_that_nobody_recorded_is_not_said_to_have_been_empty(organisations: Registry) -> None:
    shop = organisations.collector()
    _collected_with_consent(shop, shop.id, 352, partners=False)
    assert "no list of recipients is recorded here for that day" in _drawn(organisations, 352)


def test_roles_and_comments_of_a_transfer_are_told(organisations: Registry) -> None:
    shop, party, denier = organisations.collector(), organisations.party(), organisations.party()
    dataset = collected(shop, [353])
    _say(party, hand_over(shop, dataset, party, recipient_role="joint_controller"), "acknowledged", comment="Reçu [1].")
    _say(denier, hand_over(shop, dataset, denier), "denied", comment="Rien reçu.")
    drawing = _drawn(organisations, 353)
    assert drawing.count("roles: controller → joint controller") == 1
    for said in ("“Reçu [1].”", "“Rien reçu.”"):
        assert drawing.count(said) == 1


def _bought_of_one_without_account(organisations: Registry, last_four: int) -> tuple[Caller, Any]:
    """The later account of a collector that its buyer named, and the transfer that the buyer told of."""
    buyer, operator = organisations.broker(), organisations.operator()
    named = buyer.post("/v1/organisations", {"legal_name": "Jeux", "country": "FR", "roles": ["collector"]})["id"]
    collection = make_collection(buyer, named, make_notice(buyer, named)["id"])
    transfer = hand_over(buyer, filled(buyer, [last_four], holder_id=named, collection_id=collection["id"]), buyer)
    key = operator.post("/v1/keys", {"organisation_id": named, "scopes": ["facts:read", "facts:write"]})["key"]
    return Caller(buyer.client, named, key), transfer


def test_a_sender_that_comes_later_and_denies_is_told_beside_the_recipients_word(organisations: Registry) -> None:
    seller, transfer = _bought_of_one_without_account(organisations, 310)
    _say(seller, transfer, "denied")
    assert "asserted by the recipient; the sender denies it (recorded on" in _drawn(organisations, 310)
    assert "affirmé par le destinataire, l'expéditeur le nie" in _drawn(organisations, 310, Language.FR)


def test_a_status_is_told_with_the_day_of_the_word_that_it_rests_on(organisations: Registry) -> None:
    """This registry's clock cannot be set: the days are put into the answer."""
    shop, party = organisations.collector(), organisations.party()
    transfer = hand_over(shop, collected(shop, [320]), party)
    _send_own_file(party, transfer, 320)
    answer = organisations.regulator().lookup(number(320), reason="Plainte 7")
    (found,) = answer["transfers"]
    assert [said["side"] for said in found["statements"]] == ["sender", "recipient"]
    found["recorded_at"] = found["statements"][0]["recorded_at"] = "2024-02-01T12:00:00Z"
    found["statements"][1]["recorded_at"] = "2024-02-07T12:00:00Z"
    drawing = _draw(answer, Language.EN)
    assert "confirmed by the recipient, whose own file matched (recorded on 7 February 2024)" in drawing
    assert "1 February 2024)" not in drawing


def test_files_that_differ_are_said_not_to_matter_to_a_number_in_both(organisations: Registry) -> None:
    shop, party = organisations.collector(), organisations.party()
    transfer = hand_over(shop, collected(shop, [330, 331]), party)
    _send_own_file(party, transfer, 330, 331, 9000)
    both = "les fichiers diffèrent (1 de plus, 0 de moins) ; les deux contiennent ce numéro"
    assert both in _drawn(organisations, 330, Language.FR)
    assert "les fichiers diffèrent" not in _drawn(organisations, 9000, Language.FR)


def _campaign(party: Caller, *datasets: str) -> None:
    body = {
        "party_id": str(party.id),
        "name": "Dernier appel",
        "originator": "38001",
        "message_text": "Votez.",
        "began_at": "2024-06-06T08:00:00Z",
        "ended_at": "2024-06-06T10:00:00Z",
        "dataset_ids": list(datasets),
    }
    party.post("/v1/campaigns", body)


def test_what_was_used_all_the_same(organisations: Registry) -> None:
    shop, party = organisations.collector(), organisations.party()
    declared = hand_over(shop, collected(shop, [340]), party)
    disputed = hand_over(shop, collected(shop, [341]), party)
    _send_own_file(party, disputed, 341, 342)
    stray = filled(party, [343])
    _campaign(party, declared["received_dataset_id"], disputed["received_dataset_id"], stray["id"])
    silent = "although the recipient says nothing of the transfer"
    lacking = "although the sender's file does not hold the number"
    orphan = "although no origin of the number is declared"
    name = party.get(f"/v1/organisations/{party.id}")["legal_name"]
    assert f"told by {name}, recorded on" in _drawn(organisations, 340)
    for last_four, reasons in ((340, [silent]), (341, []), (342, [lacking, orphan]), (343, [orphan])):
        drawing = _drawn(organisations, last_four)
        assert drawing.count("sent all the same") == len(reasons)
        for reason in reasons:
            assert drawing.count(reason) == 1


def test_chains_that_meet_are_told_once(organisations: Registry) -> None:
    broker, party = organisations.broker(), organisations.party()
    bases = []
    for _ in range(2):
        shop = organisations.collector()
        received = hand_over(shop, collected(shop, [400]), broker)
        bases.append(received["received_dataset_id"])
    union = {"holder_id": str(broker.id), "name": "Union", "content": "union", "derived_from": bases}
    dataset = broker.post("/v1/datasets", union | {"occurred_at": "2024-03-01T00:00:00Z"})
    broker.seal(dataset["id"])
    hand_over(broker, dataset, party, occurred_at="2024-03-02T00:00:00Z")
    drawing = _drawn(organisations, 400)
    party_name = party.get(f"/v1/organisations/{party.id}")["legal_name"]
    assert drawing.count("collected by") == 2
    assert drawing.count(f"→ {party_name}, on 2 March 2024, “Union”") == 1
    assert drawing.count(f"from there as above: {party_name}") == 1


def test_a_hand_that_erased_is_still_on_the_way_and_said_to_have(organisations: Registry) -> None:
    broker, party = organisations.broker(), organisations.party()
    hand_over(broker, filled(broker, [410]), party)
    complete(organisations.dsn, broker, 410)
    name = broker.get(f"/v1/organisations/{broker.id}")["legal_name"]
    drawing = _drawn(organisations, 410)
    assert f"{name} erased it on " in drawing
    assert f"in the hands of {name}" in drawing
    assert "held by no registered organisation" not in drawing
    assert f"{name} l'a effacé le " in _drawn(organisations, 410, Language.FR)


def test_nobody_holds_it(organisations: Registry) -> None:
    assert _drawn(organisations, 9999).splitlines()[1] == "└── held by no registered organisation"


@pytest.mark.parametrize("name", ["Base \x1b[2J\x07", "[red]Base[/red]", "[/nonsense]"])
def test_a_name_is_shown_and_not_obeyed(organisations: Registry, name: str) -> None:
    last_four = 500 + len(name)
    dataset = filled(organisations.broker(), [last_four])
    # No such name comes in by the API. Another service, or an older one, may have it all the same.
    renamed: LiteralString = "UPDATE dataset SET name = %s WHERE id = %s"
    rows(organisations.dsn, renamed, name, dataset["id"])
    rows(organisations.dsn, "UPDATE graph_version SET version = version + 1")
    drawing = _drawn(organisations, last_four)
    assert not {"\x1b", "\x07"} & set(drawing)
    assert name.replace("\x1b", " ").replace("\x07", " ").strip() in drawing
