"""Which dataset holds which number."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


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
        sa.Column("keys", sa.LargeBinary(), nullable=False),
        sa.Column("consented_at", sa.LargeBinary(), nullable=True),
        sa.Column("record_ids", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["dataset_id"], ["dataset.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("dataset_id", "shard", "upload", "run"),
    )
    op.create_table(
        "membership_block",
        sa.Column("shard", sa.SmallInteger(), nullable=False),
        sa.Column("level", sa.SmallInteger(), nullable=False),
        sa.Column("bucket", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("dataset_id", sa.Uuid(), nullable=False),
        sa.Column("keys", sa.LargeBinary(), nullable=False),
        sa.Column("consented_at", sa.LargeBinary(), nullable=True),
        sa.Column("record_ids", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["dataset_id"], ["dataset.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("shard", "level", "bucket", "dataset_id"),
    )
    op.create_index("ix_membership_block_dataset_id_shard", "membership_block", ["dataset_id", "shard"], unique=False)
    # A lookup reads one page: blocks stay in their rows, and no compression makes random bytes smaller.
    for column in ("keys", "consented_at", "record_ids"):
        op.execute(f"ALTER TABLE membership_block ALTER COLUMN {column} SET STORAGE PLAIN")
        op.execute(f"ALTER TABLE staged_run ALTER COLUMN {column} SET STORAGE EXTERNAL")


def downgrade() -> None:
    op.drop_table("membership_block")
    op.drop_table("staged_run")
    op.drop_table("pseudonym_key")
