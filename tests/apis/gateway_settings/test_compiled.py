"""What is kept with a revision reaches the gateway's records."""

from __future__ import annotations

import pytest

from apis.gateway_settings.sealing import seal_settings
from apis.models import Revision
from gateway.control.compiler import compile_version
from gateway.dataplane.records import RouteRecord, UpstreamRecord

pytestmark = pytest.mark.django_db


def test_the_settings_of_the_current_revision_become_fields_of_route_and_upstream(published):
    settings = {
        "routing": {"version_in": "header", "name": "API-Version"},
        "cors": {"origins": ["https://app.example.com"]},
        "idempotency": {"operations": ["createOrder"]},
        "upstream": {
            "targets": [{"url": "https://a.example"}, {"url": "https://b.example"}],
            "tls": {"certificate": "CERTIFICATE", "key": "KEY"},
        },
    }
    Revision.objects.filter(version=published).update(gateway=seal_settings(settings))
    records = {kind: record for kind, key, record in compile_version(published) if key == published.public_id}
    route, upstream = records["route"], records["upstream"]
    assert isinstance(route, RouteRecord) and isinstance(upstream, UpstreamRecord)
    assert (route.version_in, route.version_name) == ("header", "API-Version")
    assert route.cors is not None and route.cors.origins == ("https://app.example.com",)
    assert route.idempotency is not None and route.idempotency.ttl_seconds == 86_400
    assert [target.url for target in upstream.targets] == ["https://a.example", "https://b.example"]
    assert upstream.tls is not None and upstream.tls.key == "KEY"


def test_a_revision_without_settings_has_records_without_them(published):
    records = {kind: record for kind, key, record in compile_version(published) if key == published.public_id}
    route = records["route"]
    assert isinstance(route, RouteRecord)
    assert (route.cors, route.rewrite, route.request_headers, route.key_places, route.idempotency) == (None,) * 5
