"""One number's answer: the story's table of facts, and what each kind of caller is told of it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache, partial

import pytest
from hypothesis import given

from service.access import visibility
from service.core.vocabulary import OrphanReason, Role
from service.provenance.answer.answer import build_answer
from service.provenance.answer.schemas import Answer, PartnerListBasis, RecipientKind
from service.provenance.snapshot import Snapshot
from tests.provenance import oracle
from tests.provenance.answers import answer_for, answer_from, prepare
from tests.provenance.builders import EPOCH, World
from tests.provenance.story import PARIS, Story, tell
from tests.provenance.strategies import Cast, unhurried, worlds


@cache
def story_and_snapshot() -> tuple[Story, Snapshot]:
    story = tell()
    return story, oracle.snapshot_of(story.world)


def ask(number: int, caller: str, through: str | None = None) -> Answer:
    """The story's answer to one of its organisations."""
    story, snapshot = story_and_snapshot()
    sender = story.organisations[through] if through else None
    return answer_from(snapshot, story.world, number, story.organisations[caller], sender)


@dataclass
class Facts:
    """A row of the story's table, as whoever sees everything is told it."""

    origins: Collection[tuple[str, str, bool]]
    intermediaries: list[str]
    clients: dict[str, list[str]]


CONTACT, REVENTE, AUBE, RIVAGE = "Contact Direct SAS", "Revente Data SARL", "Parti de l'Aube", "Mouvement du Rivage"
CA_1, CA_2 = ("Comparauto SAS", "CA-1", False), ("Comparauto SAS", "CA-2", False)
EM_1, JL_1 = ("Enseigne Maison SA", "EM-1", True), ("Jeux & Lots SARL", "JL-1", False)
BOTH = {AUBE: ["C1"], RIVAGE: ["C2", "C3"]}

TABLE = {
    4600: Facts({CA_1, EM_1}, [CONTACT], {AUBE: ["C1"]}),
    5200: Facts({CA_2, EM_1}, [CONTACT], BOTH),
    6000: Facts({CA_2, EM_1}, [CONTACT], BOTH),
    1500: Facts({JL_1}, [CONTACT, REVENTE], {RIVAGE: ["C2"]}),
    2500: Facts({JL_1, CA_1}, [CONTACT, REVENTE], {}),
    9001: Facts(set(), [], {RIVAGE: ["C2", "C3"]}),
    7777: Facts({EM_1}, [CONTACT], BOTH),
    6666: Facts({EM_1}, [CONTACT], BOTH),
    9999: Facts(set(), [], {}),
}


@pytest.mark.parametrize("number", TABLE)
def test_the_table_of_facts(number: int) -> None:
    found, facts = ask(number, "CNIL"), TABLE[number]
    origins = {(origin.collector.legal_name, origin.notice.code, origin.attested) for origin in found.origins}
    recipients = [(recipient.organisation.legal_name, recipient) for recipient in found.recipients]
    intermediaries = [name for name, recipient in recipients if recipient.kind is RecipientKind.INTERMEDIARY]
    clients = {
        name: [campaign.name for campaign in recipient.campaigns]
        for name, recipient in recipients
        if recipient.kind is RecipientKind.CLIENT
    }
    assert (origins, intermediaries, clients) == (facts.origins, facts.intermediaries, facts.clients)
    assert found.held == (number != 9999)


@pytest.mark.parametrize(("number", "names"), [(5200, [CONTACT]), (6000, [CONTACT, AUBE])])
def test_the_partner_list_is_that_of_the_day_of_this_numbers_consent(number: int, names: list[str]) -> None:
    found = next(one for one in ask(number, "CNIL").origins if one.notice.code == "CA-2")
    assert found.partner_list is not None
    assert [one.name for one in found.partner_list.partners] == names
    assert found.partner_list_basis is PartnerListBasis.CONSENT_DAY


@pytest.mark.parametrize(
    ("number", "summary"),
    [
        (
            4600,
            "First collected by Comparauto SAS (CA-1, according to Contact Direct SAS), Enseigne Maison SA (EM-1). "
            "Passed to Contact Direct SAS. Transferred to the client Parti de l'Aube. Used in the campaign “C1”.",
        ),
        (
            5200,
            "First collected by Comparauto SAS (CA-2, according to Contact Direct SAS), Enseigne Maison SA (EM-1). "
            "Passed to Contact Direct SAS. Transferred to the clients Parti de l'Aube, Mouvement du Rivage. "
            "Used in the campaigns “C1”, “C2”, “C3”.",
        ),
        (
            1500,
            "First collected by Jeux & Lots SARL (JL-1, according to Contact Direct SAS). "
            "Passed to Contact Direct SAS, Revente Data SARL. "
            "According to one side only, transferred to the client Mouvement du Rivage. Used in the campaign “C2”.",
        ),
        (
            9001,
            "According to one side only, transferred to the client Mouvement du Rivage. "
            "Used in the campaigns “C2”, “C3”. Held without declared origin by Mouvement du Rivage. "
            "Sides contradict each other: see `contradictions`.",
        ),
    ],
)
def test_the_summary_says_who_says_so_and_what_only_one_side_says(number: int, summary: str) -> None:
    assert ask(number, "CNIL").summary == summary


def test_what_a_later_sender_denies_is_not_summed_up_as_agreed() -> None:
    world = World()
    broker = world.organisation(Role.BROKER, name="Courtier")
    collector = world.organisation(Role.COLLECTOR, account=False, named_by=broker)
    transfer, _ = world.transfer(world.dataset(collector, {1}, asserted_by=broker), broker, asserted_by=broker)
    assert "Passed to Courtier." in answer_for(world, 1, broker).summary
    world.say(transfer, "sender", "denied")
    assert "According to one side only, passed to Courtier." in answer_for(world, 1, broker).summary


def test_consent_is_this_numbers_own() -> None:
    (origin,) = ask(1500, "CNIL").origins
    assert origin.consented_at == datetime(2020, 4, 1, 12, tzinfo=PARIS)


def test_use_stands_beside_a_transfer_that_is_only_declared() -> None:
    found = ask(1500, "CNIL")
    last = next(one for one in found.transfers if one.recipient.legal_name == RIVAGE)
    assert last.status == "declared"
    assert [one.side for one in last.vouched_by] == ["sender"]
    assert found.campaigns[0].through[0].transfer_status == "declared"


def test_a_number_only_in_the_clients_own_file_is_an_orphan_and_a_contradiction() -> None:
    found = ask(9001, "CNIL")
    (orphan,) = found.orphans
    assert orphan.reason is OrphanReason.NOT_IN_SENDERS_DATASET
    assert [(one.orphan, one.hops) for one in found.chains] == [(True, [])]
    assert [one.kind for one in found.contradictions] == ["received_not_declared"]
    (transfer,) = found.transfers
    assert (transfer.number_declared, transfer.number_received) == (False, True)


def test_each_hop_says_between_whom_when_and_who_stands_by_it() -> None:
    found = ask(1500, "CNIL")
    longest = max(found.chains, key=lambda chain: len(chain.hops))
    hands = [longest.head.holder.legal_name, *(hop.to_dataset.holder.legal_name for hop in longest.hops)]
    assert hands == ["Jeux & Lots SARL", CONTACT, CONTACT, REVENTE, REVENTE, RIVAGE]
    assert [hop.kind for hop in longest.hops] == ["transfer", "derivation"] * 2 + ["transfer"]
    assert [hop.status for hop in longest.hops] == ["acknowledged", None, "acknowledged", None, "declared"]
    vouched = [[one.organisation.legal_name for one in hop.vouched_by] for hop in longest.hops]
    assert vouched == [[CONTACT], [], [CONTACT, REVENTE], [], [REVENTE]]


def test_a_client_learns_its_own_chains_and_no_other_client() -> None:
    found = ask(5200, "Aube")
    assert [one.organisation.legal_name for one in found.recipients] == [CONTACT, AUBE]
    assert [one.name for one in found.campaigns] == ["C1"]
    assert {one.notice.code for one in found.origins} == {"CA-2", "EM-1"}
    assert RIVAGE not in found.model_dump_json()


def test_a_client_that_does_not_hold_the_number_is_told_nothing() -> None:
    found = ask(4600, "Rivage")
    assert not found.held
    assert found.summary == "No dataset that you may see holds this number."
    assert [found.origins, found.chains, found.transfers, found.recipients, found.campaigns] == [[]] * 5


def test_a_broker_sees_upstream_and_one_hop_down_and_no_campaign() -> None:
    found = ask(1500, "Contact Direct")
    assert [one.organisation.legal_name for one in found.recipients] == [CONTACT, REVENTE]
    assert RIVAGE not in found.model_dump_json()
    assert found.campaigns == []
    last = max(found.chains, key=lambda chain: len(chain.hops)).hops[-1]
    assert (last.to_dataset.holder.legal_name, last.to_dataset.name) == (REVENTE, None)
    assert last.to_dataset.id not in {one.dataset.id for one in found.holdings}


def test_a_seller_learns_nothing_of_a_number_that_only_its_buyer_has() -> None:
    found = ask(9001, "Contact Direct")
    assert (found.held, found.transfers, found.recipients) == (False, [], [])


def test_a_collector_sees_where_its_data_went_one_hop_on() -> None:
    found = ask(5200, "Enseigne Maison")
    assert [one.organisation.legal_name for one in found.recipients] == [CONTACT]
    assert [one.notice.code for one in found.origins] == ["EM-1"]
    assert AUBE not in found.model_dump_json()


def test_a_processor_sees_for_the_party_whose_key_it_has() -> None:
    found = ask(5200, "Rivage", through="Routage")
    assert [one.name for one in found.campaigns] == ["C2", "C3"]
    assert AUBE not in found.model_dump_json()


def test_both_sides_are_told_of_a_number_that_one_says_it_gave_and_the_other_did_not_get() -> None:
    world = World()
    broker, party = world.organisation(Role.BROKER), world.organisation(Role.PARTY)
    transfer, _ = world.transfer(world.dataset(broker, {1, 2}), party)
    world.dispute(transfer, {2})
    for caller, held in ((broker, True), (party, False)):
        found = answer_for(world, 1, caller)
        assert found.held == held
        assert [one.kind for one in found.contradictions] == ["declared_not_received"]
        assert [(one.number_declared, one.number_received) for one in found.transfers] == [(True, False)]
        assert [one.through[0].status for one in found.recipients] == ["disputed"]
    assert answer_for(world, 2, broker).contradictions == []


def test_a_denied_transfer_is_told_to_both_sides_and_gives_the_recipient_nothing_else() -> None:
    world = World()
    broker, party = world.organisation(Role.BROKER), world.organisation(Role.PARTY)
    source, _ = world.transfer(world.dataset(world.organisation(Role.COLLECTOR), {1}), broker)
    transfer, _ = world.transfer(world.transfers[source].received_dataset_id, party)
    world.say(transfer, "recipient", "denied")
    found = answer_for(world, 1, party)
    assert (found.held, found.chains, found.holdings, found.origins) == (False, [], [], [])
    assert [one.id for one in found.transfers] == [transfer]
    assert [one.kind for one in found.contradictions] == ["denied_by_recipient"]
    assert [one.side for one in found.transfers[0].vouched_by] == ["sender"]
    assert answer_for(world, 1, broker).held


def test_a_later_attestation_makes_the_collectors_word_known() -> None:
    world = World()
    broker = world.organisation(Role.BROKER)
    collector = world.organisation(Role.COLLECTOR)
    collection = world.collection(world.notice(collector, broker), broker)
    world.dataset(collector, {1}, collection=collection)
    assert [one.attested for one in answer_for(world, 1, collector).origins] == [False]
    world.attest(collection)
    (origin,) = answer_for(world, 1, collector).origins
    assert (origin.attested, origin.attested_at) == (True, world.attestations[0].recorded_at)


def test_who_told_a_fact_is_withheld_where_nothing_else_shows_that_organisation() -> None:
    world = World()
    other, party = world.organisation(Role.PARTY), world.organisation(Role.PARTY)
    collector = world.organisation(Role.COLLECTOR)
    collection = world.collection(world.notice(collector, other), other)
    world.transfer(world.dataset(collector, {1}, collection=collection), party)
    (origin,) = answer_for(world, 1, party).origins
    assert origin.asserted_by is None
    (origin,) = answer_for(world, 1, world.organisation(Role.REGULATOR)).origins
    assert origin.asserted_by is not None
    assert origin.asserted_by.id == other


def test_a_buyer_is_named_as_who_tells_of_a_collector_that_it_speaks_for() -> None:
    world = World()
    broker = world.organisation(Role.BROKER)
    collector = world.organisation(Role.COLLECTOR, account=False, named_by=broker)
    collection = world.collection(world.notice(collector, broker), broker)
    world.dataset(collector, {1}, collection=collection, asserted_by=broker)
    (origin,) = answer_for(world, 1, broker).origins
    assert origin.asserted_by is not None
    assert (origin.asserted_by.id, origin.collector.has_account, origin.attested) == (broker, False, False)


def test_a_seller_learns_nothing_of_a_buyers_file_by_holding_the_number_elsewhere() -> None:
    world = World()
    broker, party = world.organisation(Role.BROKER), world.organisation(Role.PARTY)
    base = world.dataset(broker, {1, 2})
    transfer, _ = world.transfer(world.dataset(broker, {2}, [base]), party)
    world.dispute(transfer, {1, 2})
    found = answer_for(world, 1, broker)
    assert [(chain.head.id, chain.hops) for chain in found.chains] == [(base, [])]
    assert not found.transfers
    assert not found.contradictions


def test_every_orphan_says_why_it_is_one() -> None:
    world = World()
    broker, party = world.organisation(Role.BROKER), world.organisation(Role.PARTY)
    stray = world.dataset(broker, {1})
    _, sold = world.transfer(stray, party)
    beside = world.dataset(broker, {1}, [world.dataset(broker, {2})])
    denied, refused = world.transfer(world.dataset(party, {1}), broker)
    derived = world.dataset(broker, {1}, [refused])
    world.say(denied, "recipient", "denied")
    reasons = {one.dataset.id: one.reason for one in answer_for(world, 1, world.organisation(Role.REGULATOR)).orphans}
    assert reasons[stray] is OrphanReason.NO_SOURCE_DECLARED
    assert reasons[sold] is OrphanReason.SOURCE_IS_ORPHAN
    assert reasons[beside] is OrphanReason.NOT_IN_SOURCES
    assert reasons[derived] is OrphanReason.TRANSFER_DENIED
    assert refused not in reasons


def listed(*days: tuple[date, date | None], consented_at: datetime | None) -> tuple[PartnerListBasis, date | None]:
    """Which of partner lists, each perhaps corrected by a list from another day, is said to have been in force."""
    world = World()
    collector = world.organisation(Role.COLLECTOR)
    notice = world.notice(collector, collector)
    for day, corrected_to in days:
        first = world.partner_list(notice, day, categories=["partenaires"])
        if corrected_to is not None:
            world.partner_list(notice, corrected_to, categories=["partenaires"], corrects=first)
    made = world.dataset(collector, {1}, collection=world.collection(notice, collector))
    if consented_at is not None:
        world.consents[made, 1] = consented_at
    (origin,) = answer_for(world, 1, collector).origins
    return origin.partner_list_basis, origin.partner_list.valid_from_on if origin.partner_list else None


JANUARY, MARCH, MAY = date(2024, 1, 1), date(2024, 3, 1), date(2024, 5, 1)


def test_a_consent_day_begins_at_midnight_in_the_notices_time_zone() -> None:
    before = datetime(2024, 2, 29, 22, 59, tzinfo=UTC)
    assert listed((JANUARY, None), (MARCH, None), consented_at=before)[1] == JANUARY
    midnight = datetime(2024, 2, 29, 23, 0, tzinfo=UTC)
    assert listed((JANUARY, None), (MARCH, None), consented_at=midnight)[1] == MARCH


def test_a_corrected_list_was_never_in_force() -> None:
    april = datetime(2024, 4, 1, tzinfo=PARIS)
    assert listed((JANUARY, None), (MARCH, MAY), consented_at=april) == (PartnerListBasis.CONSENT_DAY, JANUARY)


def test_without_a_list_or_a_day_none_is_said_to_have_been_in_force() -> None:
    assert listed(consented_at=EPOCH) == (PartnerListBasis.NONE_YET, None)
    assert listed((JANUARY, None), consented_at=None) == (PartnerListBasis.CONSENT_DAY_UNKNOWN, None)


@unhurried
@given(worlds())
def test_no_answer_to_a_party_names_another_client_anywhere(made: tuple[World, Cast]) -> None:
    world, cast = made
    for number in oracle.all_numbers(world):
        for party in cast.parties:
            for through in (None, cast.sender):
                found = answer_for(world, number, party, through).model_dump_json()
                assert not any(str(other) in found for other in cast.parties if other != party)


@unhurried
@given(worlds())
def test_the_person_and_the_regulator_are_told_the_same_and_all(made: tuple[World, Cast]) -> None:
    world, cast = made
    snapshot = oracle.snapshot_of(world)
    everything = partial(visibility.full_visibility, snapshot.visibility_index)
    for number in oracle.all_numbers(world):
        found = build_answer(prepare(snapshot, world, number, everything))
        assert {holding.dataset.id for holding in found.holdings} == oracle.holders(world, number)
        assert found == answer_from(snapshot, world, number, cast.regulator)
