"""Which dataset holds which number."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

PARTITIONS = {"membership_block_own": "false", "membership_block_merged": "true"}


def upgrade() -> None:
    op.create_table(
        "pseudonym_key",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "staged_run",
        sa.Column("dataset_id", sa.Uuid(), nullable=False),
        sa.Column("shard", sa.SmallInteger(), nullable=False),
        sa.Column("upload", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("number_count", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["dataset_id"], ["dataset.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("dataset_id", "shard", "upload", "run"),
    )
    op.create_table(
        "membership_segment",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("level", sa.SmallInteger(), nullable=True),
        sa.Column("merged_into", sa.Integer(), nullable=True),
        sa.Column("next_lead", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state IN ('loading', 'live', 'merging', 'retired')", name="ck_membership_segment_state"),
        sa.ForeignKeyConstraint(["merged_into"], ["membership_segment.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_membership_segment_merged_into", "membership_segment", ["merged_into"], unique=False)
    op.create_table(
        "segment_member",
        sa.Column("segment_id", sa.Integer(), nullable=False),
        sa.Column("place", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("dataset_id", sa.Uuid(), nullable=False),
        sa.Column("number_count", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["dataset_id"], ["dataset.id"]),
        sa.ForeignKeyConstraint(["segment_id"], ["membership_segment.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("segment_id", "place"),
    )
    op.create_index("ix_segment_member_dataset_id", "segment_member", ["dataset_id"], unique=False)
    op.create_table(
        "membership_block",
        sa.Column("shard", sa.SmallInteger(), nullable=False),
        sa.Column("level", sa.SmallInteger(), nullable=False),
        sa.Column("lead", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("segment_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("merged", sa.Boolean(), nullable=False),
        sa.Column("keys", sa.LargeBinary(), nullable=False),
        sa.Column("holders", sa.LargeBinary(), nullable=True),
        sa.Column("consented_at", sa.LargeBinary(), nullable=True),
        sa.Column("record_ids", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("shard", "level", "lead", "segment_id", "merged"),
        postgresql_partition_by="LIST (merged)",
    )
    for partition, merged in PARTITIONS.items():
        op.execute(f"CREATE TABLE {partition} PARTITION OF membership_block FOR VALUES IN ({merged})")
    op.create_index("ix_membership_block_segment_id_lead", "membership_block", ["segment_id", "lead"], unique=False)
    # A lookup reads one page, so whatever fits a page stays in its row. Only the block of a number that thousands of
    # datasets hold may be larger. Random bytes do not compress.
    for partition in PARTITIONS:
        op.execute(f"ALTER TABLE {partition} SET (toast_tuple_target = 8160)")
        for column in ("keys", "holders", "consented_at", "record_ids"):
            op.execute(f"ALTER TABLE {partition} ALTER COLUMN {column} SET STORAGE EXTERNAL")
    op.execute("ALTER TABLE staged_run SET (toast_tuple_target = 8160)")
    op.execute("ALTER TABLE staged_run ALTER COLUMN content SET STORAGE EXTERNAL")

    op.create_table(
        "exclusion",
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("dataset_id", sa.Uuid(), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["dataset_id"],
            ["dataset.id"],
        ),
        sa.PrimaryKeyConstraint("key", "dataset_id"),
    )
    op.create_index(op.f("ix_exclusion_dataset_id"), "exclusion", ["dataset_id"], unique=False)


def downgrade() -> None:
    op.drop_table("exclusion")
    op.drop_table("membership_block")
    op.drop_table("segment_member")
    op.drop_table("membership_segment")
    op.drop_table("staged_run")
    op.drop_table("pseudonym_key")
