"""What can be wrong with stored memberships, and where. Holds no keys and no numbers. Pure."""

import uuid
from enum import StrEnum
from typing import NamedTuple


class Violation(StrEnum):
    """An invariant that does not hold: some answer is wrong, or may become wrong."""

    NO_KEY_ID = "memberships without a record of the secret that they were made with"

    SEGMENT_MISSING = "a block of a segment that does not exist"
    SHARD = "the shard is not the leading bits of the lead"
    MERGED_FLAG = "the row is in the wrong partition: blocks of one dataset are kept apart from blocks of several"
    LEVEL = "the level is out of bounds"
    COARSE = "the block is coarser than its segment's level"
    LEAD = "the lead is outside the key space, or has bits below the level"
    KEYS_LENGTH = "the keys are empty, or end within a key"
    HOLDERS = "the list of holders is missing, superfluous or malformed"
    CONSENTS_LENGTH = "the consent times are not four bytes for each membership"
    RECORD_IDS_ENCRYPTION = "the record ids cannot be decrypted: encrypted for another place, or changed"
    RECORD_IDS = "the record ids are malformed"
    UNFITTED = "the row is larger than a page, though its block could be divided"
    ORDER = "the keys are not strictly ascending"
    RANGE = "keys outside the range of their block"
    PSEUDONYMS = "keys that are not the pseudonym of a number under this secret"
    OVERLAP = "blocks of one segment overlap"
    BEYOND_MERGE = "a block lies beyond the progress of its merge"

    PLACES = "the places of a segment's datasets are not 0, 1, 2, …"
    DATASET_MISSING = "a segment's dataset does not exist"
    COUNT = "the number of memberships in the blocks differs from the segment's count"
    DIGEST = "the memberships in the blocks differ from the segment's digest"
    MERGE = "the sources and datasets of a merge do not match"
    MERGED = "the merged blocks differ from what the sources hold in the same range"
    NOT_STORED = "a sealed uploaded dataset has no live segment"
    STORED_TWICE = "a dataset is in a live segment more than once"
    NOT_SEALED = "a live segment has a dataset that is not uploaded or not sealed"
    GREW = "a segment has more numbers of a dataset than were sealed"
    SHRANK = "a segment has fewer numbers than were sealed, of a dataset whose holder has no account and cannot erase"

    EXCLUSION_KEY = "an exclusion of a key that is not the pseudonym of a number under this secret"
    EXCLUSION_DATASET = "an exclusion of a dataset that does not exist"
    EXCLUSION_UNFOUNDED = "an exclusion of a dataset that did not hold the number"
    EXCLUSION_LEFT = "an exclusion of a number that has no stored copy"
    COPY_LEFT = "a stored copy of an erased number has no dependent"
    COPY_GONE = "a dataset holds a number whose stored copy is gone"

    COUNT_LEFT = "a count of what erasures left in a dataset differs from what it holds"
    COUNT_AT_SEALING = "a count of what was sealed is lower than what the dataset held then"

    RECOUNT_LOST = "the counts of a dataset are to be made again, and no task is recorded that makes them"
    CORRECTION = "the name, date or collection of a dataset is not what its latest correction says"
    STATEMENT = "a dataset that is not sealed is ended or withdrawn"
    COPY_KEPT = "a dataset whose stored copy was dropped still stores numbers"

    STAGED_AFTER_SEALING = "numbers are staged for a dataset that accepts none"
    STAGED_RUN = "a staged run cannot be decrypted, or does not hold the recorded number of its shard's keys"

    TASK_LATE = "a task that should be done has waited for more than an hour"
    WEBHOOK_WITHOUT_KEY = "a webhook in use belongs to a key that ended more than an hour ago"
    JOB_LOST = "a job is not finished, and no task is recorded that works on it"
    SEALING_LOST = "a dataset is being sealed, and no job does so"
    WORK_LEFT = "work that a worker left behind has not been started again"
    RELEASE_LATE = "a dataset has waited for the operator's release for more than five days"
    DELIVERIES_LATE = "deliveries to a webhook have been due for more than an hour without an attempt"


class Leftover(StrEnum):
    """What an interruption left behind. No answer depends on it, and the next run removes it."""

    LOADING = "an interrupted load"
    RETIRED = "a merged segment that is not dropped yet"


class Finding(NamedTuple):
    """A violation or leftover and its place, as far as it has one."""

    kind: Violation | Leftover
    segment_id: int | None = None
    dataset_id: uuid.UUID | None = None
    shard: int | None = None
    level: int | None = None
    lead: int | None = None
    task: str | None = None

    def __str__(self) -> str:
        names = ("segment", "dataset", "shard", "level", "lead", "task")
        place = [f"{name} {value}" for name, value in zip(names, self[1:], strict=True) if value is not None]
        return f"{self.kind} ({', '.join(place)})" if place else str(self.kind)

    @property
    def order(self) -> tuple[list[int], str, str]:
        """The sort key of findings: by segment, then in key order."""
        place = [-1 if value is None else value for value in (self.segment_id, self.shard, self.lead, self.level)]
        return place, f"{self.dataset_id} {self.task}", self.kind
