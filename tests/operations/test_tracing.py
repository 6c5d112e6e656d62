"""Spans go to whoever collects them, and hang together."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.distributions import wheel
from tests.live_server import LiveServer
from tests.operations.collector import Collector
from tests.workbench.command import environment

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}


def test_an_upload_and_its_commit_are_parts_of_the_callers_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Collector() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        with LiveServer(tmp_path / "data", tracing=True, log_level="info", log_format="json") as server:
            server.http.headers.update(PARENT)
            server.host(wheel("acme", "1.0"))
            server.http.get(f"{server.simple_url}nothing/")
            server.stop()  # what was not sent yet is sent then
            logged = [json.loads(line) for line in server.log.splitlines()]

        (upload,) = collector.named("POST upload")
        (page,) = collector.named("GET page")
        commits = [span for span in collector.named("database write") if span.parent_span_id == upload.span_id]
    assert collector.services == {"purveyor"}
    assert upload.trace_id == page.trace_id == bytes.fromhex(TRACE)
    assert upload.parent_span_id == bytes.fromhex("b7ad6b7169203331")
    assert [span.trace_id for span in commits] == [upload.trace_id]
    assert [attribute.value.int_value for attribute in page.attributes if attribute.key == "http.response.status_code"] == [404]
    assert [line["trace_id"] for line in logged if line["message"].startswith("upload of acme")] == [TRACE]


def test_a_server_without_a_collector_serves_and_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    with LiveServer(tmp_path / "data", tracing=True) as server:
        hosted = dict([wheel("acme", "1.0")])
        server.host(*hosted.items())
        assert server.files("acme") == hosted


@pytest.mark.parametrize("package", ["opentelemetry", "prometheus_client", "psycopg", "obstore"])
def test_a_server_that_was_not_told_to_use_it_does_not_import_it(tmp_path: Path, package: str) -> None:
    code = (
        "import sys, asyncio; from pathlib import Path;"
        "from purveyor import assembly; from purveyor.api.app import PurveyorApp; from purveyor.settings import Settings;"
        f"asyncio.run(PurveyorApp(assembly.application(Settings(data=Path({str(tmp_path / 'data')!r}))))._late());"
        f"print({package!r} in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=True)
    assert ran.stdout == "False\n"


def test_tracing_without_the_extra_is_refused_with_what_to_install(tmp_path: Path) -> None:
    hidden = (
        "import sys; from importlib import abc;\n"
        "class Hiding(abc.MetaPathFinder):\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.startswith('opentelemetry'): raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Hiding())\n"
        f"sys.argv = ['purveyor', 'serve', '--port', '0', '--data', {str(tmp_path / 'data')!r}]\n"
        "from purveyor.cli.main import main; sys.exit(main())"
    )
    variables = environment(PURVEYOR_TRACING="true", PURVEYOR_RUN_DIR=str(tmp_path / "run"))
    ran = subprocess.run([sys.executable, "-c", hidden], env=variables, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (
        2,
        "Error: Tracing needs OpenTelemetry, which is not installed.\npip install 'purveyor[otel]'\n",
    )
