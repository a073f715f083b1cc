"""No samples of pseudonyms and ciphertexts in the planner's statistics.

ANALYZE, which autovacuum runs, copies values of each column into `pg_statistic`. There an erased pseudonym, or a value
that was forgotten in time, would stay until the next ANALYZE of its table.
"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

# Every column of bytes, except `objection.mark`, whose rows stay, and which is looked up among very many. The block of
# numbers in which a code was asked for is text, and nearly a number.
COLUMNS = {
    "api_key": ["digest"],
    "dataset_part": ["digest"],
    "evidence_content": ["content"],
    "exclusion": ["key"],
    "idempotent_request": ["request_fingerprint", "body"],
    "inspection": ["number_fingerprint"],
    "membership_block": ["keys", "holders", "consented_at", "record_ids"],
    "objection": ["key"],
    "outbox_message": ["encrypted"],
    "person_session": ["token_digest", "number_encrypted"],
    "rejected_line": ["raw"],
    "segment_member": ["digest"],
    "staged_run": ["keys", "consented_at", "record_ids"],
    "verification": ["number_block", "number_encrypted", "number_fingerprint", "address_fingerprint", "code_mac"],
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
