"""Every table of the service. Only Alembic imports this module."""

from sqlmodel import SQLModel

import service.access.models
import service.campaign.models
import service.collection.models
import service.core.changes
import service.core.facts
import service.core.pending_tasks
import service.dataset.models
import service.disclosure.models
import service.job.models
import service.membership.models
import service.messaging.models
import service.number.models
import service.objection.models
import service.organisation.models
import service.release.models
import service.transfer.models
import service.usage.models
import service.verification.models
import service.webhook.models  # noqa: F401

metadata = SQLModel.metadata
