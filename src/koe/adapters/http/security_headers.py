"""What every answer tells browsers to refrain from."""

from aiohttp import web

POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "media-src 'self' blob:",
        # blob: what the page itself has made or recorded.
        "connect-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        # Home Assistant's ingress serves the page under Home Assistant's own origin: its frame is 'self', too.
        "frame-ancestors 'self'",
    )
)

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Resource-Policy": "same-origin",
    # A page that may be kept says so itself.
    "Cache-Control": "no-store",
}


def add_headers(answer: web.StreamResponse) -> None:
    """Those that it hasn't set itself."""
    for name, value in _HEADERS.items():
        answer.headers.setdefault(name, value)
    answer.headers["Server"] = "Koe"
