"""Numbers that callers spell in a request, and the refusal of what is none."""

from service.core.errors import Unprocessable
from service.number.normalisation import NumberRejected, normalise_number


def read_number(spelling: str, region: str) -> int:
    """The E.164 digits of the fields `number` and `region` of a request.

    Raises Unprocessable: no number can be read, or the region is none.
    """
    try:
        return normalise_number(spelling, region)
    except NumberRejected as refusal:
        raise Unprocessable(
            "number_rejected",
            f"No telephone number can be read in `number` ({refusal.reason}). Write one number, with its country code "
            "(+33…) or as it is dialled in `region`.",
            reason=refusal.reason,
        ) from None
    except ValueError:
        raise unknown_region() from None


def unknown_region() -> Unprocessable:
    """The refusal of a `region` that no numbers are written in."""
    return Unprocessable("region_unknown", "`region` is no ISO 3166-1 alpha-2 code of a numbering plan.")
