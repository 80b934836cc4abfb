"""Links of a site to its commits, and from its feed to its pages."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import quote, urlsplit

from gilbench.model.errors import UsageError
from gilbench.model.excerpt import excerpt
from gilbench.model.history import Entry

_PLACE = "{commit}"
_SCHEMES = ("http", "https")


class SiteLinks(NamedTuple):
    """Where a site and its commits are on the web.

    Attributes:
        commit: URL of a commit, with ``{commit}`` in its place; None: commits have no links.
        base: URL of the folder of the site; None: unknown.
    """

    commit: str | None = None
    base: str | None = None

    def of_commit(self, entry: Entry) -> str | None:
        """Return the URL of the commit that a study measured; None: unknown."""
        if self.commit is None or entry.commit is None:
            return None
        return self.commit.replace(_PLACE, quote(entry.commit.encode("utf-8", "replace"), safe=""))

    def of_file(self, name: str) -> str:
        """Return the URL of a file of the site; without a base, relative to the feed."""
        return f"{self.base or ''}{name}"


def site_links(commit: str | None, base: str | None) -> SiteLinks:
    """Check the URLs of a site.

    Args:
        commit: See ``SiteLinks``.
        base: Likewise; a slash at its end may be missing.

    Raises:
        UsageError: A URL is not of the web, or that of a commit does not say where the commit is.
    """
    if commit is not None:
        _refuse_strange("--commit-url", commit)
        if _PLACE not in commit:
            raise UsageError(
                "--commit-url has no {commit}; for example, https://github.com/owner/name/commit/{commit}"
            )
    if base is not None:
        _refuse_strange("--base-url", base)
        base = f"{base.rstrip('/')}/"
    return SiteLinks(commit, base)


def _refuse_strange(option: str, url: str) -> None:
    try:
        parts = urlsplit(url)
        known = parts.scheme in _SCHEMES and bool(parts.hostname)
    except ValueError:  # such as half an IPv6 address
        known = False
    if not known or not url.isascii() or not url.isprintable() or " " in url:
        raise UsageError(f"{option} {excerpt(url, 60)!r} is no URL; start it with https://")
