"""Counts: how many numbers of a dataset came from where, and what erasures left of them. Sight follows them."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

# Datasets whose own transfer is denied, or that are below such a dataset. The API refuses to deny what was passed on,
# so that there are none of the second kind.
DATASET_BELOW_DENIAL = """
CREATE VIEW dataset_below_denial AS
SELECT received_dataset_id AS dataset_id FROM denied_transfer
UNION
SELECT dataset_id FROM denied_transfer JOIN ancestor_count ON ancestor_id = received_dataset_id
"""
# The ancestors that at least one number left in a dataset came from, by a path that no denial cuts. Counts say it for
# all datasets but those below a denial, for which the paths are walked.
CAME_FROM = """
CREATE VIEW came_from AS
SELECT dataset_id, ancestor_id
FROM ancestor_count
WHERE count_left > 0 AND dataset_id NOT IN (SELECT dataset_id FROM dataset_below_denial)
UNION ALL
(WITH RECURSIVE path AS (
    SELECT dataset_id, dataset_id AS ancestor_id FROM dataset_below_denial
    UNION
    SELECT path.dataset_id, edge.parent_id
    FROM path
    JOIN dataset_parent AS edge ON edge.dataset_id = path.ancestor_id
    JOIN ancestor_count AS counted ON counted.dataset_id = path.dataset_id AND counted.ancestor_id = edge.parent_id
    WHERE count_left > 0
      AND NOT EXISTS (SELECT FROM denied_transfer WHERE denied_transfer.transfer_id = edge.transfer_id))
SELECT dataset_id, ancestor_id FROM path WHERE dataset_id <> ancestor_id)
"""
# What an organisation sees: what counts as held by it, and upstream what at least one number of it came from
# (`service.access.visibility.visible_to` says the same in memory). A dataset may be in it more than once.
SEEN_DATASET = """
CREATE VIEW seen_dataset AS
SELECT organisation_id, dataset_id FROM holder_of_record
UNION ALL
SELECT organisation_id, ancestor_id
FROM holder_of_record JOIN came_from ON came_from.dataset_id = holder_of_record.dataset_id
"""
VIEWS = {
    "dataset_below_denial": DATASET_BELOW_DENIAL,
    "came_from": CAME_FROM,
    "seen_dataset": SEEN_DATASET,
}


def upgrade() -> None:
    op.create_table(
        "ancestor_count",
        sa.Column("dataset_id", sa.Uuid(), nullable=False),
        sa.Column("ancestor_id", sa.Uuid(), nullable=False),
        sa.Column("count_at_sealing", sa.BigInteger(), nullable=False),
        sa.Column("count_left", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("count_left BETWEEN 0 AND count_at_sealing", name="ck_ancestor_count_left"),
        sa.ForeignKeyConstraint(
            ["ancestor_id"],
            ["dataset.id"],
        ),
        sa.ForeignKeyConstraint(
            ["dataset_id"],
            ["dataset.id"],
        ),
        sa.PrimaryKeyConstraint("dataset_id", "ancestor_id"),
    )
    op.create_index(op.f("ix_ancestor_count_ancestor_id"), "ancestor_count", ["ancestor_id"], unique=False)
    op.create_table(
        "notice_count",
        sa.Column("dataset_id", sa.Uuid(), nullable=False),
        sa.Column("notice_id", sa.Uuid(), nullable=False),
        sa.Column("count_at_sealing", sa.BigInteger(), nullable=False),
        sa.Column("count_left", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("count_left BETWEEN 0 AND count_at_sealing", name="ck_notice_count_left"),
        sa.ForeignKeyConstraint(
            ["dataset_id"],
            ["dataset.id"],
        ),
        sa.ForeignKeyConstraint(
            ["notice_id"],
            ["notice.id"],
        ),
        sa.PrimaryKeyConstraint("dataset_id", "notice_id"),
    )
    op.create_table(
        "loss",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("dataset_id", sa.Uuid(), nullable=False),
        sa.Column("stored_in", sa.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("erased_from", sa.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("erased_at", sa.ARRAY(sa.DateTime(timezone=True)), nullable=False),
        sa.ForeignKeyConstraint(
            ["dataset_id"],
            ["dataset.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_loss_dataset_id"), "loss", ["dataset_id"], unique=False)
    for view in VIEWS.values():
        op.execute(view)


def downgrade() -> None:
    for name in reversed(VIEWS):
        op.execute(f"DROP VIEW {name}")
    op.drop_table("loss")
    op.drop_table("notice_count")
    op.drop_table("ancestor_count")
