"""The addresses of the pages of a signed-in customer."""

from django.urls import path

from trading.pages import account, activity, alert, money, orders, position, statements, trade

urlpatterns = [
    path("", trade.home, name="home"),
    path("trade/<path:symbol>", trade.symbol, name="trade"),
    path("orders", orders.listing, name="orders"),
    path("orders/<uuid:order_id>", orders.detail, name="order"),
    path("activity", activity.listing, name="activity"),
    path("account", account.overview, name="account"),
    path("account/positions/<path:symbol>", position.detail, name="position"),
    path("account/money", money.overview, name="money"),
    path("account/money/payees/new", money.add_payee, name="add_payee"),
    path("account/money/payees/<uuid:payee_id>/remove", money.remove_payee, name="remove_payee"),
    path("account/money/withdraw", money.withdraw, name="withdraw"),
    path("account/money/limit", money.set_limit, name="set_limit"),
    path("account/money/withdrawals/<uuid:funding_id>/cancel", money.cancel, name="cancel"),
    path("alerts/<str:token>", alert.acknowledge, name="acknowledge_alert"),
    path("account/statements", statements.listing, name="statements"),
    path("account/statements/<uuid:statement_id>.csv", statements.as_csv, name="statement_csv"),
    path("account/statements/<uuid:statement_id>.pdf", statements.as_pdf, name="statement_pdf"),
    path("account/history.csv", statements.export, name="history"),
    path("cancel/<str:token>", money.cancel_link, name="cancel_link"),
]
