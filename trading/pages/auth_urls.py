"""The addresses of signing in and joining."""

from django.urls import path

from trading.pages import (
    auth,
    auth_adding,
    auth_email,
    auth_enrolling,
    auth_joining,
    auth_proving,
    auth_resets,
    auth_security,
    auth_sign_ins,
    opening,
)

urlpatterns = [
    path("sign-in", auth.sign_in, name="sign_in"),
    path("sign-in/code", auth.code, name="code"),
    path("sign-in/key", auth.key_options, name="sign_in_key"),
    path("sign-in/forgotten", auth_resets.forgotten, name="forgotten"),
    path("sign-in/reset/<str:token>", auth_resets.reset, name="reset"),
    path("sign-in/link/<str:token>", auth.link, name="sign_in_link"),
    path("prove", auth_proving.prove, name="prove"),
    path("prove/key", auth_proving.key_options, name="prove_key"),
    path("account/security", auth_security.overview, name="security"),
    path("account/security/app", auth_adding.app, name="add_app"),
    path("account/security/key", auth_adding.key, name="add_key"),
    path("account/security/key/options", auth_adding.key_options, name="add_key_options"),
    path("account/security/place/<str:way>", auth_adding.place, name="add_place"),
    path("account/security/recovery-codes", auth_security.recovery_codes, name="recovery_codes"),
    path("account/security/rename", auth_security.rename, name="rename_factor"),
    path("account/security/remove", auth_security.remove, name="remove_factor"),
    path("account/security/email", auth_email.email, name="change_email"),
    path("account/security/password", auth_security.password, name="password"),
    path("account/security/end/<uuid:sign_in_id>", auth_sign_ins.end, name="end_sign_in"),
    path("account/security/end-others", auth_sign_ins.end_others, name="end_other_sign_ins"),
    path("sign-out", auth.sign_out, name="sign_out"),
    path("register", auth_joining.register, name="register"),
    path("join/<str:token>", auth_joining.join, name="join"),
    path("terms", auth_joining.show_terms, name="terms"),
    path("account/opening", opening.opening, name="opening"),
    path("account/opening/examples", opening.examples, name="opening_examples"),
    path("enrol", auth_enrolling.enrol, name="enrol"),
    path("enrol/key", auth_enrolling.enrol_key, name="enrol_key"),
    path("enrol/key/options", auth_enrolling.key_options, name="enrol_key_options"),
]
