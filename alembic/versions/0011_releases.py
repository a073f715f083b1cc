"""Releases: from when on the numbers of an upload count for their holders, as the operator decides."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

# The datasets whose numbers come from nobody with an account here: collected, or received by their holder's word alone.
FIRST_UPLOAD = """
CREATE VIEW first_upload AS
SELECT id AS dataset_id FROM dataset WHERE collection_id IS NOT NULL
UNION ALL
SELECT received_dataset_id FROM transfer WHERE asserted_by_id IS DISTINCT FROM sender_id
UNION ALL
SELECT received_dataset_id FROM retracted_transfer WHERE asserted_by_id = sender_id
"""
# The latest act of the operator released what the dataset holds. A file that became its content later was not there,
# and neither was a collection that was stated later.
RELEASED_DATASET = """
CREATE VIEW released_dataset AS
SELECT dataset.id AS dataset_id
FROM dataset CROSS JOIN LATERAL (
    SELECT recorded_at, withdrawn FROM dataset_release AS act
    WHERE act.dataset_id = dataset.id
    ORDER BY recorded_at DESC, id DESC
    LIMIT 1) AS latest
WHERE NOT latest.withdrawn AND latest.recorded_at >= greatest(dataset.sealed_at, collection_stated_at)
"""
# What needs a release and has none: all numbers of a first upload, and the orphans of any other dataset. The operator's
# list leaves out a file that its asserter hands on for a holder without account: what was received from it is judged.
# `organisation_id` is whose standing release covers it. The operator has five days: `CHECK_PERIOD` in
# release/operations.py, which a relay's deadline is counted with.
UNRELEASED_DATASET = """
CREATE VIEW unreleased_dataset AS
SELECT dataset.id AS dataset_id, holder_id, sealed_at,
       greatest(sealed_at, collection_stated_at) + interval '5 days' AS due_at,
       CASE WHEN admitted_at IS NULL THEN dataset.asserted_by_id ELSE holder_id END AS organisation_id,
       CASE WHEN first_upload.dataset_id IS NULL THEN orphan_count ELSE number_count END AS number_count,
       admitted_at IS NOT NULL OR NOT EXISTS (SELECT FROM transfer WHERE transfer.dataset_id = dataset.id) AS is_listed
FROM held_dataset
JOIN dataset ON dataset.id = held_dataset.dataset_id
JOIN organisation AS holder ON holder.id = holder_id
LEFT JOIN first_upload ON first_upload.dataset_id = dataset.id
WHERE (first_upload.dataset_id IS NOT NULL OR orphan_count > 0)
  AND NOT EXISTS (SELECT FROM ended_holding WHERE ended_holding.dataset_id = dataset.id)
  AND NOT EXISTS (SELECT FROM withdrawn_dataset WHERE withdrawn_dataset.dataset_id = dataset.id)
  AND NOT EXISTS (SELECT FROM released_dataset WHERE released_dataset.dataset_id = dataset.id)
"""
# The files that the operator should have released by now, or refused.
OVERDUE_RELEASE = """
CREATE VIEW overdue_release AS
SELECT dataset_id, due_at FROM unreleased_dataset WHERE is_listed AND due_at < now()
"""
VIEWS = {
    "first_upload": FIRST_UPLOAD,
    "released_dataset": RELEASED_DATASET,
    "unreleased_dataset": UNRELEASED_DATASET,
    "overdue_release": OVERDUE_RELEASE,
}


def upgrade() -> None:
    op.create_table(
        "standing_release",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("up_to_count", sa.BigInteger(), nullable=False),
        sa.Column("operator_id", sa.Uuid(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["operator_id"], ["organisation.id"]),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_standing_release_organisation_id", "standing_release", ["organisation_id"], unique=False)
    op.create_table(
        "dataset_release",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("dataset_id", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn", sa.Boolean(), nullable=False),
        sa.Column("operator_id", sa.Uuid(), nullable=False),
        sa.Column("standing_id", sa.Uuid(), nullable=True),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["dataset_id"], ["dataset.id"]),
        sa.ForeignKeyConstraint(["operator_id"], ["organisation.id"]),
        sa.ForeignKeyConstraint(["standing_id"], ["standing_release.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_dataset_release_dataset_id", "dataset_release", ["dataset_id"], unique=False)
    op.create_table(
        "number_block_fill",
        sa.Column("dataset_id", sa.Uuid(), nullable=False),
        sa.Column("block_counts", sa.ARRAY(sa.BigInteger()), nullable=False),
        sa.ForeignKeyConstraint(["dataset_id"], ["dataset.id"]),
        sa.PrimaryKeyConstraint("dataset_id"),
    )
    op.create_table(
        "organisation_block_fill",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("block_counts", sa.ARRAY(sa.BigInteger()), nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"]),
        sa.PrimaryKeyConstraint("organisation_id"),
    )
    for view in VIEWS.values():
        op.execute(view)


def downgrade() -> None:
    for name in reversed(VIEWS):
        op.execute(f"DROP VIEW {name}")
    op.drop_table("organisation_block_fill")
    op.drop_table("number_block_fill")
    op.drop_table("dataset_release")
    op.drop_table("standing_release")
