"""Routes of this app's REST API."""

urlpatterns: list[object] = []
