"""The stores of the test run itself, and what a dead server leaves behind."""

from __future__ import annotations

import os
from pathlib import Path

import psycopg
import redis


def test_postgresql_answers_as_a_role_that_is_no_superuser() -> None:
    with psycopg.connect(os.environ["DATABASE_URL"]) as link:
        row = link.execute("SELECT rolsuper, rolcreatedb FROM pg_roles WHERE rolname = current_user").fetchone()
    assert row == (False, True)


def test_valkey_answers_and_never_evicts() -> None:
    with redis.Redis.from_url(os.environ["REDIS_URL"]) as link:
        assert link.ping()
        assert link.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}


def test_the_master_key_is_closed_to_others() -> None:
    assert Path(os.environ["GATEHOUSE_MASTER_KEY_FILE"]).stat().st_mode & 0o777 == 0o600
