"""Campaigns, the datasets that they used, and their cancellations."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# The campaigns that are planned or were sent: neither corrected nor cancelled.
COUNTING_CAMPAIGN = """
CREATE VIEW counting_campaign AS
SELECT id, party_id, sender_id, began_at FROM campaign
WHERE NOT EXISTS (SELECT FROM campaign AS correction WHERE correction.corrects_id = campaign.id)
  AND NOT EXISTS (SELECT FROM campaign_cancellation WHERE campaign_id = campaign.id)
"""
# For packages that know no campaigns: the datasets that campaigns use, and when the first and the last began or
# will begin.
USED_DATASET = """
CREATE VIEW used_dataset AS
SELECT dataset_id, min(began_at) AS began_at, max(began_at) AS last_began_at
FROM campaign_dataset JOIN counting_campaign ON counting_campaign.id = campaign_id
GROUP BY dataset_id
"""


def upgrade() -> None:
    op.create_table(
        "campaign",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("asserted_by_id", sa.Uuid(), nullable=True),
        sa.Column("asserted_through_id", sa.Uuid(), nullable=True),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("party_id", sa.Uuid(), nullable=False),
        sa.Column("sender_id", sa.Uuid(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("originator", sa.Text(), nullable=False),
        sa.Column("message_text", sa.Text(), nullable=False),
        sa.Column("poll_name", sa.Text(), nullable=True),
        sa.Column("poll_on", sa.Date(), nullable=True),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("corrects_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["asserted_by_id"],
            ["organisation.id"],
        ),
        sa.ForeignKeyConstraint(
            ["asserted_through_id"],
            ["organisation.id"],
        ),
        sa.ForeignKeyConstraint(
            ["corrects_id"],
            ["campaign.id"],
        ),
        sa.ForeignKeyConstraint(
            ["party_id"],
            ["organisation.id"],
        ),
        sa.ForeignKeyConstraint(
            ["sender_id"],
            ["organisation.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("corrects_id"),
    )
    op.create_index(op.f("ix_campaign_asserted_by_id"), "campaign", ["asserted_by_id"], unique=False)
    op.create_index(op.f("ix_campaign_party_id"), "campaign", ["party_id"], unique=False)
    op.create_index(op.f("ix_campaign_sender_id"), "campaign", ["sender_id"], unique=False)
    op.create_table(
        "campaign_dataset",
        sa.Column("campaign_id", sa.Uuid(), nullable=False),
        sa.Column("dataset_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id"],
            ["campaign.id"],
        ),
        sa.ForeignKeyConstraint(
            ["dataset_id"],
            ["dataset.id"],
        ),
        sa.PrimaryKeyConstraint("campaign_id", "dataset_id"),
    )
    op.create_index(op.f("ix_campaign_dataset_dataset_id"), "campaign_dataset", ["dataset_id"], unique=False)
    op.create_table(
        "campaign_cancellation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("asserted_by_id", sa.Uuid(), nullable=True),
        sa.Column("asserted_through_id", sa.Uuid(), nullable=True),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("campaign_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["asserted_by_id"],
            ["organisation.id"],
        ),
        sa.ForeignKeyConstraint(
            ["asserted_through_id"],
            ["organisation.id"],
        ),
        sa.ForeignKeyConstraint(
            ["campaign_id"],
            ["campaign.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("campaign_id"),
    )
    op.create_index(
        op.f("ix_campaign_cancellation_asserted_by_id"), "campaign_cancellation", ["asserted_by_id"], unique=False
    )
    op.execute(COUNTING_CAMPAIGN)
    op.execute(USED_DATASET)


def downgrade() -> None:
    op.execute("DROP VIEW used_dataset")
    op.execute("DROP VIEW counting_campaign")
    op.drop_table("campaign_cancellation")
    op.drop_table("campaign_dataset")
    op.drop_table("campaign")
