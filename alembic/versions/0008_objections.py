"""Objections, their relays to holders, and the webhooks of organisations."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# Webhooks belong to a key, and no statement can leave one without: a rotation hands them over, a revocation ends them.
# A key that expires is ended by the worker, and no event is sent meanwhile.
ENDS_WITH_KEYS = (
    """
    CREATE FUNCTION end_webhooks_of_key(key_id uuid) RETURNS void LANGUAGE sql AS $$
        UPDATE webhook_endpoint SET removed_at = now() WHERE api_key_id = key_id AND removed_at IS NULL;
        UPDATE webhook_delivery
        SET state = 'cancelled', last_outcome = 'key ended', next_attempt_at = NULL, ended_at = now()
        WHERE next_attempt_at IS NOT NULL
          AND endpoint_id IN (SELECT id FROM webhook_endpoint WHERE api_key_id = key_id)
    $$
    """,
    """
    CREATE FUNCTION end_with_key() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM end_webhooks_of_key(NEW.id);
        RETURN NULL;
    END $$
    """,
    """
    CREATE TRIGGER end_with_key AFTER UPDATE OF revoked_at ON api_key FOR EACH ROW
    WHEN (OLD.revoked_at IS NULL AND NEW.revoked_at IS NOT NULL) EXECUTE FUNCTION end_with_key()
    """,
    # A replacement that was never used got lost on its way to the caller, who rotates the old key a second time.
    """
    CREATE FUNCTION hand_over_to_key() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        old_ids uuid[] := ARRAY(
            SELECT id FROM api_key
            WHERE id = NEW.replaces_id
               OR (replaces_id = NEW.replaces_id AND id <> NEW.id AND last_used_at IS NULL));
    BEGIN
        UPDATE webhook_endpoint SET api_key_id = NEW.id WHERE api_key_id = ANY (old_ids) AND removed_at IS NULL;
        UPDATE job SET api_key_id = NEW.id WHERE api_key_id = ANY (old_ids) AND finished_at IS NULL;
        RETURN NULL;
    END $$
    """,
    """
    CREATE TRIGGER hand_over_to_key AFTER INSERT ON api_key FOR EACH ROW
    WHEN (NEW.replaces_id IS NOT NULL) EXECUTE FUNCTION hand_over_to_key()
    """,
    # The lock lets a revocation at the same moment wait, so that it finds the webhook.
    """
    CREATE FUNCTION require_living_key() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM FROM api_key WHERE id = NEW.api_key_id AND revoked_at IS NULL FOR SHARE;
        IF NOT FOUND THEN
            RAISE check_violation USING MESSAGE = 'a webhook in use needs a key that is not revoked';
        END IF;
        RETURN NEW;
    END $$
    """,
    """
    CREATE TRIGGER require_living_key BEFORE INSERT OR UPDATE OF api_key_id, removed_at ON webhook_endpoint
    FOR EACH ROW WHEN (NEW.removed_at IS NULL) EXECUTE FUNCTION require_living_key()
    """,
)


# The origins that the person of a number contests, for lookups, which know no objections. Since when the collector has
# answered is said too.
CONTEST_ANSWER_INDEX = "CREATE INDEX ix_contest_answer_objection_id ON contest_answer (objection_id)"
OPEN_CONTEST = """
CREATE VIEW open_contest AS
SELECT objection.mark, objection.dataset_id, objection.recorded_at AS contested_at,
       (SELECT min(answer.recorded_at) FROM contest_answer AS answer WHERE answer.objection_id = objection.id)
           AS answered_at
FROM objection WHERE kind = 'contest' AND withdrawn_at IS NULL
"""


def upgrade() -> None:
    op.create_table(
        "objection",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("asserted_by_id", sa.Uuid(), nullable=True),
        sa.Column("asserted_through_id", sa.Uuid(), nullable=True),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("scope", sa.String(40), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=True),
        sa.Column("purpose", sa.String(40), nullable=True),
        sa.Column("source", sa.String(40), nullable=False),
        sa.Column("campaign_id", sa.Uuid(), nullable=True),
        sa.Column("received_by_id", sa.Uuid(), nullable=True),
        sa.Column("relayed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("mark", sa.LargeBinary(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("dataset_id", sa.Uuid(), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["dataset_id"],
            ["dataset.id"],
        ),
        sa.CheckConstraint(
            "(kind = 'contest') = (scope = 'origin') AND (kind = 'contest') = (dataset_id IS NOT NULL)",
            name="ck_objection_dataset_id",
        ),
        sa.CheckConstraint("kind = 'contest' OR withdrawn_at IS NULL", name="ck_objection_withdrawn_at"),
        sa.CheckConstraint("kind IN ('objection', 'erasure', 'contest')", name="ck_objection_kind"),
        sa.CheckConstraint("scope IN ('everything', 'organisation', 'purpose', 'origin')", name="ck_objection_scope"),
        sa.CheckConstraint(
            "purpose IN ('commercial_canvassing', 'political_canvassing', 'transfer', 'fundraising', "
            "'opinion_poll', 'service_messages')",
            name="ck_objection_purpose",
        ),
        sa.CheckConstraint("source IN ('person', 'stop', 'holder')", name="ck_objection_source"),
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
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
        ),
        sa.ForeignKeyConstraint(
            ["received_by_id"],
            ["organisation.id"],
        ),
        sa.CheckConstraint("relayed_at IS NOT NULL OR received_by_id IS NOT NULL", name="ck_objection_relayed_at"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_objection_received_by_id"), "objection", ["received_by_id"], unique=False)
    op.create_index(op.f("ix_objection_asserted_by_id"), "objection", ["asserted_by_id"], unique=False)
    op.create_index(op.f("ix_objection_campaign_id"), "objection", ["campaign_id"], unique=False)
    op.create_index(op.f("ix_objection_mark"), "objection", ["mark"], unique=False)
    op.create_table(
        "relay",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("cursor", sa.BigInteger(), nullable=True),
        sa.Column("objection_id", sa.Uuid(), nullable=False),
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("refusal", sa.Text(), nullable=True),
        sa.Column("delay", sa.Text(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("extended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('waiting', 'pending', 'delivered', 'acknowledged', 'completed', 'refused', 'undeliverable', "
            "'withdrawn')",
            name="ck_relay_state",
        ),
        # What waited when the person took a contest back never had a deadline.
        sa.CheckConstraint(
            "(due_at IS NULL) = (state = 'waiting') OR (due_at IS NULL AND state = 'withdrawn')", name="ck_relay_due_at"
        ),
        sa.CheckConstraint("(extended_at IS NULL) = (delay IS NULL)", name="ck_relay_extended_at"),
        sa.ForeignKeyConstraint(
            ["holder_id"],
            ["organisation.id"],
        ),
        sa.ForeignKeyConstraint(
            ["objection_id"],
            ["objection.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("holder_id", "cursor"),
    )
    op.create_index(
        "ix_relay_without_cursor", "relay", ["holder_id"], unique=False, postgresql_where=sa.text("cursor IS NULL")
    )
    op.create_table(
        "contest_answer",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("objection_id", sa.Uuid(), nullable=False),
        sa.Column("asserted_by_id", sa.Uuid(), nullable=False),
        sa.Column("asserted_through_id", sa.Uuid(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answer_text", sa.Text(), nullable=False),
        sa.Column("consent_record_id", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["objection_id"],
            ["objection.id"],
        ),
        sa.ForeignKeyConstraint(
            ["asserted_by_id"],
            ["organisation.id"],
        ),
        sa.ForeignKeyConstraint(
            ["asserted_through_id"],
            ["organisation.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    for statement in (CONTEST_ANSWER_INDEX, OPEN_CONTEST):
        op.execute(statement)
    op.create_table(
        "relay_feed",
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("last_cursor", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["holder_id"],
            ["organisation.id"],
        ),
        sa.PrimaryKeyConstraint("holder_id"),
    )
    op.create_index(op.f("ix_relay_due_at"), "relay", ["due_at"], unique=False)
    op.create_index(op.f("ix_relay_holder_id"), "relay", ["holder_id"], unique=False)
    op.create_index(op.f("ix_relay_objection_id"), "relay", ["objection_id"], unique=False)
    op.create_index(op.f("ix_relay_received_at"), "relay", ["received_at"], unique=False)
    op.create_table(
        "objection_flag",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("objection_id", sa.Uuid(), nullable=False),
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("dataset_id", sa.Uuid(), nullable=True),
        sa.Column("campaign_id", sa.Uuid(), nullable=True),
        sa.Column("shown_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id"],
            ["campaign.id"],
        ),
        sa.ForeignKeyConstraint(
            ["dataset_id"],
            ["dataset.id"],
        ),
        sa.ForeignKeyConstraint(
            ["holder_id"],
            ["organisation.id"],
        ),
        sa.ForeignKeyConstraint(
            ["objection_id"],
            ["objection.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("objection_id", "dataset_id", "campaign_id", postgresql_nulls_not_distinct=True),
    )
    op.create_index(op.f("ix_objection_flag_campaign_id"), "objection_flag", ["campaign_id"], unique=False)
    op.create_index(op.f("ix_objection_flag_dataset_id"), "objection_flag", ["dataset_id"], unique=False)
    op.create_index(op.f("ix_objection_flag_holder_id"), "objection_flag", ["holder_id"], unique=False)
    op.create_table(
        "webhook_endpoint",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("through_id", sa.Uuid(), nullable=True),
        sa.Column("api_key_id", sa.Uuid(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("secret_encrypted", sa.LargeBinary(), nullable=False),
        sa.Column("previous_secret_encrypted", sa.LargeBinary(), nullable=True),
        sa.Column("previous_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
        ),
        sa.ForeignKeyConstraint(["through_id"], ["organisation.id"]),
        sa.ForeignKeyConstraint(["api_key_id"], ["api_key.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_webhook_endpoint_organisation_id"), "webhook_endpoint", ["organisation_id"], unique=False)
    op.create_index(op.f("ix_webhook_endpoint_api_key_id"), "webhook_endpoint", ["api_key_id"], unique=False)
    op.create_table(
        "webhook_delivery",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("endpoint_id", sa.Uuid(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_outcome", sa.Text(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('pending', 'delivered', 'failed', 'cancelled')",
            name="ck_webhook_delivery_state",
        ),
        sa.ForeignKeyConstraint(
            ["endpoint_id"],
            ["webhook_endpoint.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_webhook_delivery_endpoint_id"), "webhook_delivery", ["endpoint_id"], unique=False)
    op.create_index(op.f("ix_webhook_delivery_next_attempt_at"), "webhook_delivery", ["next_attempt_at"], unique=False)
    op.create_index(op.f("ix_webhook_delivery_subject_id"), "webhook_delivery", ["subject_id"], unique=False)
    for statement in ENDS_WITH_KEYS:
        op.execute(statement)
    op.create_table(
        "deadline_publication",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("quarter", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("published_on", sa.Date(), nullable=False),
        sa.Column("correction_reason", sa.Text(), nullable=True),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("quarter", "version"),
    )
    op.create_table(
        "deadline_count",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("publication_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        *(
            sa.Column(name, sa.Integer(), nullable=False)
            for name in ("received", "in_time", "late", "refused", "withdrawn", "open")
        ),
        sa.Column("median_days", sa.Float(), nullable=True),
        sa.Column("mean_days", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"]),
        sa.ForeignKeyConstraint(["publication_id"], ["deadline_publication.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_deadline_count_organisation_id"), "deadline_count", ["organisation_id"], unique=False)
    op.create_index(op.f("ix_deadline_count_publication_id"), "deadline_count", ["publication_id"], unique=False)


def downgrade() -> None:
    op.drop_table("deadline_count")
    op.drop_table("deadline_publication")
    op.drop_table("webhook_delivery")
    op.drop_table("webhook_endpoint")
    for function in ("require_living_key()", "hand_over_to_key()", "end_with_key()", "end_webhooks_of_key(uuid)"):
        op.execute(f"DROP FUNCTION {function} CASCADE")
    op.drop_table("objection_flag")
    op.drop_table("relay_feed")
    op.execute("DROP VIEW open_contest")
    op.drop_table("contest_answer")
    op.drop_table("relay")
    op.drop_table("objection")
