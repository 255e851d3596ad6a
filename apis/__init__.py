"""APIs, their versions and revisions, the lifecycle, the catalog, plans and subscriptions."""
