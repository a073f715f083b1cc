"""Phrases that come in several forms, chosen by a count, a closed list or what the report leaves out. Pure.

Each choice is complete by type: mypy refuses a value of a list for which a form is missing.
"""

from dataclasses import dataclass

from service.core.vocabulary import ObjectionKind, ObjectionSource
from service.disclosure.agreement import Agreement


@dataclass(frozen=True)
class Plural:
    """A phrase about one thing, and about several."""

    one: str
    many: str

    def of(self, count: int) -> str:
        """The form for a count of at least one."""
        return self.one if count == 1 else self.many


@dataclass(frozen=True)
class Extent:
    """A phrase about everything recorded, and about the time since the number has been the person's."""

    everything: str
    since_owned: str

    def of(self, *, concerns_another: bool) -> str:
        """The form for a report that leaves out what concerns another person, or nothing."""
        return self.since_owned if concerns_another else self.everything


@dataclass(frozen=True)
class Counted:
    """A phrase about no thing, one and several, each of everything recorded or since the number is the person's."""

    none: Extent
    one: Extent
    many: Extent

    def of(self, count: int, *, concerns_another: bool) -> str:
        """The form for a count, and for a report that leaves out what concerns another person, or nothing."""
        extent = self.many if count > 1 else self.one if count else self.none
        return extent.of(concerns_another=concerns_another)


@dataclass(frozen=True)
class ByAgreement:
    """A phrase for each way in which the two sides of a transfer agree or contradict each other."""

    agreed: str
    recipient_alone: str
    sender_alone: str
    acknowledged_late: str
    not_received: str
    not_declared: str
    denied_by_recipient: str
    denied_by_sender: str
    retracted_by_sender: str
    retracted_by_recipient: str
    retracted: str
    third_party: str

    def of(self, agreement: Agreement) -> str:  # noqa: C901  (a case for each agreement)
        """The phrase for an agreement."""
        match agreement:
            case Agreement.AGREED:
                return self.agreed
            case Agreement.RECIPIENT_ALONE:
                return self.recipient_alone
            case Agreement.SENDER_ALONE:
                return self.sender_alone
            case Agreement.ACKNOWLEDGED_LATE:
                return self.acknowledged_late
            case Agreement.NOT_RECEIVED:
                return self.not_received
            case Agreement.NOT_DECLARED:
                return self.not_declared
            case Agreement.DENIED_BY_RECIPIENT:
                return self.denied_by_recipient
            case Agreement.DENIED_BY_SENDER:
                return self.denied_by_sender
            case Agreement.RETRACTED_BY_SENDER:
                return self.retracted_by_sender
            case Agreement.RETRACTED_BY_RECIPIENT:
                return self.retracted_by_recipient
            case Agreement.RETRACTED:
                return self.retracted
            case Agreement.THIRD_PARTY:
                return self.third_party


@dataclass(frozen=True)
class ByRequest:
    """A phrase for what a person calls their request: a STOP, an objection or a request for erasure."""

    stop: str
    objection: str
    erasure: str
    contest: str

    def of(self, source: ObjectionSource, kind: ObjectionKind) -> str:
        """The phrase for a request. A STOP is called a STOP whatever its kind."""
        if source is ObjectionSource.STOP:
            return self.stop
        match kind:
            case ObjectionKind.OBJECTION:
                return self.objection
            case ObjectionKind.ERASURE:
                return self.erasure
            case ObjectionKind.CONTEST:
                return self.contest
