"""Erasures of one number: from which datasets it was erased, and what they held before. Pure."""

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

Erasures = Mapping[uuid.UUID, datetime]
"""The datasets from which their holders erased a number (GDPR Art. 17), and when by the registry's clock."""

NO_ERASURES: Final[Erasures] = MappingProxyType({})

NOT_YET: Final = datetime.max.replace(tzinfo=UTC)
"""When an unsealed dataset takes over its parents' numbers: later than any erasure."""


def held_at(erasures: Erasures, dataset_id: uuid.UUID, moment: datetime) -> bool:
    """Whether a dataset that holds a number, or held it once, still held it at `moment`, as far as erasures go."""
    return dataset_id not in erasures or moment < erasures[dataset_id]
