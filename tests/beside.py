"""A further server over a data directory that another one has, as any ASGI server may be: `purveyor serve` itself refuses that."""

import json
import os
import sys
from pathlib import Path

from purveyor import assembly
from purveyor.process.sockets import bind, url_of
from purveyor.settings import Settings


def main(port: str, data: str) -> None:
    settings = Settings.from_environment(port=int(port), data=Path(data))
    listening = bind(settings.host, settings.port)
    print(json.dumps({"url": url_of(listening), "data": data, "pid": os.getpid()}), flush=True)
    assembly.serve(settings, listening)


if __name__ == "__main__":
    main(sys.argv[sys.argv.index("--port") + 1], sys.argv[sys.argv.index("--data") + 1])
