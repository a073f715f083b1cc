"""The statements of lookups: which datasets store a key, and what is known of it beside."""

from typing import Final, LiteralString

# The blocks that hold a key. A block of any level may hold it, so all 26 levels are probed by the primary key. If the
# bytes match across two neighbouring keys, each key is compared instead; random keys never make that necessary.
# OFFSET 0 keeps each subquery as it is written. Otherwise a small table is read by whole shards instead of by probes,
# and each value that is computed from the place of the key searches for the key again.
CANDIDATE_BLOCKS: Final[LiteralString] = """
    SELECT block.*, place.place
    FROM generate_series(5, 30) AS width (level)
    CROSS JOIN LATERAL (
        SELECT * FROM membership_block AS probed
        WHERE probed.shard = %(shard)s AND probed.level = width.level
          AND probed.lead = %(lead)s >> (30 - width.level) << (30 - width.level) OFFSET 0) AS block
    CROSS JOIN LATERAL (
        SELECT substr(%(key)s, 1 + width.level / 8) AS rest, 16 - width.level / 8 AS size) AS stored
    CROSS JOIN LATERAL (SELECT position(stored.rest IN block.keys) - 1 AS at) AS first
    CROSS JOIN LATERAL (
        SELECT CASE WHEN at %% size = 0 THEN at / size ELSE (
            SELECT n / size FROM generate_series(0, octet_length(block.keys) - 1, size) AS n
            WHERE substr(block.keys, n + 1, size) = rest) END AS place) AS place
    WHERE first.at >= 0 AND place.place IS NOT NULL OFFSET 0
"""
# The memberships of the key in each block. In a segment of a single dataset there is one, at the place of the key. In a
# segment of several datasets, the block's list of holders states where the key's memberships begin. They end where the
# next key's begin, or with the list.
_MEMBERSHIPS_OF_KEY: Final[LiteralString] = f"""
    SELECT (SELECT dataset_id FROM segment_member AS member
            WHERE member.segment_id = found.segment_id AND member.place = holder.place) AS dataset_id,
           found.segment_id, found.level, found.lead, entry.at, total,
           substr(consented_at, 1, 16) || substr(consented_at, 16 + 4 * entry.at + 1, 4) AS consented_at, record_ids
    FROM ({CANDIDATE_BLOCKS}) AS found
    CROSS JOIN LATERAL (
        SELECT octet_length(keys) / (16 - level / 8) AS keys_here, octet_length(holders) / 2 AS shorts) AS size
    CROSS JOIN LATERAL (SELECT coalesce(shorts - keys_here, keys_here) AS total) AS sum
    CROSS JOIN LATERAL generate_series(
        coalesce(get_byte(holders, 2 * place) * 256 + get_byte(holders, 2 * place + 1), place),
        CASE WHEN holders IS NULL THEN place
             WHEN place + 1 = keys_here THEN total - 1
             ELSE get_byte(holders, 2 * place + 2) * 256 + get_byte(holders, 2 * place + 3) - 1 END) AS entry (at)
    CROSS JOIN LATERAL (
        SELECT coalesce(get_byte(holders, 2 * (keys_here + entry.at)) * 256
                      + get_byte(holders, 2 * (keys_here + entry.at) + 1), 0) AS place) AS holder
    WHERE (SELECT state FROM membership_segment AS segment WHERE segment.id = found.segment_id) = 'live'
"""  # noqa: S608
STORING_DATASETS: Final[LiteralString] = f"SELECT dataset_id FROM ({_MEMBERSHIPS_OF_KEY}) AS membership"  # noqa: S608
# Erasures are read once, not for each membership. As a rule there are none.
_ERASURES: Final[LiteralString] = """
    SELECT array_agg(dataset_id) AS datasets, array_agg(erased_at) AS times FROM exclusion WHERE key = %(key)s
"""
LOOKUP: Final[LiteralString] = f"""
    SELECT version, erasure.*, contested.*, membership.*
    FROM graph_version
    CROSS JOIN ({_ERASURES}) AS erasure
    CROSS JOIN (SELECT array_agg(dataset_id) AS contested, array_agg(contested_at), array_agg(answered_at)
                FROM open_contest WHERE mark = %(mark)s) AS contested
    LEFT JOIN LATERAL ({_MEMBERSHIPS_OF_KEY}) AS membership ON true
"""  # noqa: S608
_STORED: Final[LiteralString] = f"""
    SELECT ARRAY({STORING_DATASETS}) AS dataset_ids, erasure.* FROM ({_ERASURES}) AS erasure
"""  # noqa: S608
_STORED_OF_WANTED: Final[LiteralString] = (
    _STORED.replace("%(key)s", "wanted.key").replace("%(lead)s", "wanted.lead").replace("%(shard)s", "wanted.shard")
)
LOOKUP_MANY: Final[LiteralString] = f"""
    SELECT version, stored.*
    FROM graph_version
    CROSS JOIN unnest(%(keys)s::bytea[], %(leads)s::int[], %(shards)s::int[])
        WITH ORDINALITY AS wanted (key, lead, shard, place)
    CROSS JOIN LATERAL ({_STORED_OF_WANTED}) AS stored
    ORDER BY wanted.place
"""  # noqa: S608
