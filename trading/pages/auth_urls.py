"""The addresses of signing in and joining."""

from django.urls import path

from trading.pages import auth, auth_joining, auth_proving, auth_security

urlpatterns = [
    path("sign-in", auth.sign_in, name="sign_in"),
    path("sign-in/code", auth.code, name="code"),
    path("sign-in/link/<str:token>", auth.link, name="sign_in_link"),
    path("prove", auth_proving.prove, name="prove"),
    path("account/security", auth_security.overview, name="security"),
    path("sign-out", auth.sign_out, name="sign_out"),
    path("register", auth_joining.register, name="register"),
    path("enrol", auth_joining.enrol, name="enrol"),
]
