"""Every table, imported for Alembic only."""

from sqlmodel import SQLModel

import service.access.models
import service.campaign.models
import service.collection.models
import service.core.facts
import service.dataset.models
import service.job.models
import service.membership.models
import service.organisation.models
import service.transfer.models  # noqa: F401

metadata = SQLModel.metadata
