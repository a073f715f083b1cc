"""The kinds of thing that a story is made of: who speaks, and what each of them says happened."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time

from service.core.vocabulary import Channel, Mechanism, Purpose, Role
from service.wording.language import PARIS

FIRST_NUMBER = 33639980000
"""The first of the 10,000 numbers that ARCEP keeps for fiction; a story names them by their last four digits."""


def e164(last_digits: int) -> str:
    """The number with these last four digits: 4600 is +33639984600."""
    return f"+{FIRST_NUMBER + last_digits}"


def at(day: str, hour: int = 12, minute: int = 0) -> datetime:
    """A moment in Paris, of a day written as 2024-06-06."""
    return datetime.combine(date.fromisoformat(day), time(hour, minute), PARIS)


@dataclass(frozen=True)
class Organisation:
    """A legal person. One without an account is named by `named_by`; the operator admits the others."""

    code: str
    name: str
    siren: str
    role: Role
    contact: str
    named_by: str | None = None


@dataclass(frozen=True)
class PartnerList:
    """The partners named beside a wording from a day on: organisations by their codes, or categories of them."""

    valid_from: str
    partners: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()


@dataclass(frozen=True)
class Notice:
    """The wording of a form, as `asserted_by` registers it."""

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
    """A set of numbers in one holder's hands. Without numbers of its own it is the union of its parents.

    `consented_on` gives the day of a number's consent, for a collected dataset; `layout` names how its file is
    written.
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
    """A dataset handed over; in the recipient's hands it is the dataset `received`."""

    code: str
    dataset: str
    received: str
    recipient: str
    asserted_by: str
    occurred_at: datetime
    purpose: Purpose
    contract: str
    targeting: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True)
class Acknowledgement:
    """The recipient agrees to a transfer without sending a file."""

    transfer: str
    said_at: datetime
    comment: str


@dataclass(frozen=True)
class Reconciliation:
    """The recipient of a transfer sends the file that it got."""

    transfer: str
    numbers: tuple[range, ...]
    layout: str


@dataclass(frozen=True)
class Campaign:
    """A message that a party had sent by a processor."""

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
    """The owner of a number objected in a letter to one of its holders, which records that."""

    code: str
    number: int
    holder: str
    received_at: datetime


@dataclass(frozen=True)
class Stop:
    """The owner of a number answered STOP to a campaign, whose sender reports that."""

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
    | Acknowledgement
    | Reconciliation
    | Campaign
    | Letter
    | Stop
)
