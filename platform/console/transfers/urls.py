"""URLs of the place transfers; the pages of an offer hang below what is offered."""

from django.urls import URLPattern, path

from console.transfers import views

urlpatterns: list[URLPattern] = [
    path("transfers/<str:transfer>", views.transfer, name="transfer"),
    path("transfers/<str:transfer>/refuse", views.refuse, name="transfer_refuse"),
    path("transfers/<str:transfer>/withdraw", views.withdraw, name="transfer_withdraw"),
]
