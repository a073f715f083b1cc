"""Reads a number that a request states as free text, or refuses the request."""

from service.core.errors import Unprocessable
from service.number.normalisation import normalise_number
from service.number.rejection import NumberRejected


def read_number(text: str, region: str) -> int:
    """The E.164 digits of the fields `number` and `region` of a request.

    Raises:
        Unprocessable: the text is not a telephone number, or the region is unknown.
    """
    try:
        return normalise_number(text, region)
    except NumberRejected as refusal:
        raise Unprocessable(
            "number_rejected",
            f"`number` is not a telephone number ({refusal.reason}). Write one number, with its country code (+33…) or "
            "as it is dialled in `region`.",
            reason=refusal.reason,
        ) from None
    except ValueError:
        raise unknown_region() from None


def unknown_region() -> Unprocessable:
    """The error for a `region` without a numbering plan."""
    return Unprocessable(
        "unknown_region",
        "`region` is not the code of a country with a numbering plan. Use an ISO 3166-1 alpha-2 code such as FR.",
    )
