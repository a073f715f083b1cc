"""Which time zone the clocks of a region show."""

from datetime import UTC, datetime

import phonenumbers

from service.core.time_zone import ALIKE, ask_for_zone, read_zones, zone_of, zones_of
from service.intake.dates.zones import load_zone

SINCE = int(datetime(2000, 1, 1, tzinfo=UTC).timestamp())


def _changes_since(zone: str) -> tuple[list[int], list[int]]:
    loaded = load_zone(zone)
    later = int((loaded.changes < SINCE).sum())
    return loaded.changes[later:].tolist(), loaded.offsets[later:].tolist()


def test_zones_of_a_region_are_one_where_its_clocks_agree_and_several_where_they_do_not() -> None:
    for region, zone in ALIKE.items():
        every = read_zones()[region]
        assert zone in every
        assert len(every) > 1
        assert all(_changes_since(of_region) == _changes_since(zone) for of_region in every), region
    one = {"FR": "Europe/Paris", "RE": "Indian/Reunion", "GB": "Europe/London", "XK": "Europe/Belgrade"}
    assert {region: zones_of(region) for region in one} == {region: (zone,) for region, zone in one.items()}
    assert all(zones_of(region) for region in phonenumbers.SUPPORTED_REGIONS)
    assert all(len(zones_of(region)) > 1 for region in ("US", "RU", "BR", "AU", "ES", "PT", "CA", "MX"))
    assert zones_of("ZZ") == ()


def test_zone_of_is_the_stated_one_or_the_only_one_of_the_country() -> None:
    assert zone_of("FR", None) == "Europe/Paris"
    assert zone_of("FR", "America/Cayenne") == "America/Cayenne"
    assert zone_of("US", None) is None
    assert zone_of("US", "America/Denver") == "America/Denver"
    assert zone_of("ZZ", None) is None


def test_ask_for_zone_names_few_zones_and_not_many() -> None:
    assert "time_zone= with one of them: Europe/Lisbon, Atlantic/Madeira, Atlantic/Azores." in ask_for_zone(
        "PT", "time_zone="
    )
    assert ask_for_zone("US", "--time-zone").endswith("with one of them, by its name in the IANA database.")
