"""Settings of every process, read from the environment.

Development needs none: servers, keys and files live in STATE_DIR. Production (``ENVIRONMENT=production``)
refuses to start until every secret and address is given; see ``config/production.py``.
"""

from __future__ import annotations

import os
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import environ
from csp.constants import NONE, SELF

from config import embedded
from config.logs import logging_settings
from config.production import refuse_unsafe
from config.secrets import development_secret

env = environ.Env()

BASE_DIR = Path(__file__).resolve().parent.parent
ENVIRONMENT = env.str("ENVIRONMENT", default="development")
PRODUCTION = ENVIRONMENT == "production"
STATE_DIR = Path(env.str("STATE_DIR", default=str(BASE_DIR / ".state"))).resolve()
DEBUG = env.bool("DEBUG", default=False)


def _words(given: list[str]) -> list[str]:
    """The words of a list of the environment, where spaces may stand beside the commas."""
    return [word.strip() for word in given if word.strip()]


def _secret(name: str) -> str:
    """The secret from the environment; in development one that is made once and kept in STATE_DIR."""
    given = env.str(name, default="")
    return given if given or PRODUCTION else development_secret(STATE_DIR, name)


SECRET_KEY = _secret("SECRET_KEY")
JWT_SIGNING_KEY = _secret("JWT_SIGNING_KEY")
API_KEY_PEPPER = _secret("API_KEY_PEPPER")

ALLOWED_HOSTS = _words(
    env.list("ALLOWED_HOSTS", default=[] if PRODUCTION else ["localhost", "127.0.0.1", "[::1]"])
)
CSRF_TRUSTED_ORIGINS = _words(env.list("CSRF_TRUSTED_ORIGINS", default=[]))
PUBLIC_URL = env.str("PUBLIC_URL", default=f"http://localhost:{env.int('PORT', default=8000)}").rstrip("/")
RATE_LIMITS = env.str("RATE_LIMITS", default="on")
# Whether requests are kept in the database, to be searched, beside the line that each leaves in a file.
REQUEST_LOG = env.str("REQUEST_LOG", default="on")
# Whether web processes keep the figures of all stocks in memory to answer screens from: "on" or "off".
SCREEN_SNAPSHOT = env.str("SCREEN_SNAPSHOT", default="on")
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")
MARKET_DATA = [
    name
    for name in _words(env.list("MARKET_DATA", default=["none" if PRODUCTION else "sandbox"]))
    if name != "none"
]
# An order of its own for one capability, e.g. MARKET_DATA_NEWS=finnhub,yahoo; the others follow MARKET_DATA.
MARKET_DATA_ORDER = {
    capability: _words(env.list(f"MARKET_DATA_{capability.upper()}"))
    for capability in (
        *("listings", "quotes", "history", "actions", "statements", "order_book"),
        *("stream", "company", "search", "news", "fx", "crypto"),
    )
    if env.str(f"MARKET_DATA_{capability.upper()}", default="")
}
# Keys and addresses of the providers; an address is changed to reach a proxy or a stand-in.
ALPHA_VANTAGE_API_KEY = env.str("ALPHA_VANTAGE_API_KEY", default="")
ALPHA_VANTAGE_URL = env.str("ALPHA_VANTAGE_URL", default="https://www.alphavantage.co")
FINNHUB_API_KEY = env.str("FINNHUB_API_KEY", default="")
FINNHUB_URL = env.str("FINNHUB_URL", default="https://finnhub.io/api/v1")
FINNHUB_WS_URL = env.str("FINNHUB_WS_URL", default="wss://ws.finnhub.io")
KIS_APP_KEY = env.str("KIS_APP_KEY", default="")
KIS_APP_SECRET = env.str("KIS_APP_SECRET", default="")
KIS_URL = env.str("KIS_URL", default="https://openapi.koreainvestment.com:9443")
KIS_WS_URL = env.str("KIS_WS_URL", default="ws://ops.koreainvestment.com:21000")
# Unset, Yahoo's own hosts are asked; set, one server stands for all of them.
YAHOO_URL = env.str("YAHOO_URL", default="")
YAHOO_WS_URL = env.str("YAHOO_WS_URL", default="wss://streamer.finance.yahoo.com/?version=2")

# Who says which stocks are urgent, the most urgent first: dotted names of callables that return codes.
STOCK_INTEREST = [
    "stocks.interest.watched",
    "portfolios.selectors.held.held_codes",
    "portfolios.selectors.watchlists.watched_codes",
]
# How far `manage.py backfill` reaches back where it is not told.
BACKFILL_YEARS = env.int("BACKFILL_YEARS", default=5)
# Days for which rows are kept that only grow in number.
PRUNE_AFTER_DAYS = {
    "minute_bars": env.int("PRUNE_MINUTE_BARS_DAYS", default=60),
    "job_runs": env.int("PRUNE_JOB_RUNS_DAYS", default=30),
    "quarantine": env.int("PRUNE_QUARANTINE_DAYS", default=90),
    "fetched": env.int("PRUNE_FETCHED_DAYS", default=180),
    "news": env.int("PRUNE_NEWS_DAYS", default=365),
    "sessions": env.int("PRUNE_SESSIONS_DAYS", default=30),
    "notifications": env.int("PRUNE_NOTIFICATIONS_DAYS", default=365),
    "requests": env.int("PRUNE_REQUESTS_DAYS", default=30),
    "usage": env.int("PRUNE_USAGE_DAYS", default=400),
    "order_events": env.int("PRUNE_ORDER_EVENTS_DAYS", default=90),
    "gateway_events": env.int("PRUNE_GATEWAY_EVENTS_DAYS", default=180),
}

# --- Stores ---------------------------------------------------------------------------------------------

_running = embedded.running(STATE_DIR)
DATABASE_URL = env.str("DATABASE_URL", default="") or (_running.database_url if _running else "")
REDIS_URL = env.str("REDIS_URL", default="") or (_running.redis_url if _running else "")

# The servers of requests bound every statement and share a pool; commands and workers run long statements.
DATABASE_POOL_SIZE = env.int("DATABASE_POOL_SIZE", default=0)
_session = "-c timezone=UTC -c lock_timeout=2000"
if DATABASE_POOL_SIZE:
    _session += " -c statement_timeout=5000 -c idle_in_transaction_session_timeout=10000"
DATABASES = {
    "default": {
        # Without an address Django still loads: commands such as `check` need no database.
        **environ.Env.db_url_config(DATABASE_URL or "postgres://stockroom@127.0.0.1:5432/stockroom"),
        "ENGINE": "django.db.backends.postgresql",
        # A pool waits a second after each connection that it finds dead; config.api.errors replaces them all.
        "CONN_HEALTH_CHECKS": not DATABASE_POOL_SIZE,
        "OPTIONS": {
            "options": _session,
            "connect_timeout": 2,
            **(
                {"pool": {"min_size": 1, "max_size": DATABASE_POOL_SIZE, "timeout": 2.0}}
                if DATABASE_POOL_SIZE
                else {}
            ),
        },
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CACHES = {
    "default": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": REDIS_URL or "redis://127.0.0.1:6379/0",
        "KEY_PREFIX": "cache",
        "OPTIONS": {"SOCKET_CONNECT_TIMEOUT": 0.2, "SOCKET_TIMEOUT": 0.2},
    }
}
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [REDIS_URL or "redis://127.0.0.1:6379/0"], "prefix": "channels"},
    }
}

# --- Applications ---------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "daphne",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "csp",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "channels",
    "config",
    "accounts",
    "accounts.billing",
    "stocks",
    "portfolios",
    "screening",
    "realtime",
]

MIDDLEWARE = [
    "config.api.middleware.RequestIdMiddleware",
    "config.api.middleware.RequestLogMiddleware",
    # Before what answers 304: such a reply is counted and says so.
    "accounts.middleware.RateLimitHeadersMiddleware",
    "config.api.door.DoorMiddleware",
    "config.api.middleware.ConditionalReadMiddleware",
    "accounts.middleware.PrivateRepliesMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "config.urls"
APPEND_SLASH = False
WSGI_APPLICATION = "config.wsgi.application"
ASGI_APPLICATION = "config.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "config" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False

STATIC_URL = "/static/"
# Development serves static files from where they are installed; its folder only has to exist.
STATIC_ROOT = BASE_DIR / "staticfiles" if PRODUCTION else STATE_DIR / "static"
STATIC_ROOT.mkdir(parents=True, exist_ok=True)
# The browser's client is served from where it is kept: static/clients/stockroom.js.
STATICFILES_DIRS = [BASE_DIR / "config" / "static", ("clients", BASE_DIR / "clients" / "js")]
WHITENOISE_USE_FINDERS = not PRODUCTION
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if PRODUCTION
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}

# --- Users and the admin --------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
_VALIDATION = "django.contrib.auth.password_validation"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"{_VALIDATION}.MinimumLengthValidator", "OPTIONS": {"min_length": 8}},
    {
        "NAME": f"{_VALIDATION}.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ["email", "name"]},
    },
    {"NAME": f"{_VALIDATION}.CommonPasswordValidator"},
    {"NAME": f"{_VALIDATION}.NumericPasswordValidator"},
]
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "config.api.errors.csrf_failure"

ACCESS_TOKEN_LIFETIME = timedelta(minutes=env.int("ACCESS_TOKEN_MINUTES", default=60))
REFRESH_TOKEN_LIFETIME = timedelta(days=env.int("REFRESH_TOKEN_DAYS", default=30))
SIMPLE_JWT = {
    "ALGORITHM": "HS256",
    "SIGNING_KEY": JWT_SIGNING_KEY,
    "ISSUER": "stockroom",
    "AUDIENCE": "stockroom-api",
    "ACCESS_TOKEN_LIFETIME": ACCESS_TOKEN_LIFETIME,
    "USER_ID_CLAIM": "sub",
    "TOKEN_TYPE_CLAIM": "typ",
}

EMAIL_BACKEND = env.str(
    "EMAIL_BACKEND",
    default=f"django.core.mail.backends.{'smtp' if PRODUCTION else 'console'}.EmailBackend",
)
EMAIL_HOST = env.str("EMAIL_HOST", default="localhost")
EMAIL_PORT = env.int("EMAIL_PORT", default=25)
EMAIL_HOST_USER = env.str("EMAIL_HOST_USER", default="")
EMAIL_HOST_PASSWORD = env.str("EMAIL_HOST_PASSWORD", default="")
EMAIL_TIMEOUT = 10
EMAIL_USE_TLS = env.bool("EMAIL_USE_TLS", default=False)
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="Stockroom <noreply@localhost>")
# For tests: webhooks, and the catalogue of products, may then be on this machine and over plain HTTP.
# Refused in production.
WEBHOOK_ALLOW_LOCAL = env.bool("WEBHOOK_ALLOW_LOCAL", default=False)

# --- The API --------------------------------------------------------------------------------------------

# What holds before anybody has signed in: requests without a user of each address, all requests of each
# address, and attempts to sign in or to register, of each address and of each account.
LIMITS: dict[str, Any] = {
    "anonymous": _words(env.list("LIMITS_ANONYMOUS", default=["100/day"])),
    "address": env.str("LIMIT_ADDRESS", default="60000/minute"),
    "auth": env.str("LIMIT_AUTH", default="5/10 minutes"),
}
# Requests that change a ledger, of each account.
LIMIT_TRANSACTIONS = env.str("LIMIT_TRANSACTIONS", default="10/minute")
# What each tier may use, smallest first; several limits of one tier hold at once.
TIERS: dict[str, dict[str, Any]] = {
    "free": {
        "requests": _words(env.list("LIMITS_FREE", default=["100/minute", "1000/day"])),
        "websocket_rooms": 30,
        "websocket_connections": 2,
        "alerts": 20,
        "webhooks": 1,
        "transactions": LIMIT_TRANSACTIONS,
    },
    "basic": {
        "requests": _words(env.list("LIMITS_BASIC", default=["500/minute"])),
        "websocket_rooms": 100,
        "websocket_connections": 5,
        "alerts": 200,
        "webhooks": 5,
        "transactions": LIMIT_TRANSACTIONS,
    },
    "pro": {
        "requests": _words(env.list("LIMITS_PRO", default=["2000/minute"])),
        "websocket_rooms": 500,
        "websocket_connections": 20,
        "alerts": 2000,
        "webhooks": 20,
        "transactions": LIMIT_TRANSACTIONS,
    },
}
# Processes that serve requests, all replicas together: without Redis each lets through its part of a limit.
RATE_LIMIT_WORKERS = env.int("RATE_LIMIT_WORKERS", default=1)
# Addresses and networks of the proxies in front: they alone are believed in what X-Forwarded-For says.
TRUSTED_PROXIES = [ip_network(text) for text in _words(env.list("TRUSTED_PROXIES", default=[]))]
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.authentication.BearerAuthentication",
        "accounts.authentication.ApiKeyAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_THROTTLE_CLASSES": ["accounts.throttling.AccountThrottle"],
    "DEFAULT_RENDERER_CLASSES": ["config.api.json.ExactJSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["config.api.json.StrictJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "config.api.errors.exception_handler",
    "COERCE_DECIMAL_TO_STRING": False,
    "URL_FORMAT_OVERRIDE": None,
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Stockroom",
    "DESCRIPTION": "Market data, history, screening and live prices.",
    "VERSION": "1.0.0",
    "OAS_VERSION": "3.1.0",
    "SCHEMA_PATH_PREFIX": "/v1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    # The serializer of a PATCH says itself what may be left out.
    "COMPONENT_SPLIT_PATCH": False,
    "ENUM_NAME_OVERRIDES": {
        "ProductKindEnum": "accounts.billing.models.Product.Kind",
        "OrderStatusEnum": "accounts.billing.models.Order.Status",
        "PaymentStatusEnum": "accounts.billing.models.Payment.Status",
        "RowOrderEnum": ["oldest_first", "newest_first"],
        "SortOrderEnum": ["asc", "desc"],
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "config.api.schema.describe_empty_parameters",
        "config.api.schema.describe_stream",
        "config.api.schema.describe_errors",
    ],
}

# --- Realtime: rooms are named here, so that realtime knows no app ----------------------------------------

REALTIME_ROOMS = {
    "price": "stocks.rooms.PriceRoom",
    "orderbook": "stocks.rooms.OrderBookRoom",
    "market": "stocks.rooms.MarketRoom",
    "sector": "stocks.rooms.SectorRoom",
    "alert": "accounts.rooms.AlertRoom",
    "screen": "screening.rooms.ScreenRoom",
    "portfolio": "portfolios.rooms.PortfolioRoom",
}
#: What `manage.py runrealtime` serves.
REALTIME_ASGI_APPLICATION = "config.realtime.application"
REALTIME_AUTHENTICATE = "accounts.connections.authenticate_tokens"
# Streams of events also take the cookie of the admin's session, and have rooms without being asked.
REALTIME_AUTHENTICATE_COOKIE = "accounts.cookies.authenticate_cookie"
REALTIME_DEFAULT_ROOMS = "config.default_rooms.default_rooms"
REALTIME_RECHECK = "accounts.connections.recheck_principals"
REALTIME_MAX_ROOMS: dict[str, int] = {name: int(tier["websocket_rooms"]) for name, tier in TIERS.items()}
# Where requests are not counted, connections are not either.
REALTIME_MAX_CONNECTIONS: dict[str, int] = (
    {} if RATE_LIMITS == "off" else {name: int(tier["websocket_connections"]) for name, tier in TIERS.items()}
)
# Who counts connections and their frames as requests.
REALTIME_BUDGETS = "" if RATE_LIMITS == "off" else "accounts.connection_budgets.ConnectionBudgets"
# What a process that serves realtime alone does last.
REALTIME_FAREWELL = "accounts.request_writer.stop"
# Who is told that a user's sessions, keys or tier have changed: a callable that takes their ids.
ACCOUNTS_TELL = "realtime.control.tell_users"
# Who takes numbered events for rooms: a callable that takes the name of their series, and the events.
ACCOUNTS_PUBLISH = "realtime.publish.publish_numbered"

# --- The shop -------------------------------------------------------------------------------------------

# Who takes payments: sandbox, stripe, both or none.
PAYMENT_GATEWAYS = _words(env.list("PAYMENT_GATEWAYS", default=[] if PRODUCTION else ["sandbox"]))
# The sandbox takes no money, and gives what was ordered for nothing: a production boot wants to be asked.
PAYMENT_SANDBOX_IN_PRODUCTION = env.bool("PAYMENT_SANDBOX_IN_PRODUCTION", default=False)
STRIPE_URL = env.str("STRIPE_URL", default="https://api.stripe.com")
STRIPE_SECRET_KEY = env.str("STRIPE_SECRET_KEY", default="")
# Several with commas between them, while one is being replaced by another.
STRIPE_WEBHOOK_SECRET = _words(env.list("STRIPE_WEBHOOK_SECRET", default=[]))
# Longer than a gateway is waited for: then another worker takes the payment of one that died.
PAYMENT_CLAIM_SECONDS = env.int("PAYMENT_CLAIM_SECONDS", default=30)
# Where `POST /v1/products/sync` reads products from unless it is told.
PRODUCT_CATALOGUE_URL = env.str("PRODUCT_CATALOGUE_URL", default="")

# --- Celery ---------------------------------------------------------------------------------------------

CELERY_BROKER_URL = REDIS_URL or "redis://127.0.0.1:6379/0"
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 3600,
    "global_keyprefix": "celery:",
    "socket_timeout": 30,
    "socket_connect_timeout": 5,
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_SERIALIZER = "json"
CELERY_TASK_TIME_LIMIT = 1800
CELERY_TASK_SOFT_TIME_LIMIT = 1700
CELERY_TIMEZONE = "UTC"
# Celery would replace the handlers of LOGGING, and with them the filter that keeps secrets out.
CELERY_WORKER_HIJACK_ROOT_LOGGER = False

# --- Pages ----------------------------------------------------------------------------------------------

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "connect-src": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
        "object-src": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
if PRODUCTION:
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
    SECURE_HSTS_SECONDS = env.int("HSTS_SECONDS", default=31_536_000)
    SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = True
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    # An API must not teach clients to send secrets over plain HTTP first; only pages are redirected.
    SECURE_SSL_REDIRECT = True
    SECURE_REDIRECT_EXEMPT = [r"^v1/", r"^health/", r"^metrics$"]

# --- Logs -----------------------------------------------------------------------------------------------

LOG_DIR = Path(env.str("LOG_DIR", default=str(STATE_DIR / "logs")))
LOG_DIR.mkdir(parents=True, exist_ok=True)
LOGGING = logging_settings(LOG_DIR / "apicalls.log", level=env.str("LOG_LEVEL", default="INFO"))

if PRODUCTION:
    refuse_unsafe(
        debug=DEBUG,
        secrets={
            "SECRET_KEY": SECRET_KEY,
            "JWT_SIGNING_KEY": JWT_SIGNING_KEY,
            "API_KEY_PEPPER": API_KEY_PEPPER,
        },
        allowed_hosts=ALLOWED_HOSTS,
        database_url=os.environ.get("DATABASE_URL", ""),
        redis_url=os.environ.get("REDIS_URL", ""),
        rate_limits=RATE_LIMITS,
        market_data=MARKET_DATA,
        webhook_allow_local=WEBHOOK_ALLOW_LOCAL,
        free_gateway="sandbox" in PAYMENT_GATEWAYS and not PAYMENT_SANDBOX_IN_PRODUCTION,
        payment_claim_seconds=PAYMENT_CLAIM_SECONDS,
        trusted_proxies=TRUSTED_PROXIES,
    )
