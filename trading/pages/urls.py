"""The addresses of the pages of a signed-in customer."""

from django.urls import path

from trading.pages import account, activity, orders, position, trade

urlpatterns = [
    path("", trade.home, name="home"),
    path("trade/<path:symbol>", trade.symbol, name="trade"),
    path("orders", orders.listing, name="orders"),
    path("orders/<uuid:order_id>", orders.detail, name="order"),
    path("activity", activity.listing, name="activity"),
    path("account", account.overview, name="account"),
    path("account/positions/<path:symbol>", position.detail, name="position"),
]
