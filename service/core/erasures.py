"""From which datasets a number was erased, and what they had until then. Pure."""

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

Erasures = Mapping[uuid.UUID, datetime]
"""The datasets from which their holders erased a number, and when (GDPR Art. 17), by the registry's clock."""

NO_ERASURES: Final[Erasures] = MappingProxyType({})

NOT_YET: Final = datetime.max.replace(tzinfo=UTC)
"""When a dataset took over what its parents had, as long as it is not sealed."""


def held_at(ended: Erasures, dataset_id: uuid.UUID, moment: datetime) -> bool:
    """Whether a dataset that holds a number, or did, had it at that moment, as far as erasure goes."""
    return dataset_id not in ended or moment < ended[dataset_id]
