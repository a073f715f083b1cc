"""Tables of campaigns and of their cancellations."""

import uuid
from datetime import date, datetime

from sqlalchemy import Date, DateTime, Text
from sqlmodel import Field

from service.core.facts import Fact, GraphRow


class Campaign(Fact, table=True):
    """One message text, sent for one party in one period, from one originator."""

    __tablename__ = "campaign"

    party_id: uuid.UUID = Field(foreign_key="organisation.id", index=True)
    sender_id: uuid.UUID | None = Field(default=None, foreign_key="organisation.id", index=True)
    name: str = Field(sa_type=Text)
    originator: str = Field(sa_type=Text)
    message_text: str = Field(sa_type=Text)
    poll_name: str | None = Field(default=None, sa_type=Text)
    poll_on: date | None = Field(default=None, sa_type=Date)
    began_at: datetime = Field(sa_type=DateTime(timezone=True))
    ended_at: datetime = Field(sa_type=DateTime(timezone=True))
    corrects_id: uuid.UUID | None = Field(default=None, foreign_key="campaign.id", unique=True)


class CampaignCancellation(Fact, table=True):
    """The word of a campaign's party that it will not be sent or, if it had begun, that it was not."""

    __tablename__ = "campaign_cancellation"

    campaign_id: uuid.UUID = Field(foreign_key="campaign.id", unique=True)
    reason: str = Field(sa_type=Text)


class CampaignDataset(GraphRow, table=True):
    """A dataset to whose numbers a campaign was sent."""

    __tablename__ = "campaign_dataset"

    campaign_id: uuid.UUID = Field(foreign_key="campaign.id", primary_key=True)
    dataset_id: uuid.UUID = Field(foreign_key="dataset.id", primary_key=True, index=True)
