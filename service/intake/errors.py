"""The error of this package."""


class UnreadablePart(Exception):
    """A part cannot be read at all. `slug` is stable. `detail` says what to do and contains no cell."""

    def __init__(self, slug: str, detail: str) -> None:
        super().__init__(detail)
        self.slug = slug
        self.detail = detail
