"""Invariants of segments, their datasets and the ranges of their blocks, and of work that waits: all without keys.

Each invariant is a query for its violations.
"""

from typing import Any, Final, LiteralString

import psycopg

from service.membership.fsck.block_checks import CatalogueMember, CatalogueSegment
from service.membership.fsck.report import Leftover, Violation


def read_segments(connection: psycopg.Connection[Any]) -> dict[int, CatalogueSegment]:
    """Every segment by its id."""
    query: LiteralString = "SELECT id, state, level, merged_into, next_lead FROM membership_segment"
    segments = {
        segment_id: CatalogueSegment(segment_id, state, level, merged_into, next_lead, {})
        for segment_id, state, level, merged_into, next_lead in connection.execute(query)
    }
    query = "SELECT segment_id, place, dataset_id, number_count, digest FROM segment_member ORDER BY segment_id, place"
    for segment_id, place, *member in connection.execute(query):
        segments[segment_id].members[place] = CatalogueMember(*member)
    return segments


# The columns are segment, dataset, shard, level, lead and task, as many as apply.
INVARIANTS: Final[dict[Violation | Leftover, LiteralString]] = {
    Violation.PLACES: """
        SELECT segment.id FROM membership_segment AS segment LEFT JOIN segment_member ON segment_id = segment.id
        WHERE state <> 'retired' GROUP BY segment.id
        HAVING count(place) = 0 OR min(place) <> 0 OR max(place) <> count(place) - 1
    """,
    Violation.DATASET_MISSING: """
        SELECT segment_id, dataset_id FROM segment_member AS member
        WHERE NOT EXISTS (SELECT FROM dataset WHERE dataset.id = member.dataset_id)
    """,
    Violation.NOT_STORED: """
        SELECT NULL, id FROM dataset WHERE dataset.state = 'sealed' AND content = 'uploaded' AND NOT EXISTS (
            SELECT FROM segment_member AS member JOIN membership_segment AS segment ON segment.id = segment_id
            WHERE dataset_id = dataset.id AND segment.state = 'live')
    """,
    Violation.STORED_TWICE: """
        SELECT max(segment_id), dataset_id
        FROM segment_member AS member JOIN membership_segment AS segment ON segment.id = segment_id
        WHERE state = 'live' GROUP BY dataset_id HAVING count(*) > 1
    """,
    Violation.NOT_SEALED: """
        SELECT segment_id, dataset_id
        FROM segment_member AS member JOIN membership_segment AS segment ON segment.id = segment_id
        JOIN dataset ON dataset.id = dataset_id
        WHERE segment.state = 'live' AND (dataset.state <> 'sealed' OR content <> 'uploaded')
    """,
    Violation.GREW: """
        SELECT segment_id, dataset_id
        FROM segment_member AS member JOIN membership_segment AS segment ON segment.id = segment_id
        JOIN dataset ON dataset.id = dataset_id
        WHERE segment.state = 'live' AND dataset.state = 'sealed' AND content = 'uploaded'
          AND member.number_count > coalesce(dataset.number_count, 0)
    """,
    # What a holder no longer has is erased by its person, and dropped some years later.
    Violation.SHRANK: """
        SELECT segment_id, dataset_id
        FROM segment_member AS member JOIN membership_segment AS segment ON segment.id = segment_id
        JOIN dataset ON dataset.id = dataset_id JOIN organisation AS holder ON holder.id = holder_id
        WHERE segment.state = 'live' AND dataset.state = 'sealed' AND content = 'uploaded' AND admitted_at IS NULL
          AND member.number_count < dataset.number_count
          AND NOT EXISTS (SELECT FROM dataset_statement WHERE dataset_statement.dataset_id = dataset.id)
    """,
    # A source must be live. The segment that it is merged into must be merging, with the datasets of all its sources.
    Violation.MERGE: """
        SELECT source.id
        FROM membership_segment AS source JOIN membership_segment AS merge ON merge.id = source.merged_into
        WHERE source.state <> 'live' OR merge.state <> 'merging'
        UNION
        SELECT merge.id FROM membership_segment AS merge WHERE state = 'merging' AND (next_lead IS NULL OR
            (SELECT array_agg(dataset_id ORDER BY dataset_id) FROM segment_member WHERE segment_id = merge.id)
            IS DISTINCT FROM
            (SELECT array_agg(dataset_id ORDER BY dataset_id)
             FROM segment_member AS member JOIN membership_segment AS source ON source.id = segment_id
             WHERE source.merged_into = merge.id))
    """,
    Violation.OVERLAP: """
        SELECT segment_id, NULL, shard, level, lead FROM (
            SELECT segment_id, shard, level, lead, max(lead::bigint + (1 << (30 - level))) OVER before AS ends_at
            FROM membership_block
            WHERE level BETWEEN 5 AND 30 AND lead >= 0 AND lead % (1 << (30 - least(level, 30))) = 0
            WINDOW before AS (
                PARTITION BY segment_id ORDER BY lead, level ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)) AS block
        WHERE lead < ends_at
    """,
    Violation.RECOUNT_LOST: """
        SELECT NULL, id FROM dataset WHERE recount_request IS NOT NULL AND NOT EXISTS (
            SELECT FROM pending_task WHERE name = 'recount_datasets')
    """,
    Violation.CORRECTION: """
        SELECT NULL, dataset.id
        FROM dataset CROSS JOIN LATERAL (
            SELECT name, occurred_at, collection_id FROM dataset_correction
            WHERE dataset_id = dataset.id ORDER BY recorded_at DESC, id DESC LIMIT 1) AS latest
        WHERE (dataset.name, dataset.occurred_at, dataset.collection_id)
            IS DISTINCT FROM (latest.name, latest.occurred_at, latest.collection_id)
    """,
    Violation.STATEMENT: """
        SELECT NULL, id FROM dataset WHERE state <> 'sealed' AND EXISTS (
            SELECT FROM dataset_statement WHERE dataset_id = dataset.id)
    """,
    Violation.COPY_KEPT: """
        SELECT segment_id, dataset_id FROM segment_member JOIN dataset ON dataset.id = dataset_id
        WHERE copy_dropped_at IS NOT NULL AND segment_member.number_count > 0
    """,
    Violation.STAGED_AFTER_SEALING: """
        SELECT NULL, id FROM dataset WHERE state = 'sealed' AND NOT reconciling
        AND EXISTS (SELECT FROM staged_run WHERE dataset_id = dataset.id)
    """,
    # As long as `LATE_AFTER` in core/pending_tasks.py. The arguments are ids.
    Violation.TASK_LATE: """
        SELECT NULL, NULL, NULL, NULL, NULL,
               concat_ws(
                   ' ', name, (SELECT string_agg(concat_ws(' ', key, value), ' ') FROM jsonb_each_text(arguments)),
                   'after', attempts, 'attempts:', coalesce(last_error, 'no error'))
        FROM pending_task WHERE requested_at < now() - interval '1 hour'
    """,
    # The worker ends those of a key that has expired within a minute.
    Violation.WEBHOOK_WITHOUT_KEY: """
        SELECT NULL, NULL, NULL, NULL, NULL, concat_ws(' ', 'webhook', endpoint.id, 'of key', api_key.id)
        FROM webhook_endpoint AS endpoint JOIN api_key ON api_key.id = api_key_id
        WHERE removed_at IS NULL AND least(revoked_at, expires_at) < now() - interval '1 hour'
    """,
    Violation.JOB_LOST: """
        SELECT NULL, subject_id, NULL, NULL, NULL, concat_ws(' ', kind, 'job', id)
        FROM job WHERE state IN ('waiting', 'running') AND NOT EXISTS (
            SELECT FROM pending_task WHERE name = job.kind AND arguments ->> 'job_id' = job.id::text)
    """,
    Violation.SEALING_LOST: """
        SELECT NULL, id FROM dataset WHERE state = 'sealing' AND NOT EXISTS (
            SELECT FROM job WHERE subject_id = dataset.id AND state IN ('waiting', 'running'))
    """,
    # Workers start such work again about a minute after the last sign of life.
    Violation.WORK_LEFT: """
        SELECT NULL, NULL, NULL, NULL, NULL, task_name
        FROM procrastinate_jobs AS job LEFT JOIN procrastinate_workers AS worker ON worker.id = worker_id
        WHERE status = 'doing' AND coalesce(last_heartbeat, '-infinity') < now() - interval '3 minutes'
          AND EXISTS (SELECT FROM procrastinate_events AS event WHERE event.job_id = job.id
                      GROUP BY job_id HAVING max(event.at) < now() - interval '3 minutes')
    """,
    Violation.RELEASE_LATE: "SELECT NULL, dataset_id FROM overdue_release",
    # Of a webhook whose receiver fails, few deliveries are attempted at a time. Those that failed wait for their time.
    Violation.DELIVERIES_LATE: """
        SELECT NULL, NULL, NULL, NULL, NULL, concat_ws(' ', 'webhook', endpoint_id, 'with', count(*), 'deliveries')
        FROM webhook_delivery WHERE next_attempt_at IS NOT NULL GROUP BY endpoint_id
        HAVING min(next_attempt_at) < now() - interval '1 hour'
           AND NOT bool_or(attempts > 0 AND next_attempt_at >= now() - interval '1 hour')
    """,
    Leftover.LOADING: """
        SELECT segment_id, dataset_id
        FROM segment_member AS member JOIN membership_segment AS segment ON segment.id = segment_id
        JOIN dataset ON dataset.id = dataset_id
        WHERE segment.state = 'loading' AND dataset.state <> 'sealing' AND NOT reconciling
    """,
    Leftover.RETIRED: "SELECT id FROM membership_segment WHERE state = 'retired'",
}
