"""Recording the objections that an organisation reports in one call, up to a thousand, in short transactions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Final

import numpy as np
from fastapi import Depends, Request
from procrastinate import App

from service.access.actor import Actor
from service.core.db import Database
from service.core.resources import resources_of
from service.core.settings import Settings
from service.core.vocabulary import UsageKind
from service.number.keyring import KeyRing, split_keys
from service.number.normalisation import normalise_number
from service.number.rejection import NumberRejected
from service.number.request_number import unknown_region
from service.objection.create import NewObjection, begin_recording, record_objections
from service.objection.current_holders import NumberHolders, holders_of_keys
from service.objection.schemas import ReportOutcome, ReportResult, ReportResults
from service.provenance.snapshot import Snapshots
from service.usage.quotas import reserve, settle

Report = ReportOutcome | NewObjection
"""What to record of a reported number, or the outcome if nothing is to be recorded."""

# As long as a transaction lasts, the owners of its numbers wait with their own objections: some tens of milliseconds.
BATCH: Final = 25


@dataclass(frozen=True, slots=True)
class Reporting:
    """What recording needs of the service."""

    database: Database
    snapshots: Snapshots
    ring: KeyRing
    queue: App
    settings: Settings

    async def record(
        self, actor: Actor, reported: Sequence[int | ReportOutcome], report: Callable[[int, NumberHolders], Report]
    ) -> ReportResults:
        """Record what `report` makes of each reported number, given its place and holders. The results keep the order.

        A part may stay recorded although a later one fails. Repeated, the call finds it `already_recorded`.

        Raises:
            TooManyRequests: with all of the numbers, the caller would record more today than it may.
        """
        results = {
            place: ReportResult(outcome=it) for place, it in enumerate(reported) if isinstance(it, ReportOutcome)
        }
        numbers = [(place, number) for place, number in enumerate(reported) if not isinstance(number, ReportOutcome)]
        kind = UsageKind.OBJECTIONS
        # All of the call is reserved before its first part is recorded, so that a call over the limit records nothing.
        async with self.database.step() as session:
            # Numbers that come to nothing cost as much, and say who is held.
            await reserve(session, self.settings, actor.organisation_id, UsageKind.REPORTS, len(numbers))
            day = await reserve(session, self.settings, actor.organisation_id, kind, len(numbers))
        for at in range(0, len(numbers), BATCH):
            results |= await self._record_batch(numbers[at : at + BATCH], report)
        recorded = sum(result.outcome is ReportOutcome.RECORDED for result in results.values())
        async with self.database.step() as session:
            unused = len(numbers) - recorded
            await settle(session, self.settings, actor.organisation_id, kind, day, unused)
        return ReportResults(results=[results[place] for place in range(len(reported))])

    async def _record_batch(
        self, numbers: Sequence[tuple[int, int]], report: Callable[[int, NumberHolders], Report]
    ) -> dict[int, ReportResult]:
        await self.snapshots.load()
        results: dict[int, ReportResult] = {}
        wanted: dict[int, tuple[NumberHolders, NewObjection]] = {}
        keys = split_keys(self.ring.pseudonyms(np.array([number for _, number in numbers], np.int64)))
        async with self.database.step() as session:
            await begin_recording(session, self.ring, keys)
            holders = await holders_of_keys(self.snapshots, keys)
            for (place, _), key in zip(numbers, keys, strict=True):
                made = report(place, holders[key])
                if isinstance(made, ReportOutcome):
                    results[place] = ReportResult(outcome=made)
                else:
                    wanted[place] = holders[key], made
            recorded = await record_objections(session, self.queue, self.ring, list(wanted.values()))
            for place, it in zip(wanted, recorded, strict=True):
                outcome = ReportOutcome.RECORDED if it.is_new else ReportOutcome.ALREADY_RECORDED
                results[place] = ReportResult(outcome=outcome, objection_id=it.objection.id)
        return results


def read_number(text: str, region: str) -> int | ReportOutcome:
    """A number in any usual spelling, or that it is unreadable.

    Raises:
        Unprocessable: the region is unknown.
    """
    try:
        return normalise_number(text, region)
    except NumberRejected:
        return ReportOutcome.UNREADABLE
    except ValueError:
        raise unknown_region() from None


def _reporting(request: Request) -> Reporting:
    resources = resources_of(request)
    return Reporting(
        resources.get(Database),
        resources.get(Snapshots),
        resources.get(KeyRing),
        resources.get(App),
        resources.get(Settings),
    )


ReportingDep = Annotated[Reporting, Depends(_reporting)]
