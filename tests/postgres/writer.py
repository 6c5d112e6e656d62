"""One process that writes to a catalog on PostgreSQL as fast as it can, from several threads; run by test_journal_order.py."""

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from purveyor.adapters.catalog import SqlCatalog
from purveyor.adapters.change_signal import MappedSignal
from purveyor.adapters.postgres import PostgresDatabase
from purveyor.errors import Conflict
from purveyor.testing.contracts import new_file


def main(url: str, signal: str, name: str, files: int) -> None:
    catalog = SqlCatalog(PostgresDatabase(url), MappedSignal(Path(signal)))

    def add(number: int) -> None:
        # Every fifth is in conflict with another process's, and undone in the middle of a commit that it shares.
        filename = f"{name}-1.{number}.tar.gz" if number % 5 else f"shared-1.{number}.tar.gz"
        try:
            catalog.add_file(new_file(filename, name.encode()), {})
        except Conflict:
            filename = ""
        os.write(1, f"{filename}\n".encode())  # whole, however many threads write

    with ThreadPoolExecutor(3) as threads:
        list(threads.map(add, range(files)))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
