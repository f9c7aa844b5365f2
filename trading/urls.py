"""Every address of the platform."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("trading.pages.auth_urls")),
    path("", include("trading.pages.urls")),
    path("admin/", admin.site.urls),
    path("", include("trading.api.urls")),
]
