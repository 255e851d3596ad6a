"""Django's settings, from the environment only. Every variable has its line in docs/settings.md."""

from __future__ import annotations

import base64
from pathlib import Path

from csp.constants import NONCE, NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from config.env import env_bool, env_database, env_int, env_smtp, env_text
from gateway.dataplane.keys import derive_key, read_master_key

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / ".build"

GATEHOUSE_MODE = env_text("GATEHOUSE_MODE", "development", choices=("development", "production"))
GATEHOUSE_HOME = Path(env_text("GATEHOUSE_HOME", str(ROOT / "var"))).resolve()
GATEHOUSE_DEMO = env_bool("GATEHOUSE_DEMO")
GATEHOUSE_DEMO_UPSTREAM_URL = env_text("GATEHOUSE_DEMO_UPSTREAM_URL", "")
GATEHOUSE_DEMO_MODEL_URL = env_text("GATEHOUSE_DEMO_MODEL_URL", "")
GATEHOUSE_CONSOLE_PORT = env_int("GATEHOUSE_CONSOLE_PORT", 8000, minimum=1)
GATEHOUSE_GATEWAY_PORT = env_int("GATEHOUSE_GATEWAY_PORT", 8080, minimum=1)
GATEHOUSE_CONSOLE_URL = env_text("GATEHOUSE_CONSOLE_URL", f"http://127.0.0.1:{GATEHOUSE_CONSOLE_PORT}").rstrip("/")
GATEHOUSE_GATEWAY_URL = env_text("GATEHOUSE_GATEWAY_URL", f"http://127.0.0.1:{GATEHOUSE_GATEWAY_PORT}").rstrip("/")
GATEHOUSE_PRIVATE_NETWORKS = env_text("GATEHOUSE_PRIVATE_NETWORKS", "")
REDIS_URL = env_text("REDIS_URL")
GATEHOUSE_AUDIT_DAYS = env_int("GATEHOUSE_AUDIT_DAYS", 0)

try:
    MASTER_KEY = read_master_key(env_text("GATEHOUSE_MASTER_KEY_FILE", str(GATEHOUSE_HOME / "secrets" / "master.key")))
except ValueError as error:
    raise ImproperlyConfigured(str(error)) from error
SECRET_KEY = base64.urlsafe_b64encode(derive_key(MASTER_KEY, "django")).decode()

DEBUG = False
# Which host names the console answers to is the front proxy's to decide; the links we write use GATEHOUSE_CONSOLE_URL.
ALLOWED_HOSTS = [host.strip() for host in env_text("GATEHOUSE_ALLOWED_HOSTS", "*").split(",")]
CSRF_TRUSTED_ORIGINS = [GATEHOUSE_CONSOLE_URL]
ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"
AUTH_USER_MODEL = "teams.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "django_htmx",
    "django_cotton.apps.SimpleAppConfig",
    "template_partials.apps.SimpleAppConfig",
    "csp",
    "common",
    "teams",
    "providers",
    "apis",
    "prompts",
    "usage",
    "gateway.control",
    "manifests",
    "console",
    "demo",
]

MIDDLEWARE = [
    "common.middleware.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "teams.middleware.SecondFactorMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    # Last, so that it turns what a view raises into a problem before anything else sees it.
    "common.middleware.DomainErrorMiddleware",
    # After it, so that an old address is followed before it becomes a 404.
    "console.moved.MovedMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "templates"],
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
                "console.context.chrome",
            ],
            # django-cotton and template-partials both rewrite the loaders when installed plainly: listed by hand.
            "loaders": [
                (
                    "template_partials.loader.Loader",
                    [
                        (
                            "django.template.loaders.cached.Loader",
                            [
                                "django_cotton.cotton_loader.Loader",
                                "django.template.loaders.filesystem.Loader",
                                "django.template.loaders.app_directories.Loader",
                            ],
                        )
                    ],
                )
            ],
            "builtins": [
                "django_cotton.templatetags.cotton",
                "template_partials.templatetags.partials",
                "django.templatetags.static",
            ],
        },
    }
]
COTTON_DIR = "components"

DATABASES = {"default": {**env_database(), "CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True, "ATOMIC_REQUESTS": False}}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}}
SESSION_ENGINE = "django.contrib.sessions.backends.db"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = GATEHOUSE_CONSOLE_URL.startswith("https://")
CSRF_FAILURE_VIEW = "console.errors.csrf_failure"

AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]
ACCOUNT_ADAPTER = "teams.adapters.AccountAdapter"
MFA_ADAPTER = "teams.adapters.FactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
# Whom the installation asks for a second factor before anything else (teams.second_factor).
GATEHOUSE_REQUIRE_SECOND_FACTOR = env_text(
    "GATEHOUSE_REQUIRE_SECOND_FACTOR", "none", choices=("none", "admins", "everyone")
)
# Who may sign in by password where there is single sign-on; platform admins always may.
PASSWORDS_ARE_FOR_ADMINS = (
    env_text("GATEHOUSE_PASSWORD_SIGN_IN", "everyone", choices=("everyone", "admins")) == "admins"
)
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = True
LOGIN_URL = "/login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_LOGOUT_REDIRECT_URL = "/login"

LANGUAGE_CODE = "en-us"
USE_I18N = False
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = BUILD / "collected"
STATICFILES_DIRS = [path for path in (ROOT / "assets" / "static", BUILD / "static") if path.is_dir()]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "common.static.HashedStaticFilesStorage"},
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 40 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 40 * 1024 * 1024

EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
EMAIL_FILE_PATH = GATEHOUSE_HOME / "mail"
DEFAULT_FROM_EMAIL = env_text("GATEHOUSE_MAIL_FROM", "Gatehouse <gatehouse@localhost>")
# With an SMTP server mails are sent; without one they are files beneath $GATEHOUSE_HOME/mail.
globals().update(env_smtp("GATEHOUSE_SMTP_URL"))

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "teams.authentication.AccessTokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["common.permissions.DeclaredPermission"],
    "DEFAULT_PAGINATION_CLASS": "common.pagination.PublicCursorPagination",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "common.openapi.HouseSchema",
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser", "rest_framework.parsers.MultiPartParser"],
    "EXCEPTION_HANDLER": "common.problems.exception_handler",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Gatehouse REST API",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "common.openapi.add_problems",
    ],
    "ENUM_NAME_OVERRIDES": {
        "VersionState": "apis.models.ApiVersion.State",
        "RevisionState": "apis.models.Revision.State",
        "SubscriptionState": "apis.models.Subscription.State",
        "ImportState": "apis.models.ImportJob.State",
        "DeliveryState": "teams.models.Delivery.State",
    },
}

CELERY_BROKER_URL = REDIS_URL
CELERY_RESULT_BACKEND = None
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_TIME_LIMIT = 600
CELERY_TIMEZONE = "UTC"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} level={levelname} logger={name} {message}", "style": "{"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": env_text("GATEHOUSE_LOG_LEVEL", "INFO")},
}
