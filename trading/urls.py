"""Every address of the platform."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from trading import health
from trading.metrics import views as metrics
from trading.status import views as status

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", metrics.metrics, name="metrics"),
    path("status", status.page, name="status"),
    path("status.json", status.plain, name="status_json"),
    path("", include("trading.pages.auth_urls")),
    path("", include("trading.pages.urls")),
    path("admin/", include("trading.operations.urls", namespace="operations")),
    path("admin/", admin.site.urls),
    path("", include("trading.api.urls")),
]
