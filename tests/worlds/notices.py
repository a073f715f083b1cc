"""Which version of a notice or collection counts, and what its collector states of it."""

from tests.worlds.rows import Collection, Notice


class NoticeRules:
    """The part of the naive registry that is about notices and collections."""

    notices: dict[str, Notice]
    collections: dict[str, Collection]

    def latest_notice(self, notice: str) -> str:
        later = next((row.name for row in self.notices.values() if row.corrects == notice), None)
        return self.latest_notice(later) if later else notice

    def first_notice(self, notice: str) -> str:
        """The notice with which a row of corrections began. Numbers are counted by it."""
        earlier = self.notices[notice].corrects
        return self.first_notice(earlier) if earlier else notice

    def latest_collection(self, collection: str) -> str:
        later = next((row.name for row in self.collections.values() if row.corrects == collection), None)
        return self.latest_collection(later) if later else collection

    def collector_word(self, collection: str) -> str:
        """What the collector states of a collection and of what it corrects: attested, denied or nothing.

        It attests only what was recorded by then, as far as others recorded it.
        """
        row = self.collections[collection]
        if row.by == row.collector:
            return "attested"
        words, version = list(row.words), row
        while version.corrects:
            version = self.collections[version.corrects]
            words += version.words
        status, step = max(words, key=lambda word: word[1], default=("withdrawn", 0))
        notice = self.notices[self.latest_notice(row.notice)]
        stale = row.step > step or (notice.by != row.collector and notice.step > step)
        return "" if status == "withdrawn" or (status == "attested" and stale) else status
