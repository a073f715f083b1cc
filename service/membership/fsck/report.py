"""What can be wrong with stored memberships, and where. Never a key, a number or a pseudonym. Pure."""

import uuid
from enum import StrEnum
from typing import NamedTuple


class Violation(StrEnum):
    """A stored invariant that does not hold: some answer is wrong, or may become so."""

    NO_KEY_ID = "memberships without a record of the secret that they were made under"

    SEGMENT_MISSING = "a block of a segment that does not exist"
    SHARD = "the shard is not the leading bits of the lead"
    MERGED_FLAG = "the row is kept with blocks of the other kind: those of one dataset, or of several"
    LEVEL = "the level is outside its bounds"
    COARSE = "the block is coarser than its segment's level"
    LEAD = "the lead is outside the key space, or has bits below the level"
    KEYS_LENGTH = "the keys are empty, or end within a key"
    HOLDERS = "the list of holders is missing, needless or malformed"
    CONSENTS_LENGTH = "the consent times are not four bytes for each membership"
    RECORD_IDS_SEAL = "the record ids do not open: sealed for another place, or changed"
    RECORD_IDS = "the record ids are malformed"
    UNFITTED = "the row is larger than a page, though it could be cut"
    ORDER = "the keys are not strictly ascending"
    RANGE = "keys outside the range of their block"
    PSEUDONYMS = "keys that are nobody's number under this secret"
    OVERLAP = "blocks of one segment overlap"
    BEYOND_MERGE = "a block beyond the progress of its merge"

    PLACES = "the places of a segment's datasets are not 0, 1, 2, …"
    DATASET_MISSING = "a segment's dataset does not exist"
    COUNT = "the blocks hold another number of memberships than the segment says"
    DIGEST = "the blocks hold other memberships than the segment says"
    MERGE = "the sources and datasets of a merge do not fit together"
    MERGED = "what is merged so far is not what its sources hold there"
    NOT_STORED = "a sealed dataset that was uploaded has no live segment"
    STORED_TWICE = "a dataset is in a live segment more than once"
    NOT_SEALED = "a live segment has a dataset that was not uploaded and sealed"
    GREW = "a segment has more numbers of a dataset than were sealed"

    EXCLUSION_KEY = "an exclusion of what is nobody's number under this secret"
    EXCLUSION_DATASET = "an exclusion of a dataset that does not exist"
    EXCLUSION_UNFOUNDED = "an exclusion of a dataset that did not hold the number"
    EXCLUSION_LEFT = "an exclusion of a number of which no copy is left"
    COPY_LEFT = "a stored copy of an erased number that nobody draws on any more"

    STAGED_AFTER_SEALING = "numbers are staged for a dataset that takes none"
    STAGED_KEYS = "staged keys are empty, end within a key, or are of another shard"
    STAGED_COLUMNS = "the columns of a staged run do not fit its keys"


class Leftover(StrEnum):
    """What an interruption left behind. No answer depends on it, and whoever comes next does away with it."""

    LOADING = "an interrupted load"
    RETIRED = "a segment that was merged and is not dropped yet"


class Finding(NamedTuple):
    """One thing found, and where: as much of its place as there is."""

    what: Violation | Leftover
    segment_id: int | None = None
    dataset_id: uuid.UUID | None = None
    shard: int | None = None
    level: int | None = None
    lead: int | None = None

    def __str__(self) -> str:
        names = ("segment", "dataset", "shard", "level", "lead")
        place = [f"{name} {value}" for name, value in zip(names, self[1:], strict=True) if value is not None]
        return f"{self.what} ({', '.join(place)})" if place else str(self.what)

    @property
    def order(self) -> tuple[list[int], str, str]:
        """By which findings are listed: segment by segment, in key order."""
        place = [-1 if value is None else value for value in (self.segment_id, self.shard, self.lead, self.level)]
        return place, str(self.dataset_id), self.what
