"""Whether a campaign was sent. Pure. The only home of this rule."""

from datetime import datetime

from service.core.vocabulary import CampaignState


def state_of(began_at: datetime, cancelled_at: datetime | None, moment: datetime) -> CampaignState:
    """The state of a campaign at a moment, given when the registry recorded its cancellation, if it did.

    All moments are by the registry's clock but `began_at`, which the party states.
    """
    if cancelled_at is not None:
        return CampaignState.CANCELLED if cancelled_at < began_at else CampaignState.NOT_SENT
    return CampaignState.PLANNED if moment < began_at else CampaignState.SENT
