"""Counts: how many numbers of a dataset came from where, and what erasures left of them. Sight follows them."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

# What a cut concerns: datasets whose own transfer is void, or that were withdrawn, and all whose counts name one.
DATASET_BELOW_CUT = """
CREATE VIEW dataset_below_cut AS
WITH cut AS (
    SELECT received_dataset_id AS dataset_id FROM void_transfer UNION ALL SELECT dataset_id FROM withdrawn_dataset)
SELECT dataset_id FROM cut
UNION
SELECT counted.dataset_id FROM cut JOIN ancestor_count AS counted ON ancestor_id = cut.dataset_id
"""
# The ancestors that at least one number left in a dataset below a cut came from, by a path that none cuts. Nothing
# comes from a withdrawn dataset, nor by a transfer that is void. Paths are walked step by step: a join would read all
# counts, though there are next to no such datasets.
CAME_FROM_BELOW_CUT = """
CREATE VIEW came_from_below_cut AS
WITH RECURSIVE cut AS (
    SELECT received_dataset_id AS dataset_id FROM void_transfer UNION ALL SELECT dataset_id FROM withdrawn_dataset),
path AS (
    SELECT counted.dataset_id, counted.dataset_id AS ancestor_id
    FROM cut JOIN ancestor_count AS counted ON ancestor_id = cut.dataset_id
    WHERE counted.dataset_id NOT IN (SELECT dataset_id FROM withdrawn_dataset)
    UNION
    SELECT path.dataset_id, edge.parent_id
    FROM path CROSS JOIN LATERAL (
        SELECT parent_id, transfer_id FROM dataset_parent WHERE dataset_id = path.ancestor_id OFFSET 0) AS edge
    WHERE (SELECT count_left FROM ancestor_count AS counted
           WHERE counted.dataset_id = path.dataset_id AND counted.ancestor_id = edge.parent_id) > 0
      AND NOT EXISTS (SELECT FROM void_transfer WHERE void_transfer.transfer_id = edge.transfer_id)
      AND NOT EXISTS (SELECT FROM withdrawn_dataset WHERE withdrawn_dataset.dataset_id = edge.parent_id))
SELECT dataset_id, ancestor_id FROM path WHERE dataset_id <> ancestor_id
"""
# What an organisation sees: what counts as held by it, and upstream what at least one number of it came from
# (`service.access.visibility.visible_to` says the same in memory). A dataset may be in it more than once. Read it for a
# given dataset: the indexes on counts then find the answer at once.
SEEN_DATASET = """
CREATE VIEW seen_dataset AS
SELECT organisation_id, dataset_id FROM holder_of_record
UNION ALL
SELECT holder_id, ancestor_id FROM ancestor_count
WHERE count_left > 0 AND dataset_id NOT IN (SELECT dataset_id FROM dataset_below_cut)
UNION ALL
SELECT counted.asserted_by_id, ancestor_id
FROM ancestor_count AS counted JOIN organisation AS holder ON holder.id = holder_id
WHERE count_left > 0 AND counted.asserted_by_id <> holder_id AND admitted_at IS NULL
  AND dataset_id NOT IN (SELECT dataset_id FROM dataset_below_cut)
UNION ALL
SELECT organisation_id, ancestor_id
FROM holder_of_record JOIN came_from_below_cut ON came_from_below_cut.dataset_id = holder_of_record.dataset_id
"""
# The same for all that an organisation sees, each dataset once, or for the page of `wanted` datasets after an id, of
# which it may say more than are wanted. It goes from each ancestor to the next in the index, and so reads a count for
# each ancestor instead of one for each dataset and ancestor.
DATASETS_SEEN_BY = """
CREATE FUNCTION datasets_seen_by(
    viewer uuid, after uuid DEFAULT '00000000-0000-0000-0000-000000000000', wanted bigint DEFAULT NULL)
RETURNS SETOF uuid LANGUAGE sql STABLE AS $$
WITH RECURSIVE below AS MATERIALIZED (SELECT dataset_id FROM dataset_below_cut),
own_ancestor (id) AS (
    (SELECT ancestor_id FROM ancestor_count
     WHERE holder_id = viewer AND count_left > 0 AND ancestor_id > after
       AND dataset_id NOT IN (SELECT dataset_id FROM below)
     ORDER BY ancestor_id LIMIT 1)
    UNION ALL
    SELECT (SELECT ancestor_id FROM ancestor_count
            WHERE holder_id = viewer AND count_left > 0 AND ancestor_id > own_ancestor.id
              AND dataset_id NOT IN (SELECT dataset_id FROM below)
            ORDER BY ancestor_id LIMIT 1)
    FROM own_ancestor WHERE id IS NOT NULL)
(SELECT dataset_id FROM holder_of_record WHERE organisation_id = viewer AND dataset_id > after
 ORDER BY dataset_id LIMIT wanted)
UNION
(SELECT id FROM own_ancestor WHERE id IS NOT NULL LIMIT wanted)
UNION
SELECT ancestor_id
FROM ancestor_count AS counted JOIN organisation AS holder ON holder.id = holder_id
WHERE counted.asserted_by_id = viewer AND counted.asserted_by_id <> holder_id AND count_left > 0
  AND admitted_at IS NULL AND ancestor_id > after AND dataset_id NOT IN (SELECT dataset_id FROM below)
UNION
SELECT ancestor_id
FROM holder_of_record JOIN came_from_below_cut ON came_from_below_cut.dataset_id = holder_of_record.dataset_id
WHERE organisation_id = viewer
$$
"""
# The holder and the asserter of a dataset never change. Beside its counts they make these findable by who sees them.
NAME_HOLDER = """
CREATE FUNCTION name_holder_of_count() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT holder_id, asserted_by_id INTO NEW.holder_id, NEW.asserted_by_id FROM dataset WHERE id = NEW.dataset_id;
    RETURN NEW;
END $$
"""
VIEWS = {
    "dataset_below_cut": DATASET_BELOW_CUT,
    "came_from_below_cut": CAME_FROM_BELOW_CUT,
    "seen_dataset": SEEN_DATASET,
}


def upgrade() -> None:
    op.create_table(
        "ancestor_count",
        sa.Column("dataset_id", sa.Uuid(), nullable=False),
        sa.Column("ancestor_id", sa.Uuid(), nullable=False),
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("asserted_by_id", sa.Uuid(), nullable=True),
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
    op.create_index(
        "ix_ancestor_count_seen",
        "ancestor_count",
        ["holder_id", "ancestor_id"],
        unique=False,
        postgresql_where=sa.text("count_left > 0"),
    )
    op.create_index(
        "ix_ancestor_count_spoken_for",
        "ancestor_count",
        ["asserted_by_id", "ancestor_id"],
        unique=False,
        postgresql_where=sa.text("count_left > 0 AND asserted_by_id <> holder_id"),
    )
    op.execute(NAME_HOLDER)
    op.execute(
        "CREATE TRIGGER name_holder BEFORE INSERT ON ancestor_count "
        "FOR EACH ROW EXECUTE FUNCTION name_holder_of_count()"
    )
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
    op.execute(DATASETS_SEEN_BY)


def downgrade() -> None:
    op.execute("DROP FUNCTION datasets_seen_by(uuid, uuid, bigint)")
    for name in reversed(VIEWS):
        op.execute(f"DROP VIEW {name}")
    op.drop_table("loss")
    op.drop_table("notice_count")
    op.drop_table("ancestor_count")
    op.execute("DROP FUNCTION name_holder_of_count()")
