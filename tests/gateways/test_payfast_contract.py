"""PayFast keeps the contract of all gateways."""

from collections.abc import Iterator

import pytest

from dev.simulators.payfast import build_app
from dev.simulators.payfast_book import Config
from domain.payment import Outcome
from gateways.asking import Question, ask
from gateways.base import BadSignatureError
from gateways.transport import Transport
from tests.gateways.bench import Bench
from tests.gateways.contract import GatewayContract, QuestionContract, ReorderedUpdateContract, UpdateContract
from tests.gateways.payfast_bench import SETTINGS, PayfastBench, account_at
from tests.gateways.serving import Merchant, served


@pytest.fixture(scope="module")
def payfast_url() -> Iterator[str]:
    with served(build_app(Config.load(SETTINGS))) as url:
        yield url


@pytest.fixture(params=["with_passphrase", "without_passphrase"])
def bench(
    request: pytest.FixtureRequest,
    payfast_url: str,
    merchant: Merchant,
    transport: Transport,
    impatient_transport: Transport,
) -> Iterator[PayfastBench]:
    bare = {"merchant_id": "10000200", "merchant_key": "0123456789abc", "passphrase": ""}
    account = account_at(payfast_url, merchant.url, **(bare if request.param == "without_passphrase" else {}))
    bench = PayfastBench(account, merchant, transport, impatient_transport)
    yield bench
    bench.close()


class TestPayfast(GatewayContract):
    pass


class TestPayfastUpdates(UpdateContract, ReorderedUpdateContract):
    pass


class TestPayfastQuestions(QuestionContract):
    def test_an_attempt_that_the_provider_never_heard_of_was_paid_by_nobody(self, bench: Bench) -> None:
        """PayFast lists only what moved money: that nobody opened a form or nobody paid it looks the same, and is no end."""
        state = bench.gateway.trace(bench.account, bench.request().trace)
        assert (state.outcome, state.found) == (Outcome.PENDING, True)
        assert not bench.gateway.trace(bench.account, "not-one-of-our-ids").found


class TestPayfastMoney:
    """What only PayFast has: forms that can be posted again, and updates that its server must confirm."""

    def test_the_same_form_paid_twice_is_one_payment_and_another_of_which_the_house_is_told(self, bench: PayfastBench) -> None:
        request = bench.request()
        bench.open(request)
        bench.pay(request.reference)
        bench.pay(request.reference)
        first, second = (
            bench.gateway.verify_update(bench.account, update.inbound()).gateway_reference
            for update in bench.updates(request.reference, 2)
        )
        assert first != second
        for state in (bench.look(request), bench.gateway.trace(bench.account, request.trace)):
            assert state.gateway_reference == first
            assert [(other.gateway_reference, other.amount) for other in state.others] == [(second, request.amount)]

    def test_an_update_that_payfast_never_sent_proves_nothing(self, bench: PayfastBench) -> None:
        """Whoever learns the passphrase, or there is none, can sign: the server's word stands between them and our money."""
        request = bench.request()
        bench.open(request)
        forged = bench.forged(request)
        assert bench.gateway.verify_update(bench.account, forged.inbound()).outcome is Outcome.PAID
        assert bench.gateway.confirm_update(bench.account, forged.body) is None
        question = Question(request.trace, None, [forged.body])
        assert ask(bench.gateway, bench.account, question).outcome is Outcome.PENDING

    def test_a_genuine_update_that_is_not_confirmed_leaves_the_word_to_the_history(self, bench: PayfastBench) -> None:
        request = bench.request()
        bench.open(request)
        bench.pay(request.reference)
        [update] = bench.updates(request.reference)
        bench.refuse_confirmation()
        assert bench.gateway.confirm_update(bench.account, update.body) is None
        bench.refuse_confirmation()
        assert bench.look(request).outcome is Outcome.PAID

    def test_an_update_of_another_merchant_is_refused(self, bench: PayfastBench) -> None:
        request = bench.request()
        bench.open(request)
        bench.name_another_merchant()
        bench.pay(request.reference)
        [update] = bench.updates(request.reference)
        with pytest.raises(BadSignatureError, match="another merchant"):
            bench.gateway.verify_update(bench.account, update.inbound())

    def test_pending_comes_before_complete_and_only_complete_is_money(self, bench: PayfastBench) -> None:
        request = bench.request()
        bench.open(request)
        bench.decide(request.reference, Outcome.PENDING)
        bench.updates(request.reference)
        assert bench.look(request).outcome is Outcome.PENDING
        bench.decide(request.reference, Outcome.PAID)
        bench.updates(request.reference, 2)
        assert bench.look(request).outcome is Outcome.PAID
