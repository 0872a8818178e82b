"""Reconciliation: once a day, and whenever staff ask, payments are looked at again whose money may have come after all.

And what a person decided of money that fitted nothing: it is settled like any other, and the same people are told.
"""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.reconciling import ConclusionRequest, DecisionRequest, LookedAt, PageRequest, Reconciling, Tally
    from workflows import names, options
    from workflows.payment import PaymentInput, PaymentResult, tell

PAGES_A_RUN = 200
# Payers come first at the gateways, too: a few questions, then a breath.
BREATH = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class ReconciliationInput:
    """Which tenant and local day, and how far it is.

    Attributes:
        only_overdue: look only at payments that should have been decided and at which nobody looks.
        after, silence, tally: where an earlier run of the same reconciliation left off.
    """

    tenant_id: str
    day: date
    only_overdue: bool = False
    after: str = ""
    silence: dict[str, int] = field(default_factory=dict)
    tally: Tally = field(default_factory=Tally)


@dataclass(frozen=True, slots=True)
class DecidedInput:
    """Which payment, and the review of which a person decided what becomes of it."""

    tenant_id: str
    payment_id: str
    review_id: str


@workflow.defn(name="Reconciliation")
class Reconciliation:
    """One tenant's payments, page by page; its result is what it came to."""

    @workflow.init
    def __init__(self, start: ReconciliationInput) -> None:
        self._so_far = start
        self._telling: list[asyncio.Task[None]] = []

    @workflow.run
    async def run(self, start: ReconciliationInput) -> Tally:
        """Look at every page, tell those whom news concerns, and record what it came to."""
        for _ in range(PAGES_A_RUN):
            if not await self._look_at_page():
                break
            await workflow.sleep(BREATH, summary="let payers pass")
        else:
            await self._until_told()
            workflow.continue_as_new(self._so_far)
        await self._until_told()
        conclusion = ConclusionRequest(start.tenant_id, start.day, self._so_far.tally, workflow.now())
        await workflow.execute_activity_method(
            Reconciling.conclude, conclusion, summary="record what it came to", **options.PAYMENTS
        )
        return self._so_far.tally

    @workflow.query
    def tally(self) -> Tally:
        """What it has come to so far."""
        return self._so_far.tally

    async def _look_at_page(self) -> bool:
        """Whether there is another page."""
        so_far = self._so_far
        request = PageRequest(
            so_far.tenant_id,
            workflow.now(),
            after=so_far.after,
            only_overdue=so_far.only_overdue,
            silence=so_far.silence,
        )
        page = await workflow.execute_activity_method(
            Reconciling.look_at_page, request, summary="ask the gateways again", **options.RECONCILIATION
        )
        self._tell(page)
        self._so_far = replace(
            so_far, after=page.after or so_far.after, silence=dict(page.silence), tally=so_far.tally + page.tally
        )
        self._show()
        return page.after is not None

    def _tell(self, page: LookedAt) -> None:
        """Beside the next page: a mail server that is away must not hold up money."""
        for news in page.news:
            payment = PaymentInput(self._so_far.tenant_id, news.payment_id)
            self._telling.append(asyncio.create_task(tell(payment, news.confirmation)))

    async def _until_told(self) -> None:
        while self._telling:
            await self._telling.pop(0)

    def _show(self) -> None:
        tally = self._so_far.tally
        workflow.set_current_details(
            f"**Reconciliation {self._so_far.day}**: {tally.asked} payments asked, {tally.settled} settled, {tally.failed} "
            f"failed, {tally.reviewed} put before a person, {tally.unanswered} unanswered"
        )


@workflow.defn(name="DecidedPayment")
class DecidedPayment:
    """What a person decided when looking at a review, done to the payment."""

    @workflow.run
    async def run(self, decided: DecidedInput) -> PaymentResult:
        """Settle it (or end it, when no money came), and tell those whom it concerns."""
        request = DecisionRequest(decided.tenant_id, decided.payment_id, decided.review_id, workflow.now())
        confirmation = await workflow.execute_activity_method(
            Reconciling.carry_out, request, summary="do what was decided", **options.PAYMENTS
        )
        workflow.upsert_search_attributes([names.PAYMENT_STATE.value_set(confirmation.status.value)])
        await tell(PaymentInput(decided.tenant_id, decided.payment_id), confirmation)
        return PaymentResult(confirmation.status, confirmation.outcome)
