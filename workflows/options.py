"""Time-outs and retries of every activity, in one place, each with its reason."""

from datetime import timedelta
from typing import NotRequired, TypedDict

from temporalio.common import Priority, RetryPolicy

from workflows.names import BILLING_QUEUE, MAIL_QUEUE, PAYMENTS_QUEUE


class ActivityOptions(TypedDict):
    """What every call of an activity is given; its summary is the caller's."""

    task_queue: str
    start_to_close_timeout: timedelta
    retry_policy: RetryPolicy
    heartbeat_timeout: NotRequired[timedelta]


# The database comes back: try until it does, no faster than once a minute.
_UNTIL_IT_WORKS = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=1))

# The time-outs below are also how long Temporal takes to notice that a worker died with an activity in hand. What is still
# running when it is tried again holds its rows' locks: the second try waits for the first.
BILLING = ActivityOptions(task_queue=BILLING_QUEUE, start_to_close_timeout=timedelta(seconds=20), retry_policy=_UNTIL_IT_WORKS)

# A lifecycle of a year takes about a hundred events. A longer one begins a new run, so that a worker that takes it
# over replays little (the server's own limit is 51,200).
LONGEST_LIFECYCLE_EVENTS = 400

START_LIFECYCLES = ActivityOptions(
    task_queue=BILLING_QUEUE,
    start_to_close_timeout=timedelta(hours=6),
    heartbeat_timeout=timedelta(seconds=20),
    retry_policy=_UNTIL_IT_WORKS,
)

# Three retries with exponential back-off (requirements P12); each call to a gateway ends within 10 s, and a try makes two.
GATEWAY = ActivityOptions(
    task_queue=PAYMENTS_QUEUE,
    start_to_close_timeout=timedelta(seconds=30),
    retry_policy=RetryPolicy(initial_interval=timedelta(seconds=1), backoff_coefficient=2.0, maximum_attempts=4),
)

PAYMENTS = ActivityOptions(
    task_queue=PAYMENTS_QUEUE, start_to_close_timeout=timedelta(seconds=30), retry_policy=_UNTIL_IT_WORKS
)

# A page of a reconciliation: a few payments one after the other, each heard of before the next is asked about; asking takes
# 30 s at worst.
RECONCILIATION = ActivityOptions(
    task_queue=PAYMENTS_QUEUE,
    start_to_close_timeout=timedelta(minutes=5),
    heartbeat_timeout=timedelta(seconds=60),
    retry_policy=_UNTIL_IT_WORKS,
)

# The pauses between tries are the letter's own (`activities.mailing.RETRY_PAUSES`), and the count in the log of messages ends
# them. The policy here is for what is not the mail server's doing: a worker that died, a database that is away.
MAIL = ActivityOptions(
    task_queue=MAIL_QUEUE,
    start_to_close_timeout=timedelta(seconds=40),
    retry_policy=RetryPolicy(initial_interval=timedelta(seconds=5), maximum_interval=timedelta(hours=1)),
)

# A waiting payer comes before an invoice's step, and that before a billing run or a second look at old payments; tenants share
# fairly within each.
PAYMENT_PRIORITY = 1
LIFECYCLE_PRIORITY = 3
BILLING_RUN_PRIORITY = 5
RECONCILIATION_PRIORITY = 5


def priority(level: int, tenant_id: str) -> Priority:
    """What a workflow and its activities are given, so that one tenant's flood does not hold up another's payer."""
    return Priority(priority_key=level, fairness_key=tenant_id)
