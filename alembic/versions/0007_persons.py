"""Messages to persons, verifications of their numbers, the sessions after these, and disclosures."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "message",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('unknown', 'delivered', 'failed')", name="ck_message_state"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_message_sent_at"), "message", ["sent_at"], unique=False)
    op.create_table(
        "inbound_message",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_inbound_message_fingerprint"), "inbound_message", ["fingerprint"], unique=False)
    op.create_index(op.f("ix_inbound_message_recorded_at"), "inbound_message", ["recorded_at"], unique=False)
    op.create_table(
        "outbox_message",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("encrypted", sa.LargeBinary(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_outbox_message_recorded_at"), "outbox_message", ["recorded_at"], unique=False)
    op.create_table(
        "verification",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number_encrypted", sa.LargeBinary(), nullable=False),
        sa.Column("number_fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("address_fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("network_fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("block_fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("code_mac", sa.LargeBinary(), nullable=False),
        sa.Column("attempts_left", sa.Integer(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("from_reserve", sa.Boolean(), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_verification_address_fingerprint"), "verification", ["address_fingerprint"], unique=False)
    op.create_index(op.f("ix_verification_network_fingerprint"), "verification", ["network_fingerprint"], unique=False)
    op.create_index(op.f("ix_verification_number_fingerprint"), "verification", ["number_fingerprint"], unique=False)
    op.create_index(op.f("ix_verification_block_fingerprint"), "verification", ["block_fingerprint"], unique=False)
    op.create_index(op.f("ix_verification_recorded_at"), "verification", ["recorded_at"], unique=False)
    op.create_table(
        "person_session",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("token_digest", sa.LargeBinary(), nullable=False),
        sa.Column("number_encrypted", sa.LargeBinary(), nullable=False),
        sa.Column("owned_since", sa.Date(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("token_digest"),
    )
    op.create_index(op.f("ix_person_session_expires_at"), "person_session", ["expires_at"], unique=False)
    op.create_table(
        "person_request",
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("request_fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("media_type", sa.Text(), nullable=True),
        sa.Column("disposition", sa.Text(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["session_id"], ["person_session.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("session_id", "key"),
    )
    op.create_table(
        "disclosure",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("form", sa.String(40), nullable=False),
        sa.Column("language", sa.String(40), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("form IN ('json', 'pdf')", name="ck_disclosure_form"),
        sa.CheckConstraint("language IN ('fr', 'en')", name="ck_disclosure_language"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("reference"),
    )


def downgrade() -> None:
    op.drop_table("disclosure")
    op.drop_table("person_request")
    op.drop_table("person_session")
    op.drop_table("verification")
    op.drop_table("outbox_message")
    op.drop_table("inbound_message")
    op.drop_table("message")
