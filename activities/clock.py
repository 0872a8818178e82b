"""What time it is for an activity that was tried again, or waited for a worker: the server's time of this try."""

from datetime import datetime

from temporalio import activity


def present(asked_at: datetime) -> datetime:
    """The later of the workflow's time when it asked and the start of this try by Temporal's clock (UTC).

    A step that was asked for at five and is taken at three in the morning, because the database was away or no worker was
    there, falls into the quiet hours. Temporal's clock and not the machine's: it is the one that skips in a demonstration.
    """
    if not activity.in_activity():
        return asked_at
    return max(asked_at, activity.info().started_time)
