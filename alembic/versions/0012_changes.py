"""What each transaction changed: rows of `change`, written by triggers, and the version of the graph that they make.

A trigger sees every write, whether it comes from a session, a statement written by hand or COPY, so no operation can
forget it.
"""

from typing import NamedTuple

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


class Watch(NamedTuple):
    """What is recorded of a change to a table, as SQL over its row, which is called `changed`.

    `object_id` is the object that the row belongs to: the graph reads all rows of an object again. `row_ids` and
    `organisation_ids` are arrays: the rows, and the organisations whose act or side the change is. An update counts if
    it changes `state`. The graph's version is bumped if `in_graph` is true.
    """

    primary_key: str = "id"
    object_id: str = "changed.id"
    row_ids: str = "ARRAY[changed.id]"
    organisation_ids: str = "'{}'::uuid[]"
    state: str = "to_jsonb(changed)"
    in_graph: str = "true"


_FACT = "changed.asserted_by_id, changed.asserted_through_id"
_COLLECTOR = "(SELECT collector_id FROM notice WHERE id = changed.notice_id)"
_OF_COLLECTION = "SELECT unnest(ARRAY[collector_id, asserted_by_id]) FROM collection WHERE id = changed.collection_id"
_OF_TRANSFER = "SELECT unnest(ARRAY[sender_id, recipient_id]) FROM transfer WHERE id = changed.transfer_id"
_OF_CAMPAIGN = "SELECT unnest(ARRAY[party_id, sender_id]) FROM campaign WHERE id = changed.campaign_id"
_OF_EVIDENCE = (
    "SELECT collector_id FROM notice JOIN notice_evidence AS evidence ON notice.id = evidence.notice_id "
    "WHERE evidence.id = changed.evidence_id"
)
_HOLDER = "(SELECT holder_id FROM dataset WHERE id = changed.dataset_id)"
_OF_NOTICE = f"ARRAY[{_FACT}, {_COLLECTOR}]"
_NONE = "'{}'::uuid[]"
# Erasures lower the counts of what is left one by one. The graph knows only whether anything is left.
_ANY_LEFT = "to_jsonb(changed) - 'count_left' || jsonb_build_object('any_left', changed.count_left > 0)"

WATCHED = {
    # An organisation that is only named is not in the graph. It comes in with the first fact that uses it.
    "organisation": Watch(
        organisation_ids=f"ARRAY[changed.id, {_FACT}]", in_graph="TG_OP <> 'INSERT' OR changed.admitted_at IS NOT NULL"
    ),
    "notice": Watch(organisation_ids=f"ARRAY[changed.collector_id, {_FACT}]"),
    "partner_list": Watch(object_id="changed.notice_id", organisation_ids=_OF_NOTICE),
    "partner": Watch("partner_list_id, position", "changed.partner_list_id", _NONE),
    "notice_evidence": Watch(object_id="changed.notice_id", organisation_ids=_OF_NOTICE),
    "evidence_withdrawal": Watch(
        object_id="changed.evidence_id", organisation_ids=f"ARRAY[{_FACT}] || ARRAY({_OF_EVIDENCE})"
    ),
    "collection": Watch(organisation_ids=f"ARRAY[changed.collector_id, {_FACT}]"),
    "collector_statement": Watch(
        object_id="changed.collection_id",
        organisation_ids=f"ARRAY[{_FACT}] || ARRAY({_OF_COLLECTION})",
    ),
    "dataset": Watch(
        organisation_ids=f"ARRAY[changed.holder_id, {_FACT}]",
        # How a file is read, whether one is being compared, and what erasures left, is not part of the graph.
        state="to_jsonb(changed) - '{dialect,date_format,month_first_refused,reconciling,numbers_left,orphans_left,"
        "last_upload_at,upload_removed_at}'::text[]",
    ),
    "dataset_parent": Watch("dataset_id, parent_id", "changed.dataset_id", "ARRAY[changed.parent_id]"),
    "dataset_statement": Watch(
        object_id="changed.dataset_id",
        organisation_ids=f"ARRAY[{_FACT}, {_HOLDER}]",
    ),
    "ancestor_count": Watch("dataset_id, ancestor_id", "changed.dataset_id", _NONE, state=_ANY_LEFT),
    "notice_count": Watch("dataset_id, notice_id", "changed.dataset_id", _NONE, state=_ANY_LEFT),
    "transfer": Watch(organisation_ids=f"ARRAY[changed.sender_id, changed.recipient_id, {_FACT}]"),
    "transfer_statement": Watch(
        object_id="changed.transfer_id",
        organisation_ids=f"ARRAY[{_FACT}] || ARRAY({_OF_TRANSFER})",
    ),
    "dataset_release": Watch(
        object_id="changed.dataset_id",
        organisation_ids=f"ARRAY[changed.operator_id, {_HOLDER}]",
    ),
    "campaign": Watch(organisation_ids=f"ARRAY[changed.party_id, changed.sender_id, {_FACT}]"),
    "campaign_dataset": Watch("campaign_id, dataset_id", "changed.campaign_id", "ARRAY[changed.dataset_id]"),
    "campaign_cancellation": Watch(
        object_id="changed.campaign_id", organisation_ids=f"ARRAY[{_FACT}] || ARRAY({_OF_CAMPAIGN})"
    ),
}

# What a change leaves in `change`: a row for each object that a statement concerns. In place of the version that its
# transaction will give the graph it has 0.
_RECORD = """
INSERT INTO change (version, kind, operation, object_id, row_ids, organisation_ids)
SELECT CASE WHEN bool_or({in_graph}) THEN 0 END, '{table}', lower(TG_OP COLLATE "C"), {object_id},
       coalesce(array_agg(DISTINCT part.id) FILTER (WHERE part.id IS NOT NULL), '{{}}'),
       coalesce(array_agg(DISTINCT side.id) FILTER (WHERE side.id IS NOT NULL), '{{}}')
FROM {rows} AS changed
LEFT JOIN LATERAL unnest({row_ids}) AS part (id) ON true
LEFT JOIN LATERAL unnest({organisation_ids}) AS side (id) ON true
GROUP BY {object_id}
"""
# The rows of an update whose state it changed.
_CHANGED_ROWS = """(
    SELECT changed.* FROM new_rows AS changed
    WHERE NOT EXISTS (
        SELECT FROM (SELECT {state} AS state, {primary_key} FROM old_rows AS changed) AS was
        WHERE {same_row} AND was.state = {state}))
"""
_FUNCTION = """
CREATE FUNCTION record_change_of_{table}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN {of_old};
    ELSIF TG_OP = 'INSERT' THEN {of_new};
    ELSE {of_changed};
    END IF;
    RETURN NULL;
END $$
"""
# Bumps the version at the end of the transaction, so that the row which all writers share is locked for the shortest
# time. Whoever holds that lock draws the serials too: the order of the serials is that of the commits.
_VERSION = """
CREATE FUNCTION version_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    of_transaction bigint := nullif(current_setting('filiation.graph_version', true), '');
BEGIN
    IF of_transaction IS NULL THEN
        UPDATE graph_version SET version = version + 1 RETURNING version INTO STRICT of_transaction;
        PERFORM set_config('filiation.graph_version', of_transaction::text, true);
    END IF;
    UPDATE change SET version = of_transaction, serial = nextval('change_serial_seq') WHERE serial = NEW.serial;
    RETURN NULL;
END $$
"""
_TRIGGERS = {"insert": "NEW TABLE AS new_rows", "update": "NEW TABLE AS new_rows OLD TABLE AS old_rows"}
_TRIGGERS["delete"] = "OLD TABLE AS old_rows"


def _record(table: str, watch: Watch, rows: str) -> str:
    return _RECORD.format(table=table, rows=rows, **watch._asdict())


def _watch(table: str, watch: Watch) -> None:
    same_row = f"({_columns('was', watch)}) = ({_columns('changed', watch)})"
    changed = _CHANGED_ROWS.format(state=watch.state, primary_key=watch.primary_key, same_row=same_row)
    function = _FUNCTION.format(
        table=table,
        of_old=_record(table, watch, "old_rows"),
        of_new=_record(table, watch, "new_rows"),
        of_changed=_record(table, watch, changed),
    )
    op.execute(function)
    for operation, tables in _TRIGGERS.items():
        op.execute(
            f"CREATE TRIGGER record_{operation} AFTER {operation} ON {table} REFERENCING {tables} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION record_change_of_{table}()"
        )


def _columns(row: str, watch: Watch) -> str:
    return ", ".join(f"{row}.{name}" for name in watch.primary_key.split(", "))


def upgrade() -> None:
    op.create_table(
        "change",
        sa.Column("serial", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=True),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("operation", sa.String(40), nullable=False),
        sa.Column("object_id", sa.Uuid(), nullable=False),
        sa.Column("row_ids", sa.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("organisation_ids", sa.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(f"kind IN ({', '.join(map(repr, WATCHED))})", name="ck_change_kind"),
        sa.CheckConstraint("operation IN ('insert', 'update', 'delete')", name="ck_change_operation"),
        sa.PrimaryKeyConstraint("serial"),
    )
    op.create_index("ix_change_version", "change", ["version"], unique=False)
    op.create_index("ix_change_position", "change", ["position"], unique=True)
    op.create_index(
        "ix_change_waiting", "change", ["serial"], unique=False, postgresql_where=sa.text("position IS NULL")
    )
    op.create_table(
        "change_sequence",
        sa.Column("singleton", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("last_position", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("singleton"),
    )
    op.execute("INSERT INTO change_sequence (singleton, last_position) VALUES (true, 0)")
    for table, watch in WATCHED.items():
        _watch(table, watch)
    op.execute(_VERSION)
    op.execute(
        "CREATE CONSTRAINT TRIGGER version_change AFTER INSERT ON change DEFERRABLE INITIALLY DEFERRED "
        "FOR EACH ROW WHEN (NEW.version = 0) EXECUTE FUNCTION version_change()"
    )


def downgrade() -> None:
    op.drop_table("change_sequence")
    op.drop_table("change")
    op.execute("DROP FUNCTION version_change()")
    for table in WATCHED:
        op.execute(f"DROP FUNCTION record_change_of_{table}() CASCADE")
