"""The demo's story as facts in memory: collectors' forms, a broker's union of them, two parties in June 2024."""

import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from service.core.vocabulary import Mechanism, Role
from tests.provenance.builders import World

PARIS = ZoneInfo("Europe/Paris")
Ids = dict[str, uuid.UUID]


@dataclass
class Story:
    """A world, and the ids of its facts by the names that the story gives them."""

    world: World
    organisations: Ids
    notices: Ids
    datasets: Ids
    transfers: Ids
    campaigns: Ids


def make_story() -> Story:
    """Make the whole story."""
    story = Story(World(), {}, {}, {}, {}, {})
    _organisations(story)
    _notices(story)
    _collect(story)
    _buy(story)
    _sell(story)
    _campaigns(story)
    return story


def _organisations(story: Story) -> None:
    world, names = story.world, story.organisations
    names["Contact Direct"] = world.organisation(Role.BROKER, name="Contact Direct SAS")
    buyer = names["Contact Direct"]
    for name, full in (("Jeux & Lots", "Jeux & Lots SARL"), ("Comparauto", "Comparauto SAS")):
        names[name] = world.organisation(Role.COLLECTOR, name=full, account=False, named_by=buyer)
    names["Enseigne Maison"] = world.organisation(Role.COLLECTOR, name="Enseigne Maison SA")
    names["Revente Data"] = world.organisation(Role.BROKER, name="Revente Data SARL")
    names["Aube"] = world.organisation(Role.PARTY, name="Parti de l'Aube")
    names["Rivage"] = world.organisation(Role.PARTY, name="Mouvement du Rivage")
    names["Routage"] = world.organisation(Role.PROCESSOR, name="Routage SMS Pro SAS")
    names["CNIL"] = world.organisation(Role.REGULATOR, name="CNIL")


def _notices(story: Story) -> None:
    world, who, notices = story.world, story.organisations, story.notices
    buyer = who["Contact Direct"]
    notices["JL-1"] = world.notice(who["Jeux & Lots"], buyer, code="JL-1", mechanism=Mechanism.CONDITION_OF_ENTRY)
    notices["CA-1"] = world.notice(who["Comparauto"], buyer, code="CA-1")
    notices["CA-2"] = world.notice(who["Comparauto"], buyer, code="CA-2", version=2)
    notices["EM-1"] = world.notice(who["Enseigne Maison"], who["Enseigne Maison"], code="EM-1")
    direct, aube = ("Contact Direct SAS", buyer), ("Parti de l'Aube", who["Aube"])
    world.partner_list(notices["JL-1"], date(2020, 1, 1), categories=["partenaires"])
    world.partner_list(notices["CA-1"], date(2021, 3, 1), [direct])
    world.partner_list(notices["CA-2"], date(2023, 9, 1), [direct])
    world.partner_list(notices["CA-2"], date(2024, 2, 1), [direct, aube])
    world.partner_list(notices["EM-1"], date(2022, 1, 1), [direct], ["partis politiques et candidats"])


def _collect(story: Story) -> None:
    buyer = "Contact Direct"
    _collected(story, "D1", "Jeux & Lots", buyer, "JL-1", range(3000), lambda n: (date(2020, 2, 1), n % 480))
    _collected(story, "D2", "Comparauto", buyer, "CA-1", range(2000, 5000), lambda n: (date(2021, 4, 1), n % 700))
    _collected(story, "D3", "Comparauto", buyer, "CA-2", range(5000, 6500), _consent_under_ca_2)
    own = "Enseigne Maison"
    _collected(story, "D4", own, own, "EM-1", range(4000, 8500), lambda n: (date(2023, 10, 2), n % 90))


def _consent_under_ca_2(number: int) -> tuple[date, int]:
    return (date(2023, 10, 1), number % 120) if number <= 5499 else (date(2024, 2, 5), number % 60)


def _collected(
    story: Story,
    name: str,
    collector: str,
    asserter: str,
    notice: str,
    numbers: Iterable[int],
    consent: Callable[[int], tuple[date, int]],
) -> None:
    world, asserter_id = story.world, story.organisations[asserter]
    collection = world.collection(story.notices[notice], asserter_id)
    dataset = world.dataset(
        story.organisations[collector], list(numbers), collection=collection, asserted_by=asserter_id, name=name
    )
    for number in numbers:
        first_day, days_later = consent(number)
        consent_day = first_day + timedelta(days=days_later)
        world.consents[dataset, number] = datetime.combine(consent_day, time(12), PARIS)
    story.datasets[name] = dataset


def _buy(story: Story) -> None:
    world, who, made = story.world, story.organisations, story.datasets
    buyer = who["Contact Direct"]
    for place in "123":
        moved = world.transfer(made[f"D{place}"], buyer, asserted_by=buyer)
        story.transfers[f"T{place}"], made[f"R{place}"] = moved
    story.transfers["T4"], made["R4"] = world.transfer(made["D4"], buyer)
    world.add_statement(story.transfers["T4"], "recipient", "acknowledged")
    made["D5"] = world.dataset(buyer, None, [made[f"R{place}"] for place in "1234"], name="D5")


def _sell(story: Story) -> None:
    _sold(story, "Contact Direct", "X6", ["D5"], range(4500, 8000), "Aube", "T5", "D6")
    _sold(story, "Contact Direct", "X7", ["D5"], range(5000, 8500), "Rivage", "T6", "D7")
    _sold(story, "Contact Direct", "X8", ["R1", "R2"], range(4000), "Revente Data", "T7", "D8")
    _sold(story, "Revente Data", "X9", ["D8"], range(1000, 2000), "Rivage", "T8", "D9")
    world, transfers = story.world, story.transfers
    world.add_statement(transfers["T5"], "recipient", "confirmed")
    world.dispute(transfers["T6"], [*range(5000, 8500), *range(9000, 9004)])
    world.add_statement(transfers["T7"], "recipient", "acknowledged")


def _sold(
    story: Story,
    seller: str,
    cut: str,
    parents: Iterable[str],
    numbers: Iterable[int],
    buyer: str,
    transfer: str,
    received: str,
) -> None:
    world, who, made = story.world, story.organisations, story.datasets
    made[cut] = world.dataset(who[seller], list(numbers), [made[parent] for parent in parents], name=cut)
    story.transfers[transfer], made[received] = world.transfer(made[cut], who[buyer])


def _campaigns(story: Story) -> None:
    world, who, made = story.world, story.organisations, story.datasets
    sender = who["Routage"]
    story.campaigns["C1"] = world.campaign(who["Aube"], [made["D6"]], sender=sender, name="C1")
    story.campaigns["C2"] = world.campaign(who["Rivage"], [made["D7"], made["D9"]], sender=sender, name="C2")
    story.campaigns["C3"] = world.campaign(who["Rivage"], [made["D7"]], sender=sender, name="C3")
