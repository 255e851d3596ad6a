"""Typed readers of environment variables: a wrong value stops the start and says which."""

from __future__ import annotations

import os
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured


def env_text(name: str, default: str | None = None, *, choices: tuple[str, ...] = ()) -> str:
    """Return a text; without a default the variable must be set."""
    value = os.environ.get(name, "") or default
    if value is None:
        raise ImproperlyConfigured(f"{name} is not set. Start with ./run, or set it (docs/settings.md).")
    if choices and value not in choices:
        raise ImproperlyConfigured(f"{name} is {value!r}; it must be one of {', '.join(choices)}.")
    return value


def env_bool(name: str, default: bool = False) -> bool:
    """Return a truth value from 1/0, true/false, yes/no, on/off."""
    value = os.environ.get(name, "").strip().lower()
    if not value:
        return default
    if value in {"1", "true", "yes", "on"}:
        return True
    if value in {"0", "false", "no", "off"}:
        return False
    raise ImproperlyConfigured(f"{name} is {value!r}; use 1 or 0.")


def env_int(name: str, default: int, *, minimum: int = 0) -> int:
    """Return a whole number not below `minimum`."""
    value = os.environ.get(name, "").strip()
    if not value:
        return default
    try:
        number = int(value)
    except ValueError:
        raise ImproperlyConfigured(f"{name} is {value!r}; a whole number is needed.") from None
    if number < minimum:
        raise ImproperlyConfigured(f"{name} is {number}; at least {minimum} is needed.")
    return number


def env_database(name: str = "DATABASE_URL") -> dict[str, object]:
    """Return Django's database settings from `postgresql://user:password@host:port/name`."""
    url = urlsplit(env_text(name))
    if url.scheme not in {"postgres", "postgresql"}:
        raise ImproperlyConfigured(f"{name} must be a postgresql:// address, not {url.scheme}://.")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(url.path.lstrip("/")),
        "USER": unquote(url.username or ""),
        "PASSWORD": unquote(url.password or ""),
        "HOST": url.hostname or "",
        "PORT": str(url.port or 5432),
    }


def env_smtp(name: str) -> dict[str, object]:
    """Return Django's mail settings from an address; empty when it is not set.

    `smtps://user:password@host` is TLS from the start (port 465), `smtp://` STARTTLS (587), `smtp+insecure://`
    neither (25).
    """
    text = os.environ.get(name, "")
    if not text:
        return {}
    url = urlsplit(text)
    ports = {"smtps": 465, "smtp": 587, "smtp+insecure": 25}
    if url.scheme not in ports or not url.hostname:
        raise ImproperlyConfigured(f"{name} must be smtps://, smtp:// or smtp+insecure:// with a host.")
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": url.hostname,
        "EMAIL_PORT": url.port or ports[url.scheme],
        "EMAIL_HOST_USER": unquote(url.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(url.password or ""),
        "EMAIL_USE_SSL": url.scheme == "smtps",
        "EMAIL_USE_TLS": url.scheme == "smtp",
        "EMAIL_TIMEOUT": 10,
    }
