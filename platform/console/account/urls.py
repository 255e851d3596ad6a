"""URLs of the place account."""

from django.urls import URLPattern, path

from console.account import views

urlpatterns: list[URLPattern] = [
    path("login", views.sign_in, name="login"),
    path("logout", views.sign_out, name="logout"),
    path("account", views.account, name="account"),
    path("account/export", views.export, name="account_export"),
    path("account/tokens", views.tokens, name="account_tokens"),
    path("account/tokens/<str:token_id>/revoke", views.revoke_token, name="account_token_revoke"),
    path("invitations/<str:code>", views.invitation, name="invitation"),
]
