"""Routes of this app's REST API."""

from __future__ import annotations

from django.urls import path

from teams.rest import departures, events, roles, service_accounts, sign_in_providers, views

TEAM = "teams/<str:team>"
APPLICATION = "applications/<str:application>"

urlpatterns = [
    path("me", views.MeView.as_view(), name="me"),
    path("me/export", departures.ExportView.as_view(), name="me-export"),
    path("users", departures.UserViewSet.as_view({"get": "list"}), name="users"),
    *(
        path(f"users/<str:public_id>/{action}", departures.UserViewSet.as_view({"post": action}), name=f"user-{action}")
        for action in ("role", "deactivate", "reactivate", "erase")
    ),
    path(
        "users/<str:public_id>/reset-factors",
        departures.UserViewSet.as_view({"post": "reset_factors"}),
        name="user-reset-factors",
    ),
    path("audit/verification", departures.VerificationView.as_view(), name="audit-verification"),
    path("tokens", views.TokenViewSet.as_view({"get": "list", "post": "create"}), name="tokens"),
    path("tokens/<str:public_id>", views.TokenViewSet.as_view({"get": "retrieve", "delete": "destroy"}), name="token"),
    path("audit", views.AuditViewSet.as_view({"get": "list"}), name="audit"),
    path("invitations/accept", views.AcceptView.as_view(), name="accept"),
    path("teams", views.TeamViewSet.as_view({"get": "list", "post": "create"}), name="teams"),
    path(
        "teams/<str:public_id>",
        views.TeamViewSet.as_view({"get": "retrieve", "patch": "partial_update", "delete": "destroy"}),
        name="team",
    ),
    path("teams/<str:public_id>/move", views.TeamViewSet.as_view({"post": "move"}), name="team-move"),
    path(
        "sign-in-providers",
        sign_in_providers.SignInProviderViewSet.as_view({"get": "list"}),
        name="sign-in-providers",
    ),
    path(
        "sign-in-providers/<str:public_id>",
        sign_in_providers.SignInProviderViewSet.as_view({"get": "retrieve"}),
        name="sign-in-provider",
    ),
    path("permissions", roles.PermissionsView.as_view(), name="permissions"),
    path("roles", roles.RoleViewSet.as_view({"get": "list", "post": "create"}), name="roles"),
    path(
        "roles/<str:public_id>",
        roles.RoleViewSet.as_view({"get": "retrieve", "patch": "partial_update", "delete": "destroy"}),
        name="role",
    ),
    path("roles/<str:public_id>/use", roles.RoleViewSet.as_view({"get": "use"}), name="role-use"),
    path(f"{TEAM}/members", views.MemberViewSet.as_view({"get": "list"}), name="members"),
    path(
        f"{TEAM}/members/<str:public_id>",
        views.MemberViewSet.as_view({"get": "retrieve", "patch": "partial_update", "delete": "destroy"}),
        name="member",
    ),
    path(f"{TEAM}/invitations", views.InvitationViewSet.as_view({"get": "list", "post": "create"}), name="invitations"),
    path(
        f"{TEAM}/invitations/<str:public_id>",
        views.InvitationViewSet.as_view({"get": "retrieve", "delete": "destroy"}),
        name="invitation",
    ),
    path(
        f"{TEAM}/service-accounts",
        service_accounts.ServiceAccountViewSet.as_view({"get": "list", "post": "create"}),
        name="service-accounts",
    ),
    path(
        f"{TEAM}/service-accounts/<str:public_id>",
        service_accounts.ServiceAccountViewSet.as_view(
            {"get": "retrieve", "patch": "partial_update", "delete": "destroy"}
        ),
        name="service-account",
    ),
    *(
        path(
            f"{TEAM}/service-accounts/<str:public_id>/{action}",
            service_accounts.ServiceAccountViewSet.as_view({"post": action}),
            name=f"service-account-{action}",
        )
        for action in ("disable", "enable")
    ),
    path(
        f"{TEAM}/service-accounts/<str:account>/tokens",
        service_accounts.ServiceTokenViewSet.as_view({"get": "list", "post": "create"}),
        name="service-tokens",
    ),
    path(
        f"{TEAM}/service-accounts/<str:account>/tokens/<str:public_id>",
        service_accounts.ServiceTokenViewSet.as_view({"delete": "destroy"}),
        name="service-token",
    ),
    path(
        f"{TEAM}/service-accounts/<str:account>/tokens/<str:public_id>/rotate",
        service_accounts.ServiceTokenViewSet.as_view({"post": "rotate"}),
        name="service-token-rotate",
    ),
    path("applications", views.ApplicationViewSet.as_view({"get": "list", "post": "create"}), name="applications"),
    path(
        "applications/<str:public_id>",
        views.ApplicationViewSet.as_view({"get": "retrieve", "patch": "partial_update"}),
        name="application",
    ),
    path(
        f"{APPLICATION}/credentials",
        views.CredentialViewSet.as_view({"get": "list", "post": "create"}),
        name="credentials",
    ),
    path(
        f"{APPLICATION}/credentials/<str:public_id>",
        views.CredentialViewSet.as_view({"get": "retrieve"}),
        name="credential",
    ),
    path(
        f"{APPLICATION}/credentials/<str:public_id>/revoke",
        views.CredentialViewSet.as_view({"post": "revoke"}),
        name="credential-revoke",
    ),
    *(
        path(
            f"{APPLICATION}/credentials/<str:public_id>/{action}",
            views.CredentialViewSet.as_view({"post": action}),
            name=f"credential-{action}",
        )
        for action in ("rotate", "disable", "enable")
    ),
    path("leaks", views.LeakView.as_view(), name="leaks"),
    path("events", events.EventViewSet.as_view({"get": "list"}), name="events"),
    path("event-types", events.EventTypesView.as_view(), name="event-types"),
    path("notices", events.NoticeViewSet.as_view({"get": "list"}), name="notices"),
    path("notices/<str:public_id>/read", events.NoticeViewSet.as_view({"post": "read"}), name="notice-read"),
    path(f"{TEAM}/webhooks", events.WebhookViewSet.as_view({"get": "list", "post": "create"}), name="webhooks"),
    path(
        f"{TEAM}/webhooks/<str:public_id>",
        events.WebhookViewSet.as_view({"get": "retrieve", "patch": "partial_update", "delete": "destroy"}),
        name="webhook",
    ),
    path(
        f"{TEAM}/webhooks/<str:public_id>/rotate-secret",
        events.WebhookViewSet.as_view({"post": "rotate_secret"}),
        name="webhook-rotate-secret",
    ),
    path(f"{TEAM}/webhooks/<str:public_id>/test", events.WebhookViewSet.as_view({"post": "test"}), name="webhook-test"),
    path(
        f"{TEAM}/webhooks/<str:webhook>/deliveries",
        events.DeliveryViewSet.as_view({"get": "list"}),
        name="deliveries",
    ),
    path(
        f"{TEAM}/webhooks/<str:webhook>/deliveries/<str:public_id>/replay",
        events.DeliveryViewSet.as_view({"post": "replay"}),
        name="delivery-replay",
    ),
]
