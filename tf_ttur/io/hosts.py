"""Whether a host answers, asked before a library that would repeat for minutes in silence."""

import threading
import urllib.parse
from collections.abc import Iterable

PROBE_SECONDS = 10.0  # that a host has to answer
_MOST = 3  # hosts that are asked


def unreachable(urls: Iterable[str]) -> str:
    """Which hosts do not answer, and why; "" if one does, or none can be asked.

    Args:
      urls: of files. One of each host is asked for, of the first three hosts.
    """
    first_of_hosts = {urllib.parse.urlparse(url).netloc: url for url in reversed(list(urls))}
    failures: dict[str, str] = {}
    threads = []
    for host, url in list(first_of_hosts.items())[:_MOST]:
        if not url.startswith("http"):
            return ""
        thread = threading.Thread(target=_try, args=(host, url, failures), daemon=True)
        failures[host] = f"no answer within {PROBE_SECONDS:g} s"
        thread.start()
        threads.append(thread)
    for thread in threads:
        thread.join(PROBE_SECONDS)
    if not all(failures.values()):
        return ""
    return "; ".join(f"{host} cannot be reached ({why})" for host, why in failures.items())


def _try(host: str, url: str, failures: dict[str, str]) -> None:
    """Asks a host for the beginning of a file; sets failures[host] to what is wrong, or ""."""
    import requests  # what TFDS downloads with, so that proxies are those that it will use

    try:
        requests.get(url, stream=True, timeout=PROBE_SECONDS).close()
        failures[host] = ""
    except requests.exceptions.RequestException as error:
        text = str(error)
        if "resolve" in text:
            failures[host] = "its name cannot be resolved"
        elif not isinstance(error, requests.exceptions.Timeout):
            failures[host] = type(error).__name__
