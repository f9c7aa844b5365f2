from django.apps import AppConfig


class ExchangeConfig(AppConfig):
    """The embedded exchange: an outside party that happens to live in the house."""

    name = "venues.exchange"
    label = "exchange"
