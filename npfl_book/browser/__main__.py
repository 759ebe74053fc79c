"""Put together what the browser's Python consists of; called by ``make install``."""

import sys

from npfl_book import BUILD
from npfl_book.browser import distribution
from npfl_book.browser.cache import BrowserError

if __name__ == "__main__":
    try:
        distribution.update(BUILD / "lite" / "pyodide")
    except BrowserError as error:
        sys.exit(f"python -m npfl_book.browser: {error}")
