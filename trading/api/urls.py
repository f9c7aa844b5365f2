"""The addresses of the compatible API, by API key, and of our own, by session.

Most calls are at both: /v2 for programs, with the manners of the API that they were written
for, and /api/v1 for our pages, whose unknown fields are refused.
"""

from __future__ import annotations

import os

from django.urls import URLPattern, URLResolver, include, path

from trading.api.described import views
from trading.api.views import (
    actions,
    books,
    data,
    estimates,
    history,
    keys,
    market,
    money,
    movers,
    orders,
    own,
    phones,
    portfolio,
    settings,
    statements,
    watchlists,
)
from trading.api.views.base import Call, keyed

_BOTH: list[tuple[str, type[Call]]] = [
    ("orders", orders.Orders),
    ("orders:by_client_order_id", orders.OrderByClientOrderId),
    ("orders/<str:order_id>", orders.OrderOf),
    ("positions", portfolio.Positions),
    ("positions/<path:name>", portfolio.PositionOf),
    ("account", portfolio.Account),
    ("account/configurations", settings.AccountConfigurations),
    ("account/portfolio/history", history.PortfolioHistory),
    ("account/activities", portfolio.Activities),
    ("account/activities/<str:activity_type>", portfolio.Activities),
    ("assets", market.Assets),
    ("assets/<path:name>", market.AssetOf),
    ("clock", market.Clock),
    ("proof", own.ProofOfLiabilities),
    ("calendar", market.Calendar),
    ("corporate_actions/announcements", actions.Announcements),
    ("corporate_actions/announcements/<str:action>", actions.AnnouncementOf),
    ("watchlists", watchlists.Watchlists),
    ("watchlists:by_name", watchlists.WatchlistByName),
    ("watchlists/<str:watchlist_id>", watchlists.WatchlistOf),
    ("watchlists/<str:watchlist_id>/<path:symbol>", watchlists.WatchedSymbol),
]
_OWN: list[tuple[str, type[Call]]] = [
    ("orders/estimate", estimates.OrderEstimate),
    ("orders/<str:order_id>/timeline", orders.OrderTimeline),
    ("orders:cancelable", orders.CancelableOrders),
    ("bars", own.ChartBars),
    ("screener", movers.Screener),
    ("instruments/<path:name>/book", books.BookOf),
    ("instruments/<path:name>/trades", books.TradesOf),
    ("instruments/<path:name>/quote-bars", books.QuoteBarsOf),
    ("account/settings", settings.AccountSettings),
    ("activity", own.ActivityLog),
    ("keys", keys.Keys),
    ("keys/<str:key_id>", keys.KeyOf),
    ("keys/<str:key_id>/rotate", keys.KeyRotation),
    ("payees", money.Payees),
    ("payees/<str:payee_id>", money.PayeeOf),
    ("withdrawals", money.Withdrawals),
    ("withdrawals/limit", money.WithdrawalLimit),
    ("withdrawals/<str:funding_id>", money.WithdrawalOf),
    ("statements", statements.Statements),
    ("statements/<str:statement_id>.csv", statements.StatementCsv),
    ("statements/<str:statement_id>.pdf", statements.StatementPdf),
    ("history.csv", statements.HistoryCsv),
    ("demo-deposit", own.DemoDeposit),
    ("auth/step-up", phones.StepUp),
    ("auth/step-up/code", phones.StepUpCode),
    ("auth/step-up/key", phones.StepUpKey),
    ("auth/devices", phones.Devices),
    ("auth/devices/<str:phone_id>", phones.DeviceOf),
    ("auth/sign-out", phones.SignOut),
]
_SCREENER: list[tuple[str, type[Call]]] = [
    ("stocks/most-actives", movers.MostActives),
    ("<str:market>/movers", movers.MarketMovers),
]
_STOCKS: list[tuple[str, type[Call]]] = [
    ("bars", data.Bars),
    ("bars/latest", data.LatestBars),
    ("quotes", data.Quotes),
    ("quotes/latest", data.LatestQuotes),
    ("trades", data.Trades),
    ("trades/latest", data.LatestTrades),
    ("snapshots", data.Snapshots),
    ("<str:symbol>/bars", data.Bars),
    ("<str:symbol>/bars/latest", data.LatestBars),
    ("<str:symbol>/quotes", data.Quotes),
    ("<str:symbol>/quotes/latest", data.LatestQuotes),
    ("<str:symbol>/trades", data.Trades),
    ("<str:symbol>/trades/latest", data.LatestTrades),
    ("<str:symbol>/snapshot", data.Snapshots),
]
_CRYPTO: list[tuple[str, type[Call]]] = [
    ("bars", data.for_crypto(data.Bars)),
    ("quotes", data.for_crypto(data.Quotes)),
    ("trades", data.for_crypto(data.Trades)),
    ("latest/bars", data.for_crypto(data.LatestBars)),
    ("latest/orderbooks", books.LatestOrderbooks),
    ("latest/quotes", data.for_crypto(data.LatestQuotes)),
    ("latest/trades", data.for_crypto(data.LatestTrades)),
    ("snapshots", data.for_crypto(data.Snapshots)),
]


def _for_programs(calls: list[tuple[str, type[Call]]]) -> list[URLPattern]:
    return [path(address, keyed(call).as_view()) for address, call in calls]


def _for_pages(calls: list[tuple[str, type[Call]]]) -> list[URLPattern]:
    return [path(address, call.as_view()) for address, call in calls]


urlpatterns: list[URLPattern | URLResolver] = [
    path("v2/", include(_for_programs(_BOTH))),
    path("v1/corporate-actions", keyed(actions.CorporateActions).as_view()),
    path("v2/stocks/", include(_for_programs(_STOCKS))),
    path("v1beta1/screener/", include(_for_programs(_SCREENER))),
    path("v1beta3/crypto/us/", include(_for_programs(_CRYPTO))),
    path("api/schema", views.schema, name="api_schema"),
    path("api/docs", views.page, name="api_docs"),
    path("api/v1/auth/password", phones.Password.as_view(), name="phone_password"),
    path("api/v1/auth/factor", phones.Factor.as_view(), name="phone_factor"),
    path("api/v1/auth/factor/code", phones.FactorCode.as_view(), name="phone_factor_code"),
    path("api/v1/auth/factor/key", phones.FactorKey.as_view(), name="phone_factor_key"),
    path("api/v1/auth/refresh", phones.Refresh.as_view(), name="phone_refresh"),
    path("api/v1/", include(_for_pages([*_OWN, *_BOTH]))),
]
if os.environ.get("OPENFLOOR_BENCHMARK"):
    from trading.api.views import nothing

    urlpatterns.append(path("v2/nothing", nothing.Nothing.as_view()))
