"""The lists of the admin over a million orders: milliseconds of a page, and by which index.

The rows are made by SQL, with the trades, decisions, transfers, activities and messages that such
orders would have; triggers and what checks a row are off meanwhile. Each figure is the median of
some requests of a whole page through Django, sign-in and the note of who looked included.
`python -m benchmarks.admin`; `--orders` says how many.
"""

from __future__ import annotations

import argparse
import time
from statistics import median
from typing import Any, Final

from benchmarks import stage  # first: it says where the settings are read from

# isort: split
import psycopg
from django.conf import settings
from django.db.models import QuerySet
from django.test import Client

from foundation import finding
from orders.models import Order
from tests import people
from tests.services.trading.test_viewings import active_customer
from trading import postgres
from trading.settings import POSTGRES_OWNER, postgres_socket_folder

ACCOUNTS: Final = 1_000
ROUNDS: Final = 7

# A row of each table as the program wrote it, again and again: another id, account and time. Ids
# of orders rise with the time, as `foundation.ids` makes them.
ROWS: Final = {
    "accounts_account": ("accounts", {
        "id": "{account}", "number": "'B' || lpad(n::text, 8, '0')",
    }),
    "orders_order": ("orders", {
        "id": "{id}", "account_id": "{account}", "client_order_id": "'bench-' || n",
        "created_at": "{at}", "status": "{status}", "\"group\"": "NULL",
    }),
    "risk_decision": ("orders", {
        "id": "n + 1000", "order_id": "{id}", "account_id": "{account}", "at": "{at}",
    }),
    "orders_trade": ("orders", {
        "id": "{id}", "order_id": "{id}", "account_id": "{account}",
        "execution_id": "'bench-' || n", "executed_at": "{at}", "booked_at": "{at}",
    }),
    "orders_historicalorder": ("orders", {
        "history_id": "n + 1000", "id": "{id}", "account_id": "{account}", "history_date": "{at}",
    }),
    "accounts_activity": ("orders", {
        "id": "n + 100000", "account_id": "{account}", "sequence": "n + 1000", "at": "{at}",
    }),
    "portfolio_transfer": ("orders", {
        "id": "n + 100000", "reference": "'bench:' || n", "at": "{at}",
    }),
    "venues_outboxmessage": ("orders", {
        "id": "n + 100000", "order_id": "{id}", "created_at": "{at}"
    }),
    "venues_inboxreport": ("orders", {
        "id": "n + 100000", "execution_id": "'bench-' || n", "client_order_id": "({id})::text",
        "received_at": "{at}",
    }),
}  # fmt: skip
WORDS: Final = {
    "{account}": "('00000000-0000-4000-8000-' || lpad((n % {accounts})::text, 12, '0'))::uuid",
    "{id}": "(lpad(to_hex(1700000000000 + n * 20), 12, '0') || '7000b000' || "
    "lpad(to_hex(n), 12, '0'))::uuid",
    "{at}": "to_timestamp((1700000000000 + n * 20) / 1000.0)",
    "{status}": "(ARRAY['filled', 'cancelled', 'rejected', 'filled'])[1 + n % 4]",
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.admin", description="Measure.")
    parser.add_argument("--orders", type=int, default=1_000_000)
    orders = parser.parse_args().orders
    stage.set_up()
    settings.ALLOWED_HOSTS = ["testserver"]
    account = active_customer("AAPL")
    begun = time.monotonic()
    fill(orders)
    print(f"{orders:,} orders and what belongs to them in {time.monotonic() - begun:.0f} s\n")
    browser = people.browser_of(_operator())
    print(f"{'ms':>8}  the page")
    for path in (
        *("accounts/activity", "orders/trade", "portfolio/transfer", "risk/decision"),
        *("venues/outboxmessage", "venues/inboxreport"),
    ):
        row(browser, f"/admin/{path}/", f"{path}: the first page")
    first = row(browser, "/admin/orders/order/", "orders: the first page")
    row(browser, f"/admin/orders/order/{first.older}", "orders: the next page")
    middle = Order.objects.order_by("pk")[orders // 2].pk
    row(browser, f"/admin/orders/order/?after={middle}", "orders: a page in the middle")
    some = Order.objects.select_related("account").get(client_order_id=f"bench-{orders // 3}")
    for word, told in {
        str(some.pk): "its id",
        some.account.number: "its account",
        f"{some.account.number} {some.client_order_id}": "account and client order id",
        some.client_order_id: "client order id",
    }.items():
        row(browser, f"/admin/orders/order/?q={word}", f"orders: found by {told}")
    row(browser, "/admin/orders/order/?status__exact=rejected", "orders: rejected ones")
    row(browser, f"/admin/orders/order/{some.pk}/change/", "an order's own page")
    row(browser, f"/admin/customers/{some.account_id}/", "a customer of them")
    row(browser, f"/admin/customers/{account.pk}/", "a customer with some of everything")
    plans(some)


def fill(orders: int) -> None:
    """Make the rows, each table's from a row that the program wrote of it, as the owner."""
    with (
        psycopg.connect(
            host=str(postgres_socket_folder()), port=postgres.PORT, user=POSTGRES_OWNER,
            dbname="openfloor", autocommit=True,
        ) as connection,
        connection.cursor() as cursor,
    ):  # fmt: skip
        cursor.execute("SET session_replication_role = replica")
        for table, (counted, said) in ROWS.items():
            cursor.execute(f"SELECT * FROM {table} LIMIT 0")
            columns = [f'"{each.name}"' for each in cursor.description or ()]
            told = {f'"{name.strip(chr(34))}"': words for name, words in said.items()}
            values = ", ".join(_words(told.get(each, f"model.{each}")) for each in columns)
            count = ACCOUNTS if counted == "accounts" else orders
            cursor.execute(
                f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values} "
                f"FROM generate_series(1, {count}) n, (SELECT * FROM {table} LIMIT 1) model"
            )
        cursor.execute("SET session_replication_role = DEFAULT")
        cursor.execute("VACUUM ANALYZE")


def _words(told: str) -> str:
    for name, words in WORDS.items():
        told = told.replace(name, words)
    return told.replace("{accounts}", str(ACCOUNTS))


def _operator() -> Any:
    user = people.person(is_staff=True)
    user.is_superuser = True
    user.save()
    return user


def row(browser: Client, path: str, told: str) -> Any:
    took = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        answer = browser.get(path)
        took.append(time.perf_counter() - begun)
        if answer.status_code != 200:
            raise SystemExit(f"{path} was answered with {answer.status_code}")
    print(f"{median(took) * 1000:8.1f}  {told}", flush=True)
    return (getattr(answer, "context_data", None) or {}).get("cl")


def plans(some: Order) -> None:
    """Print how PostgreSQL finds the rows of each page."""
    newest = Order.objects.order_by("-pk")
    for told, rows in {
        "the first page": newest[:51],
        "a page in the middle": newest.filter(pk__lt=some.pk)[:51],
        **{
            f"found by {word!r}": _found(newest, word)[:51]
            for word in (str(some.pk), some.account.number, some.client_order_id)
        },
    }.items():
        print(f"\n{told}\n{rows.explain(analyze=True, costs=False)}")


def _found(rows: QuerySet[Order], word: str) -> QuerySet[Order]:
    fields = ("id", "group", "client_order_id", "account__number", "instrument__symbol")
    found: QuerySet[Order] = finding.by_words(rows, fields, word)
    return found


if __name__ == "__main__":
    main()
