"""The types of a story's steps: organisations, and the facts that they assert."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time

from service.core.vocabulary import Channel, Mechanism, Purpose, Role
from service.wording.language import PARIS

FIRST_NUMBER = 33639980000
"""The first of the 10,000 numbers that ARCEP reserves for fiction. A story names them by their last four digits."""


def e164(last_digits: int) -> str:
    """The number with these last four digits: 4600 is +33639984600."""
    return f"+{FIRST_NUMBER + last_digits}"


def at(day: str, hour: int = 12, minute: int = 0) -> datetime:
    """A moment in Paris on a day written as 2024-06-06."""
    return datetime.combine(date.fromisoformat(day), time(hour, minute), PARIS)


@dataclass(frozen=True)
class Organisation:
    """A legal person. The operator admits it, unless `named_by` only names it, without an account."""

    code: str
    name: str
    siren: str
    role: Role
    contact: str
    named_by: str | None = None


@dataclass(frozen=True)
class PartnerList:
    """The recipients that a notice names from a day on: organisations by their codes, or categories."""

    valid_from: str
    partners: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()


@dataclass(frozen=True)
class Notice:
    """The wording of a form, registered by `asserted_by`."""

    code: str
    collector: str
    asserted_by: str
    wording: str
    mechanism: Mechanism
    purposes: tuple[Purpose, ...]
    valid_from: str
    valid_until: str | None
    lists: tuple[PartnerList, ...]
    replaces: str | None = None
    has_screenshot: bool = False


@dataclass(frozen=True)
class Collection:
    """The gathering of numbers under the notice whose code it shares."""

    notice: str
    channel: Channel
    address: str
    began: str
    ended: str


@dataclass(frozen=True)
class Dataset:
    """A set of numbers held by one organisation. Without numbers of its own it is the union of its parents.

    `consented_on` returns the day of a number's consent in a collected dataset. `layout` names the layout of its file.
    """

    code: str
    name: str
    holder: str
    asserted_by: str
    made_at: datetime
    numbers: tuple[range, ...] = ()
    layout: str = ""
    collected_under: str | None = None
    derived_from: tuple[str, ...] = ()
    consented_on: Callable[[int], date] | None = None


@dataclass(frozen=True)
class Transfer:
    """A dataset handed over. The recipient holds it as the dataset `received_dataset`."""

    code: str
    dataset: str
    received_dataset: str
    recipient: str
    asserted_by: str
    occurred_at: datetime
    purpose: Purpose
    contract: str
    targeting: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True)
class Release:
    """The operator releases a first upload, so that its numbers count for its holder and further on."""

    dataset: str
    comment: str


@dataclass(frozen=True)
class Acknowledgement:
    """The recipient acknowledges a transfer without sending a file."""

    transfer: str
    said_at: datetime
    comment: str


@dataclass(frozen=True)
class Reconciliation:
    """The recipient of a transfer sends the file that it received."""

    transfer: str
    numbers: tuple[range, ...]
    layout: str


@dataclass(frozen=True)
class Campaign:
    """A message that a processor sent for a party."""

    code: str
    name: str
    party: str
    sender: str
    originator: str
    message: str
    began_at: datetime
    ended_at: datetime
    datasets: tuple[str, ...]


@dataclass(frozen=True)
class Letter:
    """The owner of a number objected in a letter to a holder, which records the objection."""

    code: str
    number: int
    holder: str
    received_at: datetime


@dataclass(frozen=True)
class Stop:
    """The owner of a number replied STOP to a campaign, and its sender reports the reply."""

    code: str
    number: int
    campaign: str
    text: str
    replied_at: datetime


Step = (
    Organisation
    | Notice
    | Collection
    | Dataset
    | Transfer
    | Release
    | Acknowledgement
    | Reconciliation
    | Campaign
    | Letter
    | Stop
)
