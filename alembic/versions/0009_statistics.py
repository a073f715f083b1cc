"""No samples of pseudonyms and ciphertexts in the planner's statistics.

ANALYZE, which autovacuum runs, copies values of each column into `pg_statistic`. There an erased pseudonym, or a value
that was forgotten in time, would stay until the next ANALYZE of its table.
"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

# Every column of bytes, except `objection.mark`, whose rows stay, and which is looked up among very many.
COLUMNS = {
    "api_key": ["digest"],
    "dataset": ["consent_span"],
    "dataset_part": ["digest"],
    "evidence_content": ["content"],
    "exclusion": ["key"],
    "idempotent_request": ["request_fingerprint", "body"],
    "inbound_message": ["fingerprint"],
    "inspection": ["number_fingerprint"],
    "membership_block": ["keys", "holders", "consented_at", "record_ids"],
    "outbox_message": ["encrypted"],
    "person_request": ["request_fingerprint", "body"],
    "person_session": ["token_digest", "number_encrypted"],
    "rejected_line": ["raw"],
    "segment_member": ["digest"],
    "staged_run": ["content"],
    "verification": [
        *("number_encrypted", "code_mac"),
        *(f"{of}_fingerprint" for of in ("number", "block", "address", "network")),
    ],
    "webhook_endpoint": ["secret_encrypted", "previous_secret_encrypted"],
}


def _set_statistics(target: int) -> None:
    for table, columns in COLUMNS.items():
        for column in columns:
            op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} SET STATISTICS {target}")


def upgrade() -> None:
    _set_statistics(0)


def downgrade() -> None:
    _set_statistics(-1)
