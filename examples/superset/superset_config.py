"""Superset for one person on one machine, reading a file that every publish replaces.

Superset finds this file by ``SUPERSET_CONFIG_PATH``; ``bundle.py`` sets it.
"""

import os
import secrets
from pathlib import Path

STATE = Path(os.environ.get("ELEARN_SUPERSET", "target/superset")).absolute()
"""Where Superset's own tables, its secret key and the password stand; nothing of it is shared."""


def kept(name: str) -> str:
    """Return a secret of this machine, which the first call makes."""
    path = STATE / name
    if not path.exists():
        STATE.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(24))
    return path.read_text()


SECRET_KEY = kept("secret_key")
PASSWORD = kept("password")
SQLALCHEMY_DATABASE_URI = f"sqlite:///{STATE}/superset.db"
LOG_LEVEL = "WARNING"

# The first query after a publish reads the new file: Superset opens a connection for each query and
# closes it again (its default, NullPool), and with these lines it keeps no result either.
CACHE_CONFIG = {"CACHE_TYPE": "NullCache"}
DATA_CACHE_CONFIG = {"CACHE_TYPE": "NullCache"}

# Superset's pages ask for pictures and fonts of other sites, one of which counts visits: no browser
# may load anything but from here.
TALISMAN_CONFIG = {
    "content_security_policy": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "blob:", "data:"],
        "script-src": ["'self'", "'strict-dynamic'"],
        "style-src": ["'self'", "'unsafe-inline'"],
        "worker-src": ["'self'", "blob:"],
        "object-src": "'none'",
    },
    "content_security_policy_nonce_in": ["script-src"],
    "force_https": False,
    "session_cookie_secure": False,
}
