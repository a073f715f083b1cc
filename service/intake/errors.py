"""The one error of this package."""


class UnreadablePart(Exception):
    """A part that cannot be read at all. `slug` is stable; `detail` says what to do and holds no cell value."""

    def __init__(self, slug: str, detail: str) -> None:
        super().__init__(detail)
        self.slug = slug
        self.detail = detail
