"""Beyond the gap: import the bundle, start a server over it, and let a client install from there.

python -m tests.bundles.across_the_gap BUNDLE DATA CLIENT...     # {url} in CLIENT stands for the index
"""

import subprocess
import sys
from pathlib import Path

from tests.live_server import LiveServer


def main(bundle: Path, data: Path, client: list[str]) -> int:
    subprocess.run([sys.executable, "-m", "purveyor", "bundle", "import", str(bundle), "--data", str(data)], check=True)
    with LiveServer(data) as server:
        command = [argument.replace("{url}", server.simple_url) for argument in client]
        return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]))
