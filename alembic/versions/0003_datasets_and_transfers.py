"""Datasets with their parts and counts, transfers with both sides' statements, and views of what follows from them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# What counts of the statements of a transfer (`service.transfer.status` says the same of statements in memory). Its
# registrant may have retracted all that it stated. Of each side its own word counts, or else what another stated in its
# place.
TRANSFER_STATUS = """
CREATE VIEW transfer_status AS
SELECT transfer.id AS transfer_id, received_dataset_id,
       CASE WHEN recipient.status IN ('declared', 'acknowledged', 'confirmed', 'disputed') THEN recipient.status
            WHEN registrant.status IS DISTINCT FROM 'retracted'
                OR sender.status IN ('declared', 'acknowledged', 'confirmed', 'disputed')
                THEN coalesce(recipient.status, 'declared')
            ELSE 'retracted' END AS status
FROM transfer
LEFT JOIN LATERAL (
    SELECT status
    FROM transfer_statement AS statement
    WHERE statement.transfer_id = transfer.id AND statement.asserted_by_id = transfer.asserted_by_id
    ORDER BY recorded_at DESC, id DESC
    LIMIT 1) AS registrant ON true
LEFT JOIN LATERAL (
    SELECT status
    FROM transfer_statement AS statement
    WHERE statement.transfer_id = transfer.id AND side = 'recipient'
      AND (registrant.status IS DISTINCT FROM 'retracted' OR statement.asserted_by_id <> transfer.asserted_by_id)
    ORDER BY statement.asserted_by_id = recipient_id DESC, recorded_at DESC, id DESC
    LIMIT 1) AS recipient ON true
LEFT JOIN LATERAL (
    SELECT status
    FROM transfer_statement AS statement
    WHERE statement.transfer_id = transfer.id AND side = 'sender'
      AND (registrant.status IS DISTINCT FROM 'retracted' OR statement.asserted_by_id <> transfer.asserted_by_id)
    ORDER BY statement.asserted_by_id = sender_id DESC, recorded_at DESC, id DESC
    LIMIT 1) AS sender ON true
"""
# Transfers that give their recipient neither a holding nor a view of anything upstream.
# Denials and retractions are few, so that an index of their own finds them, and not the states of all transfers.
VOID_TRANSFER = """
CREATE VIEW void_transfer AS
SELECT transfer.id AS transfer_id, received_dataset_id
FROM transfer_statement AS doubt JOIN transfer ON transfer.id = doubt.transfer_id
WHERE doubt.status IN ('denied', 'retracted') AND NOT EXISTS (
    SELECT FROM transfer_statement AS later
    WHERE later.transfer_id = doubt.transfer_id AND later.status IN ('denied', 'retracted')
      AND (later.recorded_at, later.id) > (doubt.recorded_at, doubt.id))
  AND (SELECT status FROM transfer_status WHERE transfer_id = doubt.transfer_id) IN ('denied', 'retracted')
"""
# Transfers whose registrant retracted what it stated of them. They rest on the other side's word, or are void.
RETRACTED_TRANSFER = """
CREATE VIEW retracted_transfer AS
SELECT transfer.id AS transfer_id, received_dataset_id, transfer.asserted_by_id, sender_id
FROM transfer_statement AS retraction JOIN transfer ON transfer.id = retraction.transfer_id
WHERE retraction.status = 'retracted' AND retraction.asserted_by_id = transfer.asserted_by_id AND NOT EXISTS (
    SELECT FROM transfer_statement AS later
    WHERE later.transfer_id = retraction.transfer_id AND later.asserted_by_id = retraction.asserted_by_id
      AND (later.recorded_at, later.id) > (retraction.recorded_at, retraction.id))
"""
# When a dataset took over the numbers of its parents: when its transfer was recorded, or else when it was sealed. A
# recipient's own file is sealed later, but compared with what was transferred. A transfer that was void and counts
# again brings what the sender's dataset still holds by then. Null until the dataset is sealed.
DATASET_MADE_AT = """
CREATE VIEW dataset_made_at AS
SELECT dataset.id AS dataset_id,
       CASE WHEN transfer.id IS NULL THEN sealed_at
            WHEN content = 'shared' THEN coalesce(taken_over_at, dataset.recorded_at)
            ELSE dataset.recorded_at END AS made_at,
       CASE WHEN transfer.id IS NULL THEN sealed_at ELSE dataset.recorded_at END AS first_made_at
FROM dataset LEFT JOIN transfer ON transfer.received_dataset_id = dataset.id
"""
# Datasets that their holder no longer has, since when it says so, and when it was recorded. Ends and withdrawals are
# few, so that indexes of their own find them (`service.dataset.standing` says the same in memory).
ENDED_HOLDING = """
CREATE VIEW ended_holding AS
SELECT dataset_id, occurred_at AS ended_at, end_reason, recorded_at
FROM dataset_statement AS ending
WHERE kind = 'ended' AND NOT EXISTS (
    SELECT FROM dataset_statement AS later
    WHERE later.dataset_id = ending.dataset_id AND later.kind IN ('ended', 'end_taken_back')
      AND (later.recorded_at, later.id) > (ending.recorded_at, ending.id))
"""
# Datasets that were never so, as their holder says. No path of numbers leads through them, except for their persons and
# the authority.
WITHDRAWN_DATASET = """
CREATE VIEW withdrawn_dataset AS
SELECT dataset_id, recorded_at
FROM dataset_statement AS withdrawal
WHERE kind = 'withdrawn' AND NOT EXISTS (
    SELECT FROM dataset_statement AS later
    WHERE later.dataset_id = withdrawal.dataset_id AND later.kind IN ('withdrawn', 'withdrawal_taken_back')
      AND (later.recorded_at, later.id) > (withdrawal.recorded_at, withdrawal.id))
"""
# Datasets that count as holdings: sealed, and not delivered by a transfer that is void.
HELD_DATASET = """
CREATE VIEW held_dataset AS
SELECT id AS dataset_id
FROM dataset
WHERE state = 'sealed' AND NOT EXISTS (SELECT FROM void_transfer WHERE received_dataset_id = dataset.id)
"""
# By whom a dataset counts as held: its holder and, if that has no account, the organisation that asserts the dataset
# (`service.access.visibility.holders_of_record` says the same in memory).
HOLDER_OF_RECORD = """
CREATE VIEW holder_of_record AS
SELECT id AS dataset_id, holder_id AS organisation_id
FROM dataset
WHERE NOT EXISTS (SELECT FROM void_transfer WHERE received_dataset_id = dataset.id)
UNION ALL
SELECT dataset.id, dataset.asserted_by_id
FROM dataset JOIN organisation AS holder ON holder.id = holder_id
WHERE admitted_at IS NULL AND dataset.asserted_by_id <> holder_id
  AND NOT EXISTS (SELECT FROM void_transfer WHERE received_dataset_id = dataset.id)
"""
# How a dataset comes by its numbers, and whether it counts as a holding. From a withdrawn dataset it has none that
# count, although their copies stay for the persons. Numbers are counted by the first notice of a row of corrections,
# which is named here. Scalar subqueries are looked up for the rows that are read; PostgreSQL would compute joins and
# EXISTS for every dataset.
DATASET_NODE = """
CREATE VIEW dataset_node AS
SELECT dataset.id AS dataset_id, content,
       (SELECT made_at FROM dataset_made_at WHERE dataset_id = dataset.id) AS made_at,
       (SELECT first_made_at FROM dataset_made_at WHERE dataset_id = dataset.id) AS first_made_at,
       ARRAY(SELECT parent_id FROM dataset_parent WHERE dataset_id = dataset.id ORDER BY parent_id) AS parent_ids,
       ARRAY(SELECT parent_id FROM dataset_parent
             WHERE dataset_id = dataset.id AND NOT EXISTS (
                 SELECT FROM withdrawn_dataset WHERE withdrawn_dataset.dataset_id = parent_id)
             ORDER BY parent_id) AS counted_parent_ids,
       (SELECT first_id FROM notice WHERE id = notice_id) AS notice_id, holder_id,
       coalesce((SELECT true FROM held_dataset WHERE dataset_id = dataset.id), false) AS is_holding
FROM dataset
LEFT JOIN collection ON collection.id = collection_id
"""
VIEWS = {
    "transfer_status": TRANSFER_STATUS,
    "void_transfer": VOID_TRANSFER,
    "retracted_transfer": RETRACTED_TRANSFER,
    "dataset_made_at": DATASET_MADE_AT,
    "ended_holding": ENDED_HOLDING,
    "withdrawn_dataset": WITHDRAWN_DATASET,
    "held_dataset": HELD_DATASET,
    "holder_of_record": HOLDER_OF_RECORD,
    "dataset_node": DATASET_NODE,
}


def upgrade() -> None:
    op.create_table(
        "dataset",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("asserted_by_id", sa.Uuid(), nullable=True),
        sa.Column("asserted_through_id", sa.Uuid(), nullable=True),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("content", sa.String(40), nullable=False),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("collection_id", sa.Uuid(), nullable=True),
        sa.Column("default_region", sa.Text(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=True),
        sa.Column("date_format", sa.Text(), nullable=True),
        sa.Column("month_first_refused", sa.ARRAY(sa.Integer()), server_default="{}", nullable=False),
        sa.Column("dialect", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("number_count", sa.BigInteger(), nullable=True),
        sa.Column("duplicate_count", sa.BigInteger(), nullable=True),
        sa.Column("rejected_count", sa.BigInteger(), nullable=True),
        sa.Column("unallocated_count", sa.BigInteger(), nullable=True),
        sa.Column("orphan_count", sa.BigInteger(), nullable=True),
        sa.Column("numbers_left", sa.BigInteger(), nullable=True),
        sa.Column("orphans_left", sa.BigInteger(), nullable=True),
        sa.Column("consent_span", sa.LargeBinary(), nullable=True),
        sa.Column("sealed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("taken_over_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_upload_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("upload_removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reconciling", sa.Boolean(), nullable=False),
        sa.Column("collection_stated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("copy_dropped_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recount_request", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("content IN ('uploaded', 'shared', 'union')", name="ck_dataset_content"),
        sa.CheckConstraint("state IN ('open', 'sealing', 'sealed')", name="ck_dataset_state"),
        sa.CheckConstraint("numbers_left BETWEEN 0 AND number_count", name="ck_dataset_numbers_left"),
        sa.CheckConstraint("orphans_left BETWEEN 0 AND orphan_count", name="ck_dataset_orphans_left"),
        sa.ForeignKeyConstraint(
            ["asserted_by_id"],
            ["organisation.id"],
        ),
        sa.ForeignKeyConstraint(
            ["asserted_through_id"],
            ["organisation.id"],
        ),
        sa.ForeignKeyConstraint(
            ["collection_id"],
            ["collection.id"],
        ),
        sa.ForeignKeyConstraint(
            ["holder_id"],
            ["organisation.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_dataset_asserted_by_id"), "dataset", ["asserted_by_id"], unique=False)
    op.create_index(op.f("ix_dataset_collection_id"), "dataset", ["collection_id"], unique=False)
    op.create_index("ix_dataset_holder_id", "dataset", ["holder_id", "id"], unique=False)
    op.create_index(
        "ix_dataset_recount_request",
        "dataset",
        ["recount_request"],
        unique=False,
        postgresql_where=sa.text("recount_request IS NOT NULL"),
    )
    op.create_table(
        "dataset_correction",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("asserted_by_id", sa.Uuid(), nullable=True),
        sa.Column("asserted_through_id", sa.Uuid(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("dataset_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("collection_id", sa.Uuid(), nullable=True),
        sa.Column("former_name", sa.Text(), nullable=False),
        sa.Column("former_occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("former_collection_id", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["asserted_by_id"], ["organisation.id"]),
        sa.ForeignKeyConstraint(["asserted_through_id"], ["organisation.id"]),
        sa.ForeignKeyConstraint(["dataset_id"], ["dataset.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["collection_id"], ["collection.id"]),
        sa.ForeignKeyConstraint(["former_collection_id"], ["collection.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_dataset_correction_dataset_id"), "dataset_correction", ["dataset_id"], unique=False)
    op.create_table(
        "dataset_statement",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("asserted_by_id", sa.Uuid(), nullable=True),
        sa.Column("asserted_through_id", sa.Uuid(), nullable=True),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("dataset_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("end_reason", sa.String(40), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "kind IN ('ended', 'end_taken_back', 'withdrawn', 'withdrawal_taken_back')",
            name="ck_dataset_statement_kind",
        ),
        sa.CheckConstraint(
            "end_reason IN ('deleted', 'returned', 'retention_over', 'poll_over', 'other')",
            name="ck_dataset_statement_end_reason",
        ),
        sa.CheckConstraint("(kind = 'ended') = (end_reason IS NOT NULL)", name="ck_dataset_statement_end"),
        sa.CheckConstraint("kind <> 'withdrawn' OR reason IS NOT NULL", name="ck_dataset_statement_withdrawal"),
        sa.ForeignKeyConstraint(["asserted_by_id"], ["organisation.id"]),
        sa.ForeignKeyConstraint(["asserted_through_id"], ["organisation.id"]),
        sa.ForeignKeyConstraint(["dataset_id"], ["dataset.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_dataset_statement_asserted_by_id"), "dataset_statement", ["asserted_by_id"], unique=False)
    op.create_index(op.f("ix_dataset_statement_dataset_id"), "dataset_statement", ["dataset_id"], unique=False)
    for kind in ("ended", "withdrawn"):
        op.create_index(
            f"ix_dataset_statement_{kind}",
            "dataset_statement",
            ["dataset_id"],
            unique=False,
            postgresql_where=sa.text(f"kind = '{kind}'"),
        )
    op.create_table(
        "transfer",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("asserted_by_id", sa.Uuid(), nullable=True),
        sa.Column("asserted_through_id", sa.Uuid(), nullable=True),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sender_id", sa.Uuid(), nullable=False),
        sa.Column("recipient_id", sa.Uuid(), nullable=False),
        sa.Column("dataset_id", sa.Uuid(), nullable=False),
        sa.Column("received_dataset_id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.String(40), nullable=False),
        sa.Column("lawful_basis", sa.String(40), nullable=False),
        sa.Column("sender_role", sa.String(40), nullable=False),
        sa.Column("recipient_role", sa.String(40), nullable=False),
        sa.Column("contract", sa.Text(), nullable=True),
        sa.Column("targeting", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("number_count", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "purpose IN ('commercial_canvassing', 'political_canvassing', 'transfer', 'fundraising', "
            "'opinion_poll', 'service_messages')",
            name="ck_transfer_purpose",
        ),
        sa.CheckConstraint(
            "lawful_basis IN ('consent', 'contract', 'legal_obligation', 'vital_interests', 'public_task', "
            "'legitimate_interests')",
            name="ck_transfer_lawful_basis",
        ),
        sa.CheckConstraint(
            "sender_role IN ('controller', 'joint_controller', 'processor')",
            name="ck_transfer_sender_role",
        ),
        sa.CheckConstraint(
            "recipient_role IN ('controller', 'joint_controller', 'processor')",
            name="ck_transfer_recipient_role",
        ),
        sa.ForeignKeyConstraint(
            ["asserted_by_id"],
            ["organisation.id"],
        ),
        sa.ForeignKeyConstraint(
            ["asserted_through_id"],
            ["organisation.id"],
        ),
        sa.ForeignKeyConstraint(
            ["dataset_id"],
            ["dataset.id"],
        ),
        sa.ForeignKeyConstraint(
            ["received_dataset_id"],
            ["dataset.id"],
        ),
        sa.ForeignKeyConstraint(
            ["recipient_id"],
            ["organisation.id"],
        ),
        sa.ForeignKeyConstraint(
            ["sender_id"],
            ["organisation.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("received_dataset_id"),
    )
    op.create_index(op.f("ix_transfer_asserted_by_id"), "transfer", ["asserted_by_id"], unique=False)
    op.create_index(op.f("ix_transfer_dataset_id"), "transfer", ["dataset_id"], unique=False)
    op.create_index(op.f("ix_transfer_recipient_id"), "transfer", ["recipient_id"], unique=False)
    op.create_index(op.f("ix_transfer_sender_id"), "transfer", ["sender_id"], unique=False)
    op.create_table(
        "transfer_statement",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("asserted_by_id", sa.Uuid(), nullable=True),
        sa.Column("asserted_through_id", sa.Uuid(), nullable=True),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("transfer_id", sa.Uuid(), nullable=False),
        sa.Column("side", sa.String(40), nullable=False),
        sa.Column("status", sa.String(40), nullable=False),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.Column("extra_count", sa.BigInteger(), nullable=True),
        sa.Column("missing_count", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("side IN ('sender', 'recipient')", name="ck_transfer_statement_side"),
        sa.CheckConstraint(
            "status IN ('declared', 'acknowledged', 'confirmed', 'disputed', 'denied', 'retracted')",
            name="ck_transfer_statement_status",
        ),
        sa.ForeignKeyConstraint(
            ["asserted_by_id"],
            ["organisation.id"],
        ),
        sa.ForeignKeyConstraint(
            ["asserted_through_id"],
            ["organisation.id"],
        ),
        sa.ForeignKeyConstraint(
            ["transfer_id"],
            ["transfer.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        op.f("ix_transfer_statement_asserted_by_id"), "transfer_statement", ["asserted_by_id"], unique=False
    )
    op.create_index(op.f("ix_transfer_statement_transfer_id"), "transfer_statement", ["transfer_id"], unique=False)
    op.create_index(
        "ix_transfer_statement_doubt",
        "transfer_statement",
        ["transfer_id"],
        unique=False,
        postgresql_where=sa.text("status IN ('denied', 'retracted')"),
    )
    op.create_table(
        "file_comparison",
        sa.Column("transfer_id", sa.Uuid(), nullable=False),
        sa.Column("file_version", sa.Text(), nullable=False),
        sa.Column("extra_count", sa.BigInteger(), nullable=False),
        sa.Column("missing_count", sa.BigInteger(), nullable=False),
        sa.Column("compared_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["transfer_id"], ["transfer.id"]),
        sa.PrimaryKeyConstraint("transfer_id"),
    )
    op.create_table(
        "dataset_parent",
        sa.Column("dataset_id", sa.Uuid(), nullable=False),
        sa.Column("parent_id", sa.Uuid(), nullable=False),
        sa.Column("transfer_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint("dataset_id <> parent_id", name="ck_dataset_parent_not_itself"),
        sa.ForeignKeyConstraint(
            ["dataset_id"],
            ["dataset.id"],
        ),
        sa.ForeignKeyConstraint(
            ["parent_id"],
            ["dataset.id"],
        ),
        sa.ForeignKeyConstraint(
            ["transfer_id"],
            ["transfer.id"],
        ),
        sa.PrimaryKeyConstraint("dataset_id", "parent_id"),
    )
    op.create_index(op.f("ix_dataset_parent_parent_id"), "dataset_parent", ["parent_id"], unique=False)
    op.create_table(
        "dataset_part",
        sa.Column("dataset_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("upload", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("byte_count", sa.BigInteger(), nullable=False),
        sa.Column("line_count", sa.BigInteger(), nullable=False),
        sa.Column("accepted_count", sa.BigInteger(), nullable=False),
        sa.Column("unallocated_count", sa.BigInteger(), nullable=False),
        sa.Column("rejected_count", sa.BigInteger(), nullable=False),
        sa.Column("rejects_kept", sa.BigInteger(), nullable=False),
        sa.Column("consent_count", sa.BigInteger(), nullable=False),
        sa.Column("begins_cut", sa.Boolean(), nullable=False),
        sa.Column("ends_cut", sa.Boolean(), nullable=False),
        sa.Column("ends_open", sa.Boolean(), nullable=False),
        sa.Column("has_header", sa.Boolean(), nullable=True),
        sa.Column("hidden_rows", sa.BigInteger(), nullable=True),
        sa.Column("read_columns", postgresql.JSONB(), nullable=False),
        sa.Column("ignored_columns", postgresql.JSONB(), nullable=False),
        sa.Column("date_format", sa.Text(), nullable=True),
        sa.Column("states_date_format", sa.Boolean(), nullable=False),
        sa.Column("day_first_count", sa.BigInteger(), nullable=False),
        sa.Column("month_first_count", sa.BigInteger(), nullable=False),
        sa.Column("either_count", sa.BigInteger(), nullable=False),
        sa.Column("decided_separators", sa.Text(), nullable=False),
        sa.Column("open_separators", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["dataset_id"], ["dataset.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("dataset_id", "number"),
    )
    op.create_table(
        "rejected_line",
        sa.Column("dataset_id", sa.Uuid(), nullable=False),
        sa.Column("upload", sa.BigInteger(), nullable=False),
        sa.Column("line", sa.BigInteger(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(40), nullable=False),
        sa.Column("field_count", sa.Integer(), nullable=True),
        sa.Column("usual_field_count", sa.Integer(), nullable=True),
        sa.Column("raw", sa.LargeBinary(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "reason IN ('too_few_fields', 'too_many_fields', 'quoted_lines', 'not_an_object', 'repeated_member', "
            "'country_unknown', 'empty', 'scientific_notation', 'spreadsheet_decimal', 'several_numbers', "
            "'extension', 'not_a_number', 'too_short', 'too_long', 'plus_missing', 'only_zeros', "
            "'unknown_country_code', 'not_possible', "
            "'consent_refused', 'consent_unclear', 'consent_unreadable', 'consent_in_future', "
            "'consent_after_dataset', 'consent_outside_collection', 'consent_record_id_too_long')",
            name="ck_rejected_line_reason",
        ),
        sa.ForeignKeyConstraint(["dataset_id"], ["dataset.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("dataset_id", "upload", "line"),
    )
    op.execute("CREATE SEQUENCE part_upload")
    op.execute("CREATE SEQUENCE recount_request")
    for view in VIEWS.values():
        op.execute(view)


def downgrade() -> None:
    for name in reversed(VIEWS):
        op.execute(f"DROP VIEW {name}")
    op.execute("DROP SEQUENCE recount_request")
    op.execute("DROP SEQUENCE part_upload")
    op.drop_table("rejected_line")
    op.drop_table("dataset_part")
    op.drop_table("dataset_parent")
    op.drop_table("file_comparison")
    op.drop_table("transfer_statement")
    op.drop_table("transfer")
    op.drop_table("dataset_statement")
    op.drop_table("dataset_correction")
    op.drop_table("dataset")
