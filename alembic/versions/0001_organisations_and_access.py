"""Organisations, API keys, the regulator's inspections, responses to repeated requests, jobs."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ROLES = "ARRAY['collector', 'broker', 'party', 'processor', 'regulator', 'operator']::varchar[]"
LIVING_KEY = """
    CREATE VIEW living_key AS
    SELECT id FROM api_key WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())
"""
# The key itself, or the last of those that replaced it in rotations. What a key made belongs to its heir.
HEIR_OF_KEY = """
    CREATE FUNCTION heir_of_key(key_id uuid) RETURNS uuid LANGUAGE sql STABLE AS $$
        WITH RECURSIVE line (id, place) AS (
            SELECT key_id, 0
            UNION ALL
            SELECT (SELECT api_key.id FROM api_key WHERE replaces_id = line.id AND revoked_at IS NULL
                    ORDER BY created_at DESC, api_key.id DESC LIMIT 1), place + 1
            FROM line WHERE line.id IS NOT NULL)
        SELECT id FROM line WHERE id IS NOT NULL ORDER BY place DESC LIMIT 1
    $$
"""

# Whether an organisation answers for what another held: as its heir, or as the heir of its heir.
SUCCEEDS = """
    CREATE FUNCTION succeeds(heir uuid, predecessor uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
        WITH RECURSIVE line (id) AS (
            SELECT succeeded_by_id FROM organisation WHERE id = predecessor AND succeeded_by_id IS NOT NULL
            UNION
            SELECT succeeded_by_id FROM organisation JOIN line USING (id) WHERE succeeded_by_id IS NOT NULL)
        SELECT heir IN (SELECT id FROM line)
    $$
"""


def upgrade() -> None:
    op.create_table(
        "graph_version",
        sa.Column("singleton", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("singleton"),
    )
    op.create_table(
        "organisation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("asserted_by_id", sa.Uuid(), nullable=True),
        sa.Column("asserted_through_id", sa.Uuid(), nullable=True),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("legal_name", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("registration_number", sa.Text(), nullable=True),
        sa.Column("registration_key", sa.Text(), nullable=True),
        sa.Column("roles", sa.ARRAY(sa.String(40)), nullable=False),
        sa.Column("privacy_contact", sa.Text(), nullable=True),
        sa.Column("time_zone", sa.Text(), nullable=True),
        sa.Column("aliases", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("name_keys", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("closed_on", sa.Date(), nullable=True),
        sa.Column("succeeded_by_id", sa.Uuid(), nullable=True),
        sa.Column("succeeded_on", sa.Date(), nullable=True),
        sa.Column("admitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stated_by_id", sa.Uuid(), nullable=True),
        sa.Column("stated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["stated_by_id"], ["organisation.id"]),
        sa.ForeignKeyConstraint(["succeeded_by_id"], ["organisation.id"]),
        sa.CheckConstraint(
            "(succeeded_by_id IS NULL) = (succeeded_on IS NULL) AND succeeded_by_id <> id",
            name="ck_organisation_succession",
        ),
        sa.CheckConstraint(f"roles <@ {ROLES}", name="ck_organisation_roles"),
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
    op.create_table(
        "organisation_statement",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("asserted_by_id", sa.Uuid(), nullable=True),
        sa.Column("asserted_through_id", sa.Uuid(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("stated", sa.ARRAY(sa.String(40)), nullable=False),
        sa.Column("effective", sa.Boolean(), nullable=False),
        sa.Column("legal_name", sa.Text(), nullable=True),
        sa.Column("privacy_contact", sa.Text(), nullable=True),
        sa.Column("country", sa.Text(), nullable=True),
        sa.Column("registration_number", sa.Text(), nullable=True),
        sa.Column("roles", sa.ARRAY(sa.String(40)), nullable=True),
        sa.Column("time_zone", sa.Text(), nullable=True),
        sa.Column("aliases", sa.ARRAY(sa.Text()), nullable=True),
        sa.Column("closed_on", sa.Date(), nullable=True),
        sa.Column("succeeded_by_id", sa.Uuid(), nullable=True),
        sa.Column("succeeded_on", sa.Date(), nullable=True),
        sa.Column("distinct_from_ids", sa.ARRAY(sa.Uuid()), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "stated <@ ARRAY['legal_name', 'privacy_contact', 'country', 'registration_number', 'roles', 'time_zone', "
            "'aliases', 'closed_on', 'succeeded_by_id', 'succeeded_on']::varchar[]",
            name="ck_organisation_statement_stated",
        ),
        sa.CheckConstraint(f"roles <@ {ROLES}", name="ck_organisation_statement_roles"),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"]),
        sa.ForeignKeyConstraint(["succeeded_by_id"], ["organisation.id"]),
        sa.ForeignKeyConstraint(["asserted_by_id"], ["organisation.id"]),
        sa.ForeignKeyConstraint(["asserted_through_id"], ["organisation.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        op.f("ix_organisation_statement_organisation_id"), "organisation_statement", ["organisation_id"], unique=False
    )
    op.create_index(op.f("ix_organisation_asserted_by_id"), "organisation", ["asserted_by_id"], unique=False)
    op.create_index("uq_organisation_registration", "organisation", ["country", "registration_key"], unique=True)
    op.create_index(op.f("ix_organisation_succeeded_by_id"), "organisation", ["succeeded_by_id"], unique=False)
    op.create_index("ix_organisation_name_keys", "organisation", ["name_keys"], postgresql_using="gin")
    op.create_table(
        "api_key",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("acts_for_id", sa.Uuid(), nullable=True),
        sa.Column("as_heir", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("label", sa.Text(), nullable=True),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("scopes", sa.ARRAY(sa.String(40)), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("issued_by_id", sa.Uuid(), nullable=True),
        sa.Column("replaces_id", sa.Uuid(), nullable=True),
        sa.Column("issue_announced_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expiry_announced_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("end_announced_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["issued_by_id"], ["organisation.id"]),
        sa.ForeignKeyConstraint(["replaces_id"], ["api_key.id"]),
        sa.CheckConstraint(
            "scopes <@ ARRAY['facts:read', 'facts:write', 'numbers:read', 'numbers:write', 'accounts']::varchar[]",
            name="ck_api_key_scopes",
        ),
        sa.ForeignKeyConstraint(
            ["acts_for_id"],
            ["organisation.id"],
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("prefix"),
    )
    op.create_index(op.f("ix_api_key_acts_for_id"), "api_key", ["acts_for_id"], unique=False)
    op.create_index(op.f("ix_api_key_organisation_id"), "api_key", ["organisation_id"], unique=False)
    op.create_index(op.f("ix_api_key_replaces_id"), "api_key", ["replaces_id"], unique=False)
    op.execute(LIVING_KEY)
    op.execute(HEIR_OF_KEY)
    op.execute(SUCCEEDS)
    op.create_table(
        "inspection",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("api_key_id", sa.Uuid(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("number_fingerprint", sa.LargeBinary(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["api_key_id"],
            ["api_key.id"],
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_inspection_organisation_id"), "inspection", ["organisation_id"], unique=False)
    op.create_table(
        "idempotent_request",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("request_fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
        ),
        sa.PrimaryKeyConstraint("organisation_id", "key"),
    )
    op.create_table(
        "job",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("through_id", sa.Uuid(), nullable=True),
        sa.Column("api_key_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("done", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("problem", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["api_key_id"], ["api_key.id"]),
        sa.CheckConstraint("kind IN ('seal_dataset', 'compare_file', 'reconcile_transfer')", name="ck_job_kind"),
        sa.CheckConstraint("state IN ('waiting', 'running', 'succeeded', 'failed')", name="ck_job_state"),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
        ),
        sa.ForeignKeyConstraint(
            ["through_id"],
            ["organisation.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_job_organisation_id"), "job", ["organisation_id"], unique=False)
    op.create_index(op.f("ix_job_subject_id"), "job", ["subject_id"], unique=False)
    op.create_index(op.f("ix_job_api_key_id"), "job", ["api_key_id"], unique=False)
    op.execute("INSERT INTO graph_version (singleton, version) VALUES (true, 0)")
    kinds = (
        "kind IN ('bytes', 'codes', 'datasets', 'lines', 'lookups', 'numbers', 'objections', 'organisations', "
        "'reports', 'webhooks')"
    )
    op.create_table(
        "daily_usage",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(kinds, name="ck_daily_usage_kind"),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"]),
        sa.PrimaryKeyConstraint("organisation_id", "kind", "day"),
    )
    op.create_index(op.f("ix_daily_usage_recorded_at"), "daily_usage", ["recorded_at"], unique=False)
    op.create_table(
        "usage_alert",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("usual_count", sa.BigInteger(), nullable=False),
        sa.Column("reached_limit", sa.BigInteger(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(kinds, name="ck_usage_alert_kind"),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("organisation_id", "kind", "day", postgresql_nulls_not_distinct=True),
    )
    op.create_index(op.f("ix_usage_alert_recorded_at"), "usage_alert", ["recorded_at"], unique=False)
    op.create_table(
        "usage_limit",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("daily_limit", sa.BigInteger(), nullable=False),
        sa.Column("operator_id", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(kinds, name="ck_usage_limit_kind"),
        sa.ForeignKeyConstraint(["operator_id"], ["organisation.id"]),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_usage_limit_organisation_id_kind", "usage_limit", ["organisation_id", "kind"], unique=False)


def downgrade() -> None:
    op.drop_table("usage_limit")
    op.drop_table("usage_alert")
    op.drop_table("daily_usage")
    op.drop_table("job")
    op.drop_table("idempotent_request")
    op.drop_table("inspection")
    op.execute("DROP FUNCTION succeeds(uuid, uuid)")
    op.execute("DROP FUNCTION heir_of_key(uuid)")
    op.execute("DROP VIEW living_key")
    op.drop_table("api_key")
    op.drop_table("organisation_statement")
    op.drop_table("organisation")
    op.drop_table("graph_version")
