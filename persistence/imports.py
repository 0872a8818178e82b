"""Import of plans, customers with subscriptions, and charges: checked against the database, then stored all or nothing.

A file says what should be. What exists already under its key is left alone when it is the same, and changed when the file says
otherwise; a blank cell says nothing. So a file that is imported twice changes nothing. The keys: a plan's code; a customer's
reference; customer, plan and first day of a subscription; everything that a charge says. A plan's price is never changed: its
subscribers would pay it from the next run on, which is not what somebody who imports customers has in mind.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, String, any_, func, insert, literal, select, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import InstrumentedAttribute, Session

from domain.csv_table import RowProblem
from domain.customer_import import ChargeLine, CustomerLine, ImportFile, PlanLine, Upload, charge_key, read_upload
from domain.errors import InvalidInputError
from domain.ids import Prefix
from domain.money import Money
from persistence import audit, tenants
from persistence.contacts import email_address, phone_rule
from persistence.import_plan import ImportPlan, ImportResult, RowChange
from persistence.models import ChargeRow, CustomerRow, PlanRow, SubscriptionRow

# In this order rows are stored, because the later ones point to the earlier ones.
_KINDS = {PlanRow: "Plan", CustomerRow: "Customer", SubscriptionRow: "Subscription", ChargeRow: "Charge"}


@dataclass(frozen=True, slots=True)
class ImportOutcome:
    """What came of an import. `result` is None when there are problems: nothing was stored then."""

    problems: tuple[RowProblem, ...]
    changes: tuple[RowChange, ...]
    result: ImportResult | None


def run(
    session: Session, files: Mapping[ImportFile, bytes], *, actor: str, now: datetime, dry_run: bool = False
) -> ImportOutcome:
    """Read, check and store the files for the bound tenant, in the caller's transaction.

    Args:
        files: contents as uploaded. Files that belong together go in one call: customers.csv may name plans of plans.csv.
        actor: who imports, for the audit log.
        dry_run: do everything, down to the database's own checks, and take it back.
    """
    drawn = plan(session, read(session, files))
    if drawn.problems:
        return ImportOutcome(tuple(drawn.problems), (), None)
    with session.begin_nested() as savepoint:
        result = apply(session, drawn, actor=actor, now=now)
        if dry_run:
            savepoint.rollback()
    return ImportOutcome((), tuple(drawn.changes), result)


def read(session: Session, files: Mapping[ImportFile, bytes]) -> Upload:
    """The files' rows; phone numbers are read as the bound tenant's country writes them."""
    return read_upload(files, email=email_address, phone=phone_rule(tenants.branding(session).locale))


def plan(session: Session, upload: Upload) -> ImportPlan:
    """Compare the files with what is stored; writes nothing.

    Holds back other imports of this tenant until the transaction ends: both would add the same customers.
    """
    session.execute(
        select(func.pg_advisory_xact_lock(func.hashtextextended("import/" + func.current_setting("dunlin.tenant_id"), 0)))
    )
    drawn = ImportPlan(problems=list(upload.problems))
    plan_ids = _plan_plans(session, drawn, upload)
    customer_ids = _plan_customers(session, drawn, upload)
    _plan_subscriptions(session, drawn, upload.customers, plan_ids, customer_ids)
    _plan_charges(session, drawn, upload.charges, customer_ids)
    order = [file.value for file in ImportFile]
    drawn.problems.sort(key=lambda problem: (order.index(problem.file), problem.row))
    return drawn


def apply(session: Session, drawn: ImportPlan, *, actor: str, now: datetime) -> ImportResult:
    """Store what `plan` drew up, in the caller's transaction, with its audit entries.

    Raises:
        InvalidInputError: the plan has problems; nothing was stored.
    """
    if drawn.problems:
        raise InvalidInputError(
            "file",
            f"{len(drawn.problems)} problem(s) must be put right before anything is imported; the first: {drawn.problems[0]}",
        )
    for new in drawn.added.get(CustomerRow, ()):
        new["created_at"] = now
    # The checks of foreign keys keep the plan that they made while the table was small: it reads all of a tenant's customers
    # for each subscription. Planned anew each time, a hundred thousand rows take minutes less.
    session.execute(select(func.set_config("plan_cache_mode", "force_custom_plan", True)))  # noqa: FBT003 - for this transaction
    for table in _KINDS:
        if drawn.added.get(table):
            session.execute(insert(table), drawn.added[table])
        if drawn.changed.get(table):
            # In the order of the ids, as all who lock rows do.
            session.execute(update(table), [values for _, values in sorted(drawn.changed[table].items())])
    # What this session has read of these rows is old now.
    session.expire_all()
    _audit(session, drawn, actor, now)
    return drawn.result()


def _audit(session: Session, drawn: ImportPlan, actor: str, now: datetime) -> None:
    """One entry for the import and one for each thing that was changed; none for a file that changed nothing."""
    if not drawn.added and not drawn.changed:
        return
    tenant_id = tenants.current(session).id
    audit.record(session, now, actor, "CUSTOMERS_IMPORTED", "Tenant", tenant_id, **asdict(drawn.result()))
    for table, kind in _KINDS.items():
        for identity, values in drawn.changed.get(table, {}).items():
            # The names of the columns only: the audit log is for ever, and a person's address is not.
            columns = sorted(values.keys() - {"id"})
            audit.record(session, now, actor, f"{kind.upper()}_CHANGED", kind, identity, columns=columns)
    session.flush()


def _among(column: InstrumentedAttribute[str], values: Iterable[str]) -> ColumnElement[bool]:
    """One array instead of a parameter a value, of which a statement takes 65,535 at most."""
    return column == any_(literal(sorted(values), ARRAY(String)))


def _plan_plans(session: Session, drawn: ImportPlan, upload: Upload) -> dict[str, str]:
    """The ids of all plans that the files name, by code."""
    codes = {line.code for line in upload.plans} | {line.subscription.plan for line in upload.customers if line.subscription}
    stored = {row.code: row for row in session.scalars(select(PlanRow).where(_among(PlanRow.code, codes)))}
    ids = {code: row.id for code, row in stored.items()}
    for line in upload.plans:
        if line.code in stored:
            _compare_plan(drawn, stored[line.code], line)
        else:
            ids[line.code] = drawn.add(PlanRow, Prefix.PLAN, code=line.code, name=line.name, **_terms(line))
    return ids


def _terms(line: PlanLine) -> dict[str, Any]:
    return {
        "price": line.price.minor,
        "currency": line.price.currency,
        "interval_months": line.interval_months,
        "tax_basis_points": line.tax_basis_points,
        "prorated": line.prorated,
    }


def _compare_plan(drawn: ImportPlan, stored: PlanRow, line: PlanLine) -> None:
    kept = {name: getattr(stored, name) for name in _terms(line)}
    if kept == _terms(line):
        drawn.compare(PlanRow, stored, {"name": line.name}, ImportFile.PLANS, line.row)
        return
    price = Money(stored.price, stored.currency)
    terms = f"{price} every {stored.interval_months} month(s), tax {stored.tax_basis_points / 100:g} %"
    terms += ", prorated" if stored.prorated else ", not prorated"
    message = f"plan {line.code!r} exists with other terms ({terms}), which its subscribers keep; give the new ones a new code."
    drawn.refuse(ImportFile.PLANS, line.row, "code", message)


def _plan_customers(session: Session, drawn: ImportPlan, upload: Upload) -> dict[str, str]:
    """The ids of all customers that the files name, by reference."""
    references = {line.reference for line in upload.customers} | {line.customer_reference for line in upload.charges}
    rows = session.scalars(select(CustomerRow).where(_among(CustomerRow.reference, references)))
    stored = {row.reference: row for row in rows}
    ids = {reference: row.id for reference, row in stored.items()}
    first_lines: dict[str, CustomerLine] = {}
    for line in upload.customers:
        first_lines.setdefault(line.reference, line)
    for reference, line in first_lines.items():
        said = {"name": line.name, "email": line.email, "phone": line.phone}
        if reference in stored:
            drawn.compare(CustomerRow, stored[reference], said, ImportFile.CUSTOMERS, line.row)
        else:
            ids[reference] = drawn.add(CustomerRow, Prefix.CUSTOMER, reference=reference, **said)
    return ids


def _plan_subscriptions(
    session: Session, drawn: ImportPlan, lines: tuple[CustomerLine, ...], plan_ids: dict[str, str], customer_ids: dict[str, str]
) -> None:
    stored = _stored_subscriptions(session, {customer_ids[line.reference] for line in lines})
    for line in lines:
        terms = line.subscription
        if terms is None:
            continue
        if terms.plan not in plan_ids:
            message = f"there is no plan {terms.plan!r}; add it first, or hand in plans.csv together with this file."
            drawn.refuse(ImportFile.CUSTOMERS, line.row, "plan", message)
            continue
        key = (customer_ids[line.reference], plan_ids[terms.plan], terms.starts_on)
        said = {"quantity": terms.quantity, "ends_on": terms.ends_on}
        if key in stored:
            drawn.compare(SubscriptionRow, stored[key], said, ImportFile.CUSTOMERS, line.row)
        else:
            named = dict(zip(("customer_id", "plan_id", "starts_on"), key, strict=True))
            drawn.add(SubscriptionRow, Prefix.SUBSCRIPTION, **named, **said)


def _stored_subscriptions(session: Session, customer_ids: set[str]) -> dict[tuple[str, str, date], SubscriptionRow]:
    rows = session.scalars(select(SubscriptionRow).where(_among(SubscriptionRow.customer_id, customer_ids)))
    return {(row.customer_id, row.plan_id, row.starts_on): row for row in rows}


def _plan_charges(session: Session, drawn: ImportPlan, lines: tuple[ChargeLine, ...], customer_ids: dict[str, str]) -> None:
    references = {
        customer_ids[line.customer_reference]: line.customer_reference
        for line in lines
        if line.customer_reference in customer_ids
    }
    rows = session.scalars(select(ChargeRow).where(_among(ChargeRow.customer_id, references)))
    stored = {charge_key(_charge_line(row, references[row.customer_id])) for row in rows}
    for line in lines:
        if line.customer_reference not in customer_ids:
            message = (
                f"there is no customer {line.customer_reference!r}; add them first, or hand in customers.csv with this file."
            )
            drawn.refuse(ImportFile.CHARGES, line.row, "customer_reference", message)
        elif charge_key(line) in stored:
            drawn.unchanged += 1
        else:
            drawn.add(
                ChargeRow,
                Prefix.CHARGE,
                customer_id=customer_ids[line.customer_reference],
                description=line.description,
                quantity=line.quantity,
                unit_price=line.unit_price.minor,
                currency=line.unit_price.currency,
                tax_basis_points=line.tax_basis_points,
                charge_on=line.charge_on,
            )


def _charge_line(row: ChargeRow, reference: str) -> ChargeLine:
    price = Money(row.unit_price, row.currency)
    return ChargeLine(0, reference, row.description, row.quantity, price, row.tax_basis_points, row.charge_on)
