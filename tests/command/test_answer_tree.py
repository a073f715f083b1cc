"""An answer as a tree: what each side says, what speaks against it, and no text that controls the terminal."""

import io
import re
from typing import Any, LiteralString

from rich.console import Console

from service.command.answer_tree import draw_answer
from service.provenance.answer.schemas import Answer
from service.wording.language import PARIS, Language
from tests.builders import collected, filled, hand_over, make_collection, make_notice, number, open_dataset
from tests.callers import Caller, Registry
from tests.dataset.builders import complete_erasure
from tests.inspection import rows


def _drawn(organisations: Registry, last_four: int, language: Language = Language.EN) -> str:
    return _draw(organisations.regulator().lookup(number(last_four), reason="Plainte 7"), language)


def _draw(answer: Any, language: Language, width: int = 300) -> str:
    """The tree as text, with ordinary spaces and apostrophes."""
    console = Console(file=io.StringIO(), width=width)
    tree = draw_answer("A number", Answer.model_validate(answer), language, zone=PARIS, width=width, sees_all=True)
    console.print(tree)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().translate({0xA0: " ", 0x202F: " ", 0x2019: "'"})


def _state(caller: Caller, transfer: Any, status: str, **more: Any) -> None:
    statement = {"status": status, "occurred_at": "2024-02-02T00:00:00Z"} | more
    caller.post(f"/v1/transfers/{transfer['id']}/statements", statement)


def _reconcile(caller: Caller, transfer: Any, *last_fours: int) -> None:
    caller.post(f"/v1/transfers/{transfer['id']}/reconciliation")
    caller.put_part(transfer["received_dataset_id"], [number(last_four) for last_four in last_fours])
    caller.finish(caller.post(f"/v1/transfers/{transfer['id']}/reconciliation/compare?confirm=true"))


def test_draw_answer_words_each_status(organisations: Registry) -> None:
    shop = organisations.collector()
    dataset = collected(shop, range(100, 110))
    recipients = [organisations.party() for _ in range(4)]
    transfers = [hand_over(shop, dataset, recipient) for recipient in recipients]
    _state(recipients[1], transfers[1], "acknowledged")
    _reconcile(recipients[2], transfers[2], *range(100, 110))
    _reconcile(recipients[3], transfers[3], 100, 9000)
    tree = _drawn(organisations, 100)
    for phrase in (
        "declared by the sender alone; the recipient has said nothing about it",
        "declared by the sender, acknowledged by the recipient",
        "confirmed by the recipient, whose own file matches",
        "disputed: 1 more and 9 fewer in the recipient's file, this number in both",
    ):
        assert tree.count(phrase) == 1, phrase
    assert "collected by" in tree
    assert "“☐ J'accepte.”" in tree


def test_draw_answer_with_contradictions_shows_them_outside_the_chains(organisations: Registry) -> None:
    shop, denier, other = organisations.collector(), organisations.party(), organisations.party()
    dataset = collected(shop, range(200, 210))
    _state(denier, hand_over(shop, dataset, denier), "denied")
    _reconcile(other, hand_over(shop, dataset, other), 201, 9000)
    tree = _drawn(organisations, 200, Language.FR)
    assert tree.count("nie la transmission") == 1
    assert tree.count("dit l'avoir transmis, mais") == 2
    assert "→" not in tree


def test_draw_answer_with_a_collector_without_an_account_says_so(organisations: Registry) -> None:
    buyer = organisations.broker()
    named = buyer.post("/v1/organisations", {"legal_name": "Jeux", "country": "FR", "roles": ["collector"]})
    notice = make_notice(buyer, named["id"])
    collection = make_collection(buyer, named["id"], notice["id"])
    dataset = filled(buyer, [300], holder_id=named["id"], collection_id=collection["id"])
    hand_over(buyer, dataset, buyer)
    tree = _drawn(organisations, 300)
    assert "Jeux has no account here" in tree
    assert "asserted by the recipient alone; the sender has no account here" in tree
    assert "no date of consent is declared" in tree
    assert "recipients named: unknown, because the day of consent is unknown" in tree


def _collected_with_consent(caller: Caller, collector_id: Any, last_four: int, *, partners: bool) -> Any:
    notice = make_notice(caller, collector_id)
    if partners:
        partner_list = {"valid_from_on": "2020-01-01", "partners": [{"name": "Un courtier"}], "categories": []}
        body = partner_list | {"occurred_at": "2020-01-01T00:00:00Z"}
        caller.post(f"/v1/notices/{notice['id']}/partner-lists", body)
    collection = make_collection(caller, collector_id, notice["id"])
    dataset = open_dataset(caller, holder_id=str(collector_id), collection_id=collection["id"])
    caller.put_part(dataset["id"], ["mobile;consented_at", f"{number(last_four)};2023-12-31T12:00:00Z"])
    return caller.seal(dataset["id"])


def test_draw_answer_with_a_consent_asserted_by_the_buyer_shows_a_claim(organisations: Registry) -> None:
    buyer = organisations.broker()
    named = buyer.post("/v1/organisations", {"legal_name": "Jeux", "country": "FR", "roles": ["collector"]})["id"]
    _collected_with_consent(buyer, named, 350, partners=True)
    tree, name = _drawn(organisations, 350), buyer.get(f"/v1/organisations/{buyer.id}")["legal_name"]
    assert f"consent given on 31 December 2023 according to {name}" in tree
    assert f"list asserted by {name}, recorded on" in tree
    assert "no screenshot is kept here" in tree
    assert "no consent record is kept here" in tree
    assert f"consentement donné le 31 décembre 2023 selon {name}" in _drawn(organisations, 350, Language.FR)


def test_draw_answer_with_a_consent_asserted_by_the_collector_shows_a_fact(organisations: Registry) -> None:
    shop = organisations.collector()
    _collected_with_consent(shop, shop.id, 351, partners=True)
    tree = _drawn(organisations, 351)
    assert "consent given on 31 December 2023" in tree
    assert "according to" not in tree
    assert "recipients named on that day: Un courtier" in tree
    assert "list asserted by" not in tree


def test_draw_answer_without_a_recorded_list_does_not_call_it_empty(organisations: Registry) -> None:
    shop = organisations.collector()
    _collected_with_consent(shop, shop.id, 352, partners=False)
    assert "no list of recipients is recorded here for that day" in _drawn(organisations, 352)


def test_draw_answer_shows_roles_and_comments_of_a_transfer(organisations: Registry) -> None:
    shop, party, denier = organisations.collector(), organisations.party(), organisations.party()
    dataset = collected(shop, [353])
    joint = hand_over(shop, dataset, party, recipient_role="joint_controller")
    _state(party, joint, "acknowledged", comment="Reçu [1].")
    _state(denier, hand_over(shop, dataset, denier), "denied", comment="Rien reçu.")
    tree = _drawn(organisations, 353)
    assert tree.count("roles: controller → joint controller") == 1
    for comment in ("“Reçu [1].”", "“Rien reçu.”"):
        assert tree.count(comment) == 1


def _bought_of_a_later_account(organisations: Registry, last_four: int) -> tuple[Caller, Any]:
    """A collector that got an account after its buyer had named it, and the transfer that the buyer declared."""
    buyer, operator = organisations.broker(), organisations.operator()
    named = buyer.post("/v1/organisations", {"legal_name": "Jeux", "country": "FR", "roles": ["collector"]})["id"]
    collection = make_collection(buyer, named, make_notice(buyer, named)["id"])
    transfer = hand_over(buyer, filled(buyer, [last_four], holder_id=named, collection_id=collection["id"]), buyer)
    key = operator.post("/v1/keys", {"organisation_id": named, "scopes": ["facts:read", "facts:write"]})["key"]
    return Caller(buyer.client, named, key), transfer


def test_draw_answer_with_a_sender_that_denies_shows_both_sides(organisations: Registry) -> None:
    seller, transfer = _bought_of_a_later_account(organisations, 310)
    _state(seller, transfer, "denied")
    assert "asserted by the recipient, denied by the sender (recorded on" in _drawn(organisations, 310)
    assert "affirmée par le destinataire, niée par l'expéditeur" in _drawn(organisations, 310, Language.FR)


def test_draw_answer_dates_a_status_by_the_deciding_statement(organisations: Registry) -> None:
    """The clock of the registry cannot be set, so the days are put into the answer."""
    shop, party = organisations.collector(), organisations.party()
    transfer = hand_over(shop, collected(shop, [320]), party)
    _reconcile(party, transfer, 320)
    answer = organisations.regulator().lookup(number(320), reason="Plainte 7")
    (found,) = answer["transfers"]
    assert [statement["side"] for statement in found["statements"]] == ["sender", "recipient"]
    found["recorded_at"] = found["statements"][0]["recorded_at"] = "2024-02-01T12:00:00Z"
    found["statements"][1]["recorded_at"] = "2024-02-07T12:00:00Z"
    tree = _draw(answer, Language.EN)
    assert "confirmed by the recipient, whose own file matches (recorded on 7 February 2024)" in tree
    assert "1 February 2024)" not in tree


def test_draw_answer_with_differing_files_says_if_the_number_is_in_both(organisations: Registry) -> None:
    shop, party = organisations.collector(), organisations.party()
    transfer = hand_over(shop, collected(shop, [330, 331]), party)
    _reconcile(party, transfer, 330, 331, 9000)
    disputed = "contestée : 1 de plus et 0 de moins dans le fichier du destinataire, mais ce numéro est dans les deux"
    assert disputed in _drawn(organisations, 330, Language.FR)
    assert "contestée" not in _drawn(organisations, 9000, Language.FR)


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


def test_draw_answer_shows_what_spoke_against_a_campaign(organisations: Registry) -> None:
    shop, party = organisations.collector(), organisations.party()
    declared = hand_over(shop, collected(shop, [340]), party)
    disputed = hand_over(shop, collected(shop, [341]), party)
    _reconcile(party, disputed, 341, 342)
    stray = filled(party, [343])
    _campaign(party, declared["received_dataset_id"], disputed["received_dataset_id"], stray["id"])
    unacknowledged = "sent although the recipient has said nothing about the transfer"
    undeclared = "sent although the sender's file does not contain the number"
    orphan = "sent although no origin of the number is declared"
    name = party.get(f"/v1/organisations/{party.id}")["legal_name"]
    assert f"asserted by {name}, recorded on" in _drawn(organisations, 340)
    warnings = {340: [unacknowledged], 341: [], 342: [undeclared, orphan], 343: [orphan]}
    for last_four, expected in warnings.items():
        tree = _drawn(organisations, last_four)
        assert tree.count("sent although") == len(expected)
        for warning in expected:
            assert tree.count(warning) == 1


def test_draw_answer_with_chains_that_meet_shows_the_common_part_once(organisations: Registry) -> None:
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
    tree = _drawn(organisations, 400)
    party_name = party.get(f"/v1/organisations/{party.id}")["legal_name"]
    assert tree.count("collected by") == 2
    assert tree.count(f"→ {party_name}, on 2 March 2024, “Union”") == 1
    assert tree.count(f"continued above: {party_name}") == 1


def test_draw_answer_of_a_long_chain_shows_each_transfer_at_any_width(organisations: Registry) -> None:
    """A hundred columns of indentation left no room for a text, and the tree dropped what it could not place."""
    brokers = [organisations.broker(), organisations.broker()]
    dataset, days = filled(brokers[0], [420]), [f"2024-03-{day:02}" for day in range(1, 31)]
    for at, day in enumerate(days):
        moment = f"{day}T12:00:00Z"
        transfer = hand_over(brokers[at % 2], dataset, brokers[1 - at % 2], occurred_at=moment)
        dataset = {"id": transfer["received_dataset_id"]}
    answer = organisations.regulator().lookup(number(420), reason="Plainte 7")
    for width, continuations in ((40, 14), (80, 2), (120, 1), (300, 0)):
        lines = _draw(answer, Language.EN, width).splitlines()
        assert max(map(len, lines)) <= width
        text = " ".join(re.sub("[│├└─]", " ", "\n".join(lines)).split())
        shown = [text.count(f"on {int(day[-2:])} March 2024,") for day in days]
        assert shown == [1] * len(days), width
        marks = [f"[{mark}]" for mark in range(1, continuations + 1)]
        assert [text.count(f"continued below at {mark}") for mark in marks] == [1] * continuations
        assert [text.count(f" {mark} from ") for mark in marks] == [1] * continuations
        assert f"[{continuations + 1}]" not in text


def test_draw_answer_with_a_holder_that_erased_keeps_it_on_the_path(organisations: Registry) -> None:
    broker, party = organisations.broker(), organisations.party()
    hand_over(broker, filled(broker, [410]), party)
    complete_erasure(organisations.dsn, broker, 410)
    name = broker.get(f"/v1/organisations/{broker.id}")["legal_name"]
    tree = _drawn(organisations, 410)
    assert f"{name} erased it on " in tree
    assert f"held by {name} in" in tree
    assert "held by no registered organisation" not in tree
    assert f"{name} l'a effacé le " in _drawn(organisations, 410, Language.FR)


def test_draw_answer_without_holdings_says_that_nobody_holds_the_number(organisations: Registry) -> None:
    assert _drawn(organisations, 9999).splitlines()[1] == "└── held by no registered organisation"


def test_draw_answer_shows_control_characters_and_markup_literally(organisations: Registry) -> None:
    # The API takes no such names in, but another service, or an older one, may have them.
    renamed: LiteralString = "UPDATE dataset SET name = %s WHERE id = %s"
    broker = organisations.broker()
    for last_four, name in enumerate(("Base \x1b[2J\x07", "[red]Base[/red]", "[/nonsense]"), start=500):
        dataset = filled(broker, [last_four])
        rows(organisations.dsn, renamed, name, dataset["id"])
        rows(organisations.dsn, "UPDATE graph_version SET version = version + 1")
        tree = _drawn(organisations, last_four)
        assert not {"\x1b", "\x07"} & set(tree)
        assert name.replace("\x1b", "\ufffd").replace("\x07", "\ufffd") in tree
