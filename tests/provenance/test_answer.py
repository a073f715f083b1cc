"""One number's answer: the story's table of facts, and what each kind of caller is shown."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache, partial

from hypothesis import given

from service.access import visibility
from service.core.vocabulary import OrphanReason, Role
from service.provenance.answer.build import build_answer
from service.provenance.answer.origin_schemas import PartnerListBasis
from service.provenance.answer.schemas import Answer, RecipientKind
from service.provenance.snapshot import Snapshot
from tests.provenance import oracle
from tests.provenance.answers import answer_for, answer_from, prepare
from tests.provenance.builders import EPOCH, World
from tests.provenance.story import PARIS, Story, make_story
from tests.provenance.strategies import Cast, no_deadline, worlds


@cache
def story_and_snapshot() -> tuple[Story, Snapshot]:
    story = make_story()
    return story, oracle.snapshot_of(story.world)


def ask(number: int, caller: str, through: str | None = None) -> Answer:
    """The story's answer to one of its organisations."""
    story, snapshot = story_and_snapshot()
    sender = story.organisations[through] if through else None
    return answer_from(snapshot, story.world, number, story.organisations[caller], sender)


@dataclass
class Facts:
    """A row of the story's table, as it is shown to a caller who sees everything."""

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


def facts_in(found: Answer) -> Facts:
    origins = {(origin.collector.legal_name, origin.notice.code, origin.attested) for origin in found.origins}
    recipients = [(recipient.organisation.legal_name, recipient) for recipient in found.recipients]
    intermediaries = [name for name, recipient in recipients if recipient.kind is RecipientKind.INTERMEDIARY]
    clients = {
        name: [campaign.name for campaign in recipient.campaigns]
        for name, recipient in recipients
        if recipient.kind is RecipientKind.CLIENT
    }
    return Facts(origins, intermediaries, clients)


def test_answer_to_the_regulator_equals_the_table_of_facts() -> None:
    found = {number: ask(number, "CNIL") for number in TABLE}
    assert {number: facts_in(answer) for number, answer in found.items()} == TABLE
    assert {number for number, answer in found.items() if not answer.held} == {9999}


def test_origin_names_the_partner_list_of_the_day_of_this_numbers_consent() -> None:
    for number, names in ((5200, [CONTACT]), (6000, [CONTACT, AUBE])):
        found = next(origin for origin in ask(number, "CNIL").origins if origin.notice.code == "CA-2")
        assert found.partner_list is not None
        assert [partner.name for partner in found.partner_list.partners] == names
        assert found.partner_list_basis is PartnerListBasis.CONSENT_DAY


SUMMARIES = {
    4600: (
        "First collected by Comparauto SAS (CA-1, according to Contact Direct SAS), Enseigne Maison SA (EM-1). "
        "Passed to Contact Direct SAS. Transferred to the client Parti de l'Aube. Used in the campaign “C1”."
    ),
    5200: (
        "First collected by Comparauto SAS (CA-2, according to Contact Direct SAS), Enseigne Maison SA (EM-1). "
        "Passed to Contact Direct SAS. Transferred to the clients Parti de l'Aube, Mouvement du Rivage. "
        "Used in the campaigns “C1”, “C2”, “C3”."
    ),
    1500: (
        "First collected by Jeux & Lots SARL (JL-1, according to Contact Direct SAS). "
        "Passed to Contact Direct SAS, Revente Data SARL. "
        "According to one side only, transferred to the client Mouvement du Rivage. Used in the campaign “C2”."
    ),
    9001: (
        "According to one side only, transferred to the client Mouvement du Rivage. "
        "Used in the campaigns “C2”, “C3”. Held without declared origin by Mouvement du Rivage. "
        "Sides contradict each other: see `contradictions`."
    ),
}


def test_summary_names_who_asserts_and_what_only_one_side_states() -> None:
    assert {number: ask(number, "CNIL").summary for number in SUMMARIES} == SUMMARIES


def test_summary_of_a_transfer_that_its_sender_denied_later_does_not_call_it_agreed() -> None:
    world = World()
    broker = world.organisation(Role.BROKER, name="Courtier")
    collector = world.organisation(Role.COLLECTOR, account=False, named_by=broker)
    transfer, _ = world.transfer(world.dataset(collector, {1}, asserted_by=broker), broker, asserted_by=broker)
    assert "Passed to Courtier." in answer_for(world, 1, broker).summary
    world.add_statement(transfer, "sender", "denied")
    assert "According to one side only, passed to Courtier." in answer_for(world, 1, broker).summary


def test_origin_has_the_consent_of_this_number() -> None:
    (origin,) = ask(1500, "CNIL").origins
    assert origin.consented_at == datetime(2020, 4, 1, 12, tzinfo=PARIS)


def test_campaign_use_leaves_the_status_of_a_declared_transfer() -> None:
    found = ask(1500, "CNIL")
    last = next(transfer for transfer in found.transfers if transfer.recipient.legal_name == RIVAGE)
    assert last.status == "declared"
    assert [voucher.side for voucher in last.vouched_by] == ["sender"]
    assert found.campaigns[0].through[0].transfer_status == "declared"


def test_answer_for_a_number_only_in_the_clients_file_has_an_orphan_and_a_contradiction() -> None:
    found = ask(9001, "CNIL")
    (orphan,) = found.orphans
    assert orphan.reason is OrphanReason.NOT_IN_SENDERS_DATASET
    assert [(chain.orphan, chain.hops) for chain in found.chains] == [(True, [])]
    assert [contradiction.kind for contradiction in found.contradictions] == ["received_not_declared"]
    (transfer,) = found.transfers
    assert (transfer.number_declared, transfer.number_received) == (False, True)


def test_hop_has_both_holders_its_status_and_its_vouchers() -> None:
    found = ask(1500, "CNIL")
    longest = max(found.chains, key=lambda chain: len(chain.hops))
    holders = [longest.head.holder.legal_name, *(hop.to_dataset.holder.legal_name for hop in longest.hops)]
    assert holders == ["Jeux & Lots SARL", CONTACT, CONTACT, REVENTE, REVENTE, RIVAGE]
    assert [hop.kind for hop in longest.hops] == ["transfer", "derivation"] * 2 + ["transfer"]
    assert [hop.status for hop in longest.hops] == ["acknowledged", None, "acknowledged", None, "declared"]
    vouched = [[voucher.organisation.legal_name for voucher in hop.vouched_by] for hop in longest.hops]
    assert vouched == [[CONTACT], [], [CONTACT, REVENTE], [], [REVENTE]]


def test_answer_to_a_client_shows_its_own_chains_and_no_other_client() -> None:
    found = ask(5200, "Aube")
    assert [recipient.organisation.legal_name for recipient in found.recipients] == [CONTACT, AUBE]
    assert [campaign.name for campaign in found.campaigns] == ["C1"]
    assert {origin.notice.code for origin in found.origins} == {"CA-2", "EM-1"}
    assert RIVAGE not in found.model_dump_json()


def test_answer_to_a_client_without_the_number_is_empty() -> None:
    found = ask(4600, "Rivage")
    assert not found.held
    assert found.summary == "No dataset that you may see holds this number."
    assert [found.origins, found.chains, found.transfers, found.recipients, found.campaigns] == [[]] * 5


def test_answer_to_a_broker_shows_upstream_one_hop_down_and_no_campaign() -> None:
    found = ask(1500, "Contact Direct")
    assert [recipient.organisation.legal_name for recipient in found.recipients] == [CONTACT, REVENTE]
    assert RIVAGE not in found.model_dump_json()
    assert found.campaigns == []
    last = max(found.chains, key=lambda chain: len(chain.hops)).hops[-1]
    assert (last.to_dataset.holder.legal_name, last.to_dataset.name) == (REVENTE, None)
    assert last.to_dataset.id not in {holding.dataset.id for holding in found.holdings}


def test_answer_to_a_sender_about_a_number_of_its_recipient_alone_is_empty() -> None:
    found = ask(9001, "Contact Direct")
    assert (found.held, found.transfers, found.recipients) == (False, [], [])


def test_answer_to_a_collector_shows_one_hop_on() -> None:
    found = ask(5200, "Enseigne Maison")
    assert [recipient.organisation.legal_name for recipient in found.recipients] == [CONTACT]
    assert [origin.notice.code for origin in found.origins] == ["EM-1"]
    assert AUBE not in found.model_dump_json()


def test_answer_to_a_processor_shows_what_the_party_of_its_key_may_see() -> None:
    found = ask(5200, "Rivage", through="Routage")
    assert [campaign.name for campaign in found.campaigns] == ["C2", "C3"]
    assert AUBE not in found.model_dump_json()


def test_answer_to_both_sides_shows_a_number_that_was_declared_but_not_received() -> None:
    world = World()
    broker, party = world.organisation(Role.BROKER), world.organisation(Role.PARTY)
    transfer, _ = world.transfer(world.dataset(broker, {1, 2}), party)
    world.dispute(transfer, {2})
    for caller, held in ((broker, True), (party, False)):
        found = answer_for(world, 1, caller)
        assert found.held == held
        assert [contradiction.kind for contradiction in found.contradictions] == ["declared_not_received"]
        assert [(transfer.number_declared, transfer.number_received) for transfer in found.transfers] == [(True, False)]
        assert [recipient.through[0].status for recipient in found.recipients] == ["disputed"]
    assert answer_for(world, 2, broker).contradictions == []


def test_answer_shows_a_denied_transfer_to_both_sides_and_nothing_else_to_its_recipient() -> None:
    world = World()
    broker, party = world.organisation(Role.BROKER), world.organisation(Role.PARTY)
    source, _ = world.transfer(world.dataset(world.organisation(Role.COLLECTOR), {1}), broker)
    transfer, _ = world.transfer(world.transfers[source].received_dataset_id, party)
    world.add_statement(transfer, "recipient", "denied")
    found = answer_for(world, 1, party)
    assert (found.held, found.chains, found.holdings, found.origins) == (False, [], [], [])
    assert [transfer.id for transfer in found.transfers] == [transfer]
    assert [contradiction.kind for contradiction in found.contradictions] == ["denied_by_recipient"]
    assert [voucher.side for voucher in found.transfers[0].vouched_by] == ["sender"]
    assert answer_for(world, 1, broker).held


def test_attest_a_collection_marks_its_origin_as_attested() -> None:
    world = World()
    broker = world.organisation(Role.BROKER)
    collector = world.organisation(Role.COLLECTOR)
    collection = world.collection(world.notice(collector, broker), broker)
    world.dataset(collector, {1}, collection=collection)
    assert [origin.attested for origin in answer_for(world, 1, collector).origins] == [False]
    world.attest(collection)
    (origin,) = answer_for(world, 1, collector).origins
    assert (origin.attested, origin.attested_at) == (True, world.collector_statements[0].recorded_at)


def test_asserter_that_nothing_else_shows_is_withheld() -> None:
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


def test_recipient_that_named_the_collector_is_shown_as_asserter() -> None:
    world = World()
    broker = world.organisation(Role.BROKER)
    collector = world.organisation(Role.COLLECTOR, account=False, named_by=broker)
    collection = world.collection(world.notice(collector, broker), broker)
    world.dataset(collector, {1}, collection=collection, asserted_by=broker)
    (origin,) = answer_for(world, 1, broker).origins
    assert origin.asserted_by is not None
    assert (origin.asserted_by.id, origin.collector.has_account, origin.attested) == (broker, False, False)


def test_answer_to_a_sender_that_holds_the_number_elsewhere_shows_nothing_of_the_recipients_file() -> None:
    world = World()
    broker, party = world.organisation(Role.BROKER), world.organisation(Role.PARTY)
    base = world.dataset(broker, {1, 2})
    transfer, _ = world.transfer(world.dataset(broker, {2}, [base]), party)
    world.dispute(transfer, {1, 2})
    found = answer_for(world, 1, broker)
    assert [(chain.head.id, chain.hops) for chain in found.chains] == [(base, [])]
    assert not found.transfers
    assert not found.contradictions


def test_orphans_have_their_reasons() -> None:
    world = World()
    broker, party = world.organisation(Role.BROKER), world.organisation(Role.PARTY)
    stray = world.dataset(broker, {1})
    _, sold = world.transfer(stray, party)
    beside = world.dataset(broker, {1}, [world.dataset(broker, {2})])
    denied, refused = world.transfer(world.dataset(party, {1}), broker)
    derived = world.dataset(broker, {1}, [refused])
    world.add_statement(denied, "recipient", "denied")
    found = answer_for(world, 1, world.organisation(Role.REGULATOR))
    reasons = {orphan.dataset.id: orphan.reason for orphan in found.orphans}
    assert reasons[stray] is OrphanReason.NO_SOURCE_DECLARED
    assert reasons[sold] is OrphanReason.SOURCE_IS_ORPHAN
    assert reasons[beside] is OrphanReason.NOT_IN_SOURCES
    assert reasons[derived] is OrphanReason.TRANSFER_DENIED
    assert refused not in reasons


def list_in_force(
    *days: tuple[date, date | None], consented_at: datetime | None
) -> tuple[PartnerListBasis, date | None]:
    """The partner list in force of several, each of which a list with another first day may correct."""
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


def test_partner_list_in_force_changes_at_midnight_in_the_notices_time_zone() -> None:
    before = datetime(2024, 2, 29, 22, 59, tzinfo=UTC)
    assert list_in_force((JANUARY, None), (MARCH, None), consented_at=before)[1] == JANUARY
    midnight = datetime(2024, 2, 29, 23, 0, tzinfo=UTC)
    assert list_in_force((JANUARY, None), (MARCH, None), consented_at=midnight)[1] == MARCH


def test_partner_list_in_force_is_never_a_corrected_list() -> None:
    april = datetime(2024, 4, 1, tzinfo=PARIS)
    assert list_in_force((JANUARY, None), (MARCH, MAY), consented_at=april) == (PartnerListBasis.CONSENT_DAY, JANUARY)


def test_partner_list_in_force_without_a_list_or_a_day_is_none() -> None:
    assert list_in_force(consented_at=EPOCH) == (PartnerListBasis.NONE_YET, None)
    assert list_in_force((JANUARY, None), consented_at=None) == (PartnerListBasis.CONSENT_DAY_UNKNOWN, None)


@no_deadline
@given(worlds())
def test_answer_to_a_party_names_no_other_client(made: tuple[World, Cast]) -> None:
    world, cast = made
    for number in oracle.all_numbers(world):
        for party in cast.parties:
            for through in (None, cast.sender):
                found = answer_for(world, number, party, through).model_dump_json()
                assert not any(str(other) in found for other in cast.parties if other != party)


@no_deadline
@given(worlds())
def test_answers_to_the_person_and_to_the_regulator_are_equal_and_complete(made: tuple[World, Cast]) -> None:
    world, cast = made
    snapshot = oracle.snapshot_of(world)
    everything = partial(visibility.full_visibility, snapshot.visibility_index)
    for number in oracle.all_numbers(world):
        found = build_answer(prepare(snapshot, world, number, everything))
        assert {holding.dataset.id for holding in found.holdings} == oracle.datasets_holding(world, number)
        assert found == answer_from(snapshot, world, number, cast.regulator)
