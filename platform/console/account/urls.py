"""URLs of the place account."""

from django.urls import URLPattern, path

from console.account import proof, security, single_sign_on, views

urlpatterns: list[URLPattern] = [
    # The names with a prefix are those that allauth sends people to.
    path("login", views.sign_in, name="account_login"),
    path("login/second-step", proof.second_step, name="mfa_authenticate"),
    path("login/with/<str:idp>", single_sign_on.sign_in_with, name="sign_in_with"),
    path("login/with/<str:idp>/back", single_sign_on.back, name="sign_in_back"),
    path("logout", views.sign_out, name="logout"),
    path("account", views.account, name="account"),
    path("account/export", views.export, name="account_export"),
    path("account/confirm", proof.confirm, name="account_reauthenticate"),
    path("account/security", security.security, name="account_security"),
    path("account/security/app", security.app, name="account_app"),
    path("account/security/keys/new", security.new_key, name="account_new_key"),
    path("account/security/factors/<int:factor>/remove", security.remove, name="account_remove_factor"),
    path("account/security/recovery-codes", security.recovery_codes, name="account_recovery_codes"),
    path("account/security/sign-out-elsewhere", security.sign_out_elsewhere, name="account_sign_out_elsewhere"),
    path("account/security/identities/<str:idp>/link", single_sign_on.link, name="account_link"),
    path("account/security/identities/<int:factor>/unlink", single_sign_on.unlink, name="account_unlink"),
    path("account/tokens", views.tokens, name="account_tokens"),
    path("account/tokens/<str:token_id>/revoke", views.revoke_token, name="account_token_revoke"),
    path("invitations/<str:code>", views.invitation, name="invitation"),
]
