"""Everything that can be set, read once from the environment. `docs/settings.md` lists it."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from csp.constants import NONCE
from django.core.exceptions import ImproperlyConfigured
from environs import Env, validate

from foundation.append_only import APP_ROLE
from trading import databases, logs, own_secrets

env = Env()
BASE_DIR = Path(__file__).resolve().parent.parent

# --- Shape of the installation -------------------------------------------------------------

HOME = Path(env.str("OPENFLOOR_HOME", str(BASE_DIR / "var"))).resolve()
HOST: str = env.str("OPENFLOOR_HOST", "127.0.0.1")
PORT: int = env.int("PORT", 8000)
PRODUCTION: bool = env.bool("PRODUCTION", False)
DEMO = not PRODUCTION
DEBUG: bool = env.bool("DEBUG", False)
DATABASE_URL: str = env.str("DATABASE_URL", "")
REDIS_URL: str = env.str("REDIS_URL", "")
EMBEDDED_POSTGRES = not DATABASE_URL


def _kept_secret(name: str) -> str:
    """Return this data folder's own secret; production must bring its own."""
    if PRODUCTION:
        raise ImproperlyConfigured(f"Set {name}: production does not make its own secrets.")
    return own_secrets.kept(name, home=HOME)


SECRET_KEY: str = env.str("SECRET_KEY", "") or _kept_secret("SECRET_KEY")
SECRET_KEY_FALLBACKS: list[str] = env.list("SECRET_KEY_FALLBACKS", [])
# What seals seeds, tax numbers and letters in the database, the newest first; else SECRET_KEY does.
SEED_KEYS: list[str] = env.list("SEED_KEYS", [])
if any(len(key) < 32 for key in SEED_KEYS):
    raise ImproperlyConfigured("Each of SEED_KEYS has at least 32 characters.")
# What days are sealed with (Ed25519). Without one in production nothing is sealed.
SEAL_KEY: str = env.str("SEAL_KEY", "") or ("" if PRODUCTION else _kept_secret("SEAL_KEY"))
SEAL_KEYS_FORMER: list[str] = env.list("SEAL_KEYS_FORMER", [])  # HEX@NUMBER_OF_ITS_LAST_SEAL
PROOF_EVERY_DAYS: int = env.int("PROOF_EVERY_DAYS", 7)  # a proof reads all that there is
SEALS = Path(env.str("SEALS", "") or HOME / "seals")
ALLOWED_HOSTS: list[str] = env.list("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", [])

# --- Database ------------------------------------------------------------------------------


def postgres_socket_folder(home: Path = HOME) -> Path:
    """Return where the socket of `home`'s server lies: short, as socket paths are limited."""
    digest = hashlib.sha256(str(home).encode()).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"openfloor-{digest}"


POSTGRES_PORT = 5432  # names the socket file; the embedded server listens on no TCP port
POSTGRES_OWNER = "openfloor"
_EMBEDDED = {
    "NAME": "openfloor",
    "USER": POSTGRES_OWNER,
    "HOST": str(postgres_socket_folder()),
    "PORT": str(POSTGRES_PORT),
}
# `default` is what the program uses; `owner` changes the schema (see the migrate command).
DATABASES = {
    "default": databases.entered(url=DATABASE_URL, embedded=_EMBEDDED, role=APP_ROLE),
    "owner": databases.entered(url=DATABASE_URL, embedded=_EMBEDDED, role=None),
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# What a lost database is restored from: best on another disk. See docs/recovery.md.
BACKUPS = Path(env.str("BACKUPS", "") or HOME / "backups").resolve()
BACKUPS_KEPT: int = env.int("BACKUPS_KEPT", 7, validate=validate.Range(1))
# Room for backups and the log between them; the newest stays, whatever it takes.
BACKUPS_GB_MAX: int = env.int("BACKUPS_GB_MAX", 50, validate=validate.Range(1))

# --- Applications --------------------------------------------------------------------------

INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.simple_history",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "rest_framework",
    "channels",
    "simple_history",
    "django_otp",
    "django_celery_beat",
    "django_structlog",
    "foundation",
    "accounts",
    "marketdata",
    "portfolio",
    "venues",
    "venues.exchange",
    "risk",
    "orders",
    "reconciliation",
    "analytics",
    "trading",
]

MIDDLEWARE = [
    "trading.traffic.Routed",
    "trading.api.manners.JsonForPrograms",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "trading.admin_scripts.AllowAdminScripts",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "accounts.sessions.gate.VerifiedOnlyMiddleware",
    "trading.operations.viewing.NoteViewings",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "accounts.sessions.door.Door",
    "django_structlog.middlewares.RequestMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
]

ROOT_URLCONF = "trading.urls"
ASGI_APPLICATION = "trading.asgi.application"
APPEND_SLASH = False
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
            ]
        },
    }
]

# --- People and sessions -------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
PASSWORD_HASHERS = [
    "accounts.factors.passwords.Argon2id",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]
LOGIN_URL = "/sign-in"
LOGIN_REDIRECT_URL = "/"
SESSION_ENGINE = "accounts.sessions.store"
SECURE_COOKIES: bool = env.bool("SECURE_COOKIES", PRODUCTION)
SESSION_COOKIE_NAME = "__Host-session" if SECURE_COOKIES else "session"
DEVICE_COOKIE_NAME = "__Host-device" if SECURE_COOKIES else "device"
CSRF_COOKIE_NAME = "__Host-csrf" if SECURE_COOKIES else "csrf"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_COOKIES
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 12 * 3600
SECURE_HSTS_SECONDS = 31_536_000 if PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = PRODUCTION
SECURE_SSL_REDIRECT = False  # the proxy redirects; the API never does
SILENCED_SYSTEM_CHECKS = ["security.W008"]  # which asks for that redirect
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

# --- Time, language, files -----------------------------------------------------------------

USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-us"
USE_I18N = False
FORMAT_MODULE_PATH = "trading.formats"
STATIC_URL = "/static/"
STATIC_ROOT = HOME / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = DEMO
WHITENOISE_AUTOREFRESH = False
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
EMAIL_BACKEND = env.str("EMAIL_BACKEND", "django.core.mail.backends.console.EmailBackend")
EMAIL_TIMEOUT = 10
EMAIL_HOST: str = env.str("EMAIL_HOST", "localhost")
EMAIL_PORT: int = env.int("EMAIL_PORT", 587)
EMAIL_HOST_USER: str = env.str("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD: str = env.str("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS: bool = env.bool("EMAIL_USE_TLS", True)
# The database of places that comes with us knows countries; another of MaxMind's format goes here.
PLACES_DATABASE: str = env.str("PLACES_DATABASE", "")
# Addresses that nobody signs in from, a network a line; read again when the file changes.
BAD_ADDRESSES: str = env.str("BAD_ADDRESSES", "")
# The proxies before us, whose word on where a request came from is taken; nobody else's is.
TRUSTED_PROXIES: list[str] = env.list("TRUSTED_PROXIES", [])
LETTERS_FROM: str = env.str("LETTERS_FROM", "Openfloor <letters@localhost>")
# Where people reach us: what links in letters begin with, whatever a request says of its host.
PUBLIC_URL: str = env.str("PUBLIC_URL", f"http://localhost:{PORT}").rstrip("/")
# Security keys and passkeys belong to a name, below which every page that may ask them lies.
WEBAUTHN_RP_ID: str = env.str("WEBAUTHN_RP_ID", "") or urlsplit(PUBLIC_URL).hostname or "localhost"
WEBAUTHN_ORIGINS: list[str] = env.list("WEBAUTHN_ORIGINS", [PUBLIC_URL])
# What apps on phones call themselves there: android:apk-key-hash:... of the one who signed the app.
WEBAUTHN_APP_ORIGINS: list[str] = env.list("WEBAUTHN_APP_ORIGINS", [])
# Where it is asked whether a password was stolen: ranges of SHA-1, by their first five digits.
BREACHES_URL: str = env.str("BREACHES_URL", "")
# How long a second factor that was proved counts where a fresh proof is asked for.
PROOF_AGE_SECONDS_MAX: float = env.float("PROOF_AGE_SECONDS_MAX", 300.0)
if PRODUCTION and PROOF_AGE_SECONDS_MAX > 300:
    raise ImproperlyConfigured("PROOF_AGE_SECONDS_MAX is at most 300 in production.")
# What sends an SMS: a callable that takes a number and a text. Without one, none are offered.
SMS_SENDER: str = env.str("SMS_SENDER", "accounts.factors.senders.console.send" if DEMO else "")
# Who sends coins: a class as `portfolio.custody.custodian` describes it. Without one, people do.
COIN_CUSTODIAN: str = env.str(
    "COIN_CUSTODIAN", "portfolio.custody.simulated.SimulatedCustodian" if DEMO else ""
)
SMS_GATEWAY_URL: str = env.str("SMS_GATEWAY_URL", "")
SMS_GATEWAY_TOKEN: str = env.str("SMS_GATEWAY_TOKEN", "")
SMS_FROM: str = env.str("SMS_FROM", "Openfloor")
# Where alerts are told beside `mail` and `console`: NAME=ADDRESS; what webhooks are signed with.
ALERT_RECIPIENTS: list[str] = env.list("ALERT_RECIPIENTS", ["operations@localhost"])
ALERT_CHANNELS: dict[str, str] = env.dict("ALERT_CHANNELS", {})
ALERT_CHANNEL_SECRETS: dict[str, str] = env.dict("ALERT_CHANNEL_SECRETS", {})
# Who is told of an alert of which severity, and who next while nobody has acknowledged it.
ALERT_PATHS: dict[str, str] = env.dict("ALERT_PATHS", {"severe": "0:mail|15:mail"})
# Who may read /metrics: programs at these addresses, with this token; this machine by default.
METRICS_NETWORKS: list[str] = env.list("METRICS_NETWORKS", [])
METRICS_TOKEN: str = env.str("METRICS_TOKEN", "")
# A port of its own for each process, from this one on; 0 has none.
METRICS_PORT: int = env.int("METRICS_PORT", 0)
METRICS_HOST: str = env.str("METRICS_HOST", "127.0.0.1")

# --- API, sockets, jobs --------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["trading.api.authentication.ApiKeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["trading.api.parsing.ExactJSONParser"],
    "EXCEPTION_HANDLER": "trading.api.errors.handle",
    "DEFAULT_SCHEMA_CLASS": "trading.api.described.document.Described",
    "UNAUTHENTICATED_USER": None,
}
# The request id is ours or was checked: see trading.api.manners.
DJANGO_STRUCTLOG_TRUST_UPSTREAM_REQUEST_ID = True
API_CALLS_PER_MINUTE: int = env.int("API_CALLS_PER_MINUTE", 600_000)  # of one key, one process
CHANNEL_LAYERS = {
    "default": (
        {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": [REDIS_URL]},
        }
        if REDIS_URL
        else {"BACKEND": "channels.layers.InMemoryChannelLayer"}
    )
}
CACHES = {
    "default": (
        {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}
        if REDIS_URL
        else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
    )
}
CELERY_BROKER_URL = REDIS_URL or "memory://in-process"
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TIMEZONE = "America/New_York"  # days end there
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"

UNFOLD = {
    "SITE_TITLE": "Openfloor operations",
    "SITE_HEADER": "Openfloor operations",
    "SITE_FAVICONS": [{"rel": "icon", "href": "/static/images/mark.svg", "type": "image/svg+xml"}],
    "STYLES": ["/static/css/operations.css"],
    "SCRIPTS": ["/static/js/operations/naming.js"],
    "DASHBOARD_CALLBACK": "trading.operations.landing.page.dashboard",
    "SIDEBAR": {
        "navigation": "trading.operations.sidebar.navigation",
        "show_all_applications": True,
    },
    # The accent of the customers' pages, in the eleven shades that the admin's frame takes.
    "COLORS": {
        "primary": {
            "50": "oklch(97% .014 254.6)",
            "100": "oklch(93.2% .032 255.6)",
            "200": "oklch(88.2% .059 254.1)",
            "300": "oklch(80.9% .105 251.8)",
            "400": "oklch(76% .125 258.5)",
            "500": "oklch(68% .165 259)",
            "600": "oklch(50.6% .182 259.7)",
            "700": "oklch(45% .17 260.5)",
            "800": "oklch(39% .15 262)",
            "900": "oklch(34% .12 263)",
            "950": "oklch(27% .09 266)",
        }
    },
}

# --- The market ----------------------------------------------------------------------------

MARKET_HOURS: str = env.str("MARKET_HOURS", "always")  # or the ISO code of an exchange: XNYS
# What is listed at a start, unless it is there already.
INSTRUMENTS = Path(
    env.str("INSTRUMENTS", "") or BASE_DIR / "marketdata/instruments/data/instruments.csv"
)
MARKET_SEED: int = env.int("MARKET_SEED", 1)
# How often the participants of the simulated market act. A quote must be confirmed well before it
# is stale, so a round never takes longer than a second.
MARKET_ROUND_SECONDS: float = env.float(
    "MARKET_ROUND_SECONDS", 0.1, validate=validate.Range(0.05, 1)
)
# Feeds confirm every quote twice a second, so an older one means that the feed has stopped;
# with the time it takes to look, everybody sees that within two seconds.
QUOTE_AGE_SECONDS_MAX: float = env.float("QUOTE_AGE_SECONDS_MAX", 1.8)

# Providers whose prices we follow in the compatible wire format: NAME=ADDRESS, comma-separated,
# their keys as NAME=KEY_ID:SECRET, and where their past is asked for if not at the same host.
FEEDS: dict[str, str] = env.dict("FEEDS", {})
FEED_KEYS: dict[str, str] = env.dict("FEED_KEYS", {})
FEED_PASTS: dict[str, str] = env.dict("FEED_PASTS", {})
FEED_TAPES: dict[str, str] = env.dict("FEED_TAPES", {})  # iex where it is not said
# A feed that is up and tells nothing of the market for so long is not believed any more.
FEED_SILENCE_SECONDS_MAX: float = env.float("FEED_SILENCE_SECONDS_MAX", 15.0)
# A feed that was lost for so long is an alert.
FEED_LOST_SECONDS_MAX: float = env.float("FEED_LOST_SECONDS_MAX", 60.0)

# How long what the market said is kept: in tables, in files, and not at all.
TRADES_KEPT_DAYS: int = env.int("TRADES_KEPT_DAYS", 7)
QUOTES_KEPT_DAYS: int = env.int("QUOTES_KEPT_DAYS", 2)
ARCHIVE_KEPT_DAYS: int = env.int("ARCHIVE_KEPT_DAYS", 90)
MINUTE_BARS_KEPT_DAYS: int = env.int("MINUTE_BARS_KEPT_DAYS", 60)
HOUR_BARS_KEPT_DAYS: int = env.int("HOUR_BARS_KEPT_DAYS", 730)
SUSPECTS_KEPT_DAYS: int = env.int("SUSPECTS_KEPT_DAYS", 7)
ARCHIVE = Path(env.str("ARCHIVE", "") or HOME / "archive")

# --- Orders --------------------------------------------------------------------------------

# How many threads of a process decide on orders, each with the accounts that are its own. A second
# one pays in a process that does little else; beside a web server they take each other's time.
INTAKE_WRITERS: int = env.int("INTAKE_WRITERS", 1)
# An order good till cancelled ends at this age all the same.
GTC_DAYS_MAX: int = env.int("GTC_DAYS_MAX", 90)

# What all customers' open buys may cost is summed up every second; when that is older than this,
# nobody knows what the firm has at stake, and nothing more is bought.
FIRM_EXPOSURE_SECONDS_MAX: float = env.float("FIRM_EXPOSURE_SECONDS_MAX", 10.0)
# What this host's clock is measured against: the kernel (where an NTP daemon steers it), the
# database's host.
CLOCK_SOURCES: list[str] = env.list("CLOCK_SOURCES", ["kernel", "database"])

# --- Venues --------------------------------------------------------------------------------

# A venue that has been silent for longer takes no new orders: rather refuse than be unsure.
VENUE_SILENCE_SECONDS_MAX: float = env.float("VENUE_SILENCE_SECONDS_MAX", 15.0)
# What proves who we are at venues across a network: NAME=SECRET, comma-separated.
VENUE_SECRETS: dict[str, str] = env.dict("VENUE_SECRETS", {})
# The embedded exchange's own order entry for members elsewhere: 0 keeps it shut.
EXCHANGE_PORT: int = env.int("EXCHANGE_PORT", 0)
EXCHANGE_HOST: str = env.str("EXCHANGE_HOST", "127.0.0.1")
EXCHANGE_MEMBERS: dict[str, str] = env.dict("EXCHANGE_MEMBERS", {})  # MEMBER=SECRET, ...

# --- Headers -------------------------------------------------------------------------------

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "script-src": ["'self'", NONCE],
        "style-src": ["'self'", "'unsafe-inline'"],
        "img-src": ["'self'", "data:"],
        "connect-src": ["'self'"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
}

# --- Logs ----------------------------------------------------------------------------------

LOG_LEVEL: str = env.str("LOG_LEVEL", "WARNING" if DEMO else "INFO")
LOG_JSON: bool = env.bool("LOG_JSON", PRODUCTION)
# Whether each order leaves its trail in the log, from the click to the ledger.
LOG_ORDERS: bool = env.bool("LOG_ORDERS", PRODUCTION)
# Where traces are sent, as OTLP over HTTP, and which part of them: needs requirements-traces.txt.
OTLP_ENDPOINT: str = env.str("OTLP_ENDPOINT", "")
OTLP_SAMPLE_RATIO: float = env.float("OTLP_SAMPLE_RATIO", 1.0, validate=validate.Range(0, 1))
LOGGING = logs.configure(level=LOG_LEVEL.upper(), as_json=LOG_JSON, with_trail=LOG_ORDERS)
