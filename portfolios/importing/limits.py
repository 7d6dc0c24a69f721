"""How large a file of transactions, and anything in it, may be."""

from __future__ import annotations

from typing import Final

#: Bytes of a file. Every other request body ends at 1 MB.
MAX_FILE_BYTES: Final = 32 * 1024 * 1024
MAX_ROWS: Final = 200_000
#: Bytes of a line, and characters of a cell.
MAX_LINE: Final = 65_536
MAX_CELL: Final = 4_096
MAX_COLUMNS: Final = 200
#: Different stocks of one file, and how many of those that no table knows are asked of the providers.
MAX_STOCKS: Final = 10_000
MAX_ASKED: Final = 20
#: Rows of the report that the reply itself shows, and holdings.
SHOWN_ROWS: Final = 100
SHOWN_HOLDINGS: Final = 500
#: Reports that are kept of one portfolio, the newest.
KEPT_REPORTS: Final = 20
