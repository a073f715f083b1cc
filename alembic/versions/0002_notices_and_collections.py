"""Notices with their partner lists and evidence, and the collections made under them."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "notice",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("asserted_by_id", sa.Uuid(), nullable=True),
        sa.Column("asserted_through_id", sa.Uuid(), nullable=True),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("collector_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("replaces_id", sa.Uuid(), nullable=True),
        sa.Column("corrects_id", sa.Uuid(), nullable=True),
        sa.Column("first_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("wording", sa.Text(), nullable=False),
        sa.Column("mechanism", sa.String(40), nullable=False),
        sa.Column("purposes", sa.ARRAY(sa.String(40)), nullable=False),
        sa.Column("valid_from_on", sa.Date(), nullable=False),
        sa.Column("valid_until_on", sa.Date(), nullable=True),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "mechanism IN ('unticked_box', 'pre_ticked_box', 'double_opt_in', 'condition_of_entry', 'oral', "
            "'paper_signature', 'opt_out')",
            name="ck_notice_mechanism",
        ),
        sa.CheckConstraint(
            "purposes <@ ARRAY['commercial_canvassing', 'political_canvassing', 'transfer', 'fundraising', "
            "'opinion_poll', 'service_messages']::varchar[]",
            name="ck_notice_purposes",
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
            ["collector_id"],
            ["organisation.id"],
        ),
        sa.ForeignKeyConstraint(
            ["replaces_id"],
            ["notice.id"],
        ),
        sa.ForeignKeyConstraint(
            ["corrects_id"],
            ["notice.id"],
        ),
        sa.ForeignKeyConstraint(
            ["first_id"],
            ["notice.id"],
        ),
        sa.CheckConstraint("(corrects_id IS NULL) = (first_id = id)", name="ck_notice_first_id"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("corrects_id"),
    )
    op.create_index(op.f("ix_notice_first_id"), "notice", ["first_id"], unique=False)
    op.create_index(op.f("ix_notice_asserted_by_id"), "notice", ["asserted_by_id"], unique=False)
    op.create_index(op.f("ix_notice_collector_id"), "notice", ["collector_id"], unique=False)
    op.create_table(
        "partner_list",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("asserted_by_id", sa.Uuid(), nullable=True),
        sa.Column("asserted_through_id", sa.Uuid(), nullable=True),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("notice_id", sa.Uuid(), nullable=False),
        sa.Column("valid_from_on", sa.Date(), nullable=False),
        sa.Column("categories", sa.ARRAY(sa.Text()), nullable=False),
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
            ["partner_list.id"],
        ),
        sa.ForeignKeyConstraint(
            ["notice_id"],
            ["notice.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("corrects_id"),
    )
    op.create_index(op.f("ix_partner_list_asserted_by_id"), "partner_list", ["asserted_by_id"], unique=False)
    op.create_index(op.f("ix_partner_list_notice_id"), "partner_list", ["notice_id"], unique=False)
    op.create_table(
        "partner",
        sa.Column("partner_list_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
        ),
        sa.ForeignKeyConstraint(
            ["partner_list_id"],
            ["partner_list.id"],
        ),
        sa.PrimaryKeyConstraint("partner_list_id", "position"),
    )
    op.create_table(
        "notice_evidence",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("asserted_by_id", sa.Uuid(), nullable=True),
        sa.Column("asserted_through_id", sa.Uuid(), nullable=True),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("notice_id", sa.Uuid(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("byte_count", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["asserted_by_id"],
            ["organisation.id"],
        ),
        sa.ForeignKeyConstraint(
            ["asserted_through_id"],
            ["organisation.id"],
        ),
        sa.ForeignKeyConstraint(
            ["notice_id"],
            ["notice.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_notice_evidence_asserted_by_id"), "notice_evidence", ["asserted_by_id"], unique=False)
    op.create_index(op.f("ix_notice_evidence_notice_id"), "notice_evidence", ["notice_id"], unique=False)
    op.create_table(
        "evidence_withdrawal",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("asserted_by_id", sa.Uuid(), nullable=True),
        sa.Column("asserted_through_id", sa.Uuid(), nullable=True),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("evidence_id", sa.Uuid(), nullable=False),
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
            ["evidence_id"],
            ["notice_evidence.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("evidence_id"),
    )
    op.create_index(
        op.f("ix_evidence_withdrawal_asserted_by_id"), "evidence_withdrawal", ["asserted_by_id"], unique=False
    )
    op.create_table(
        "evidence_content",
        sa.Column("evidence_id", sa.Uuid(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["evidence_id"],
            ["notice_evidence.id"],
        ),
        sa.PrimaryKeyConstraint("evidence_id"),
    )
    # Images and PDFs are compressed already. Without a second compression, a piece of one is read without the rest.
    op.execute("ALTER TABLE evidence_content ALTER COLUMN content SET STORAGE EXTERNAL")
    op.create_table(
        "collection",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("asserted_by_id", sa.Uuid(), nullable=True),
        sa.Column("asserted_through_id", sa.Uuid(), nullable=True),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("collector_id", sa.Uuid(), nullable=False),
        sa.Column("notice_id", sa.Uuid(), nullable=False),
        sa.Column("channel", sa.String(40), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("began_on", sa.Date(), nullable=False),
        sa.Column("ended_on", sa.Date(), nullable=True),
        sa.Column("corrects_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "channel IN ('web_form', 'mobile_app', 'shop', 'paper_form', 'telephone', 'event', 'other')",
            name="ck_collection_channel",
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
            ["collector_id"],
            ["organisation.id"],
        ),
        sa.ForeignKeyConstraint(
            ["corrects_id"],
            ["collection.id"],
        ),
        sa.ForeignKeyConstraint(
            ["notice_id"],
            ["notice.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("corrects_id"),
    )
    op.create_index(op.f("ix_collection_asserted_by_id"), "collection", ["asserted_by_id"], unique=False)
    op.create_index(op.f("ix_collection_collector_id"), "collection", ["collector_id"], unique=False)
    op.create_index(op.f("ix_collection_notice_id"), "collection", ["notice_id"], unique=False)
    op.create_table(
        "collector_statement",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("asserted_by_id", sa.Uuid(), nullable=True),
        sa.Column("asserted_through_id", sa.Uuid(), nullable=True),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("collection_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.String(40), nullable=False),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.CheckConstraint("status IN ('attested', 'denied', 'withdrawn')", name="ck_collector_statement_status"),
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
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        op.f("ix_collector_statement_asserted_by_id"), "collector_statement", ["asserted_by_id"], unique=False
    )
    op.create_index(
        op.f("ix_collector_statement_collection_id"), "collector_statement", ["collection_id"], unique=False
    )


def downgrade() -> None:
    op.drop_table("collector_statement")
    op.drop_table("collection")
    op.drop_table("evidence_content")
    op.drop_table("evidence_withdrawal")
    op.drop_table("notice_evidence")
    op.drop_table("partner")
    op.drop_table("partner_list")
    op.drop_table("notice")
