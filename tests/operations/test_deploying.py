"""The recipes in deploy/ are right as far as that can be told without what they are for: their parts fit, and their commands run."""

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import httpx2
import pytest

from purveyor.model.indexes import ROUTES
from tests.distributions import wheel
from tests.live_server import LiveServer, ServerBeside
from tests.object_server import Bucket
from tests.operations.deployed import DEPLOY, compose, manifests, secret, settings_in
from tests.operations.watching import exit_code, terminate, until

NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")


class Contained(LiveServer):
    """A container's command and environment, as a process of this machine on a port of its own."""

    def __init__(self, data: Path, command: list[str], environment: Mapping[str, str]) -> None:
        assert command[0] == "purveyor"
        self._arguments = [sys.executable, "-m", *command, "--json"]
        super().__init__(data)
        self.stop()
        self.environment |= environment
        self.start()

    @property
    def _command(self) -> list[str]:
        return self._arguments


def test_every_name_in_the_compose_file_is_one_that_it_defines() -> None:
    document = compose()
    services = document["services"]
    examples = {line.partition("=")[0] for line in (DEPLOY / "env.example").read_text().splitlines() if not line.startswith("#")}
    volumes = {volume.partition(":")[0] for service in services.values() for volume in service.get("volumes", ())}

    assert set(re.findall(r"\$\{(\w+)", (DEPLOY / "compose.yaml").read_text())) == examples
    assert {needed for service in services.values() for needed in service.get("depends_on", ())} <= services.keys()
    assert {volume for volume in volumes if not volume.startswith(".")} == document["volumes"].keys()
    upstreams = re.findall(r"^ *server ([\w-]+):(\d+) ", (DEPLOY / "nginx.conf").read_text(), re.MULTILINE)
    assert upstreams == [(name, "8080") for name in services if name.startswith("server-")]


def test_the_servers_of_the_compose_file_have_settings_that_a_server_takes_and_time_to_end() -> None:
    for name in ("server-1", "server-2"):
        service = compose()["services"][name]
        settings = settings_in(service["environment"])
        assert int(service["stop_grace_period"].removesuffix("s")) >= settings.drain_delay + settings.drain_timeout + 5
        assert service["read_only"]


def test_the_manifests_refer_to_each_other() -> None:
    found = manifests()
    deployment = found["Deployment"]["spec"]
    labels = deployment["template"]["metadata"]["labels"]
    (container,) = deployment["template"]["spec"]["containers"]

    assert deployment["selector"]["matchLabels"] == labels
    assert found["Service"]["spec"]["selector"] == labels
    assert found["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"] == labels
    assert found["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"]["name"] == found["Deployment"]["metadata"]["name"]
    assert container["envFrom"] == [{"configMapRef": {"name": found["ConfigMap"]["metadata"]["name"]}}]
    (port,) = container["ports"]
    assert found["Service"]["spec"]["ports"][0]["targetPort"] == port["name"]
    assert {mount["name"] for mount in container["volumeMounts"]} == {
        volume["name"] for volume in deployment["template"]["spec"]["volumes"]
    }
    references = [variable["valueFrom"]["secretKeyRef"] for variable in container["env"] if "valueFrom" in variable]
    assert {reference["name"] for reference in references} == {secret()["metadata"]["name"]}
    assert {reference["key"] for reference in references} == secret()["stringData"].keys()


def test_a_pod_may_do_little_and_has_time_to_end() -> None:
    deployment = manifests()["Deployment"]["spec"]
    pod = deployment["template"]["spec"]
    (container,) = pod["containers"]
    settings = settings_in(manifests()["ConfigMap"]["data"])

    assert pod["terminationGracePeriodSeconds"] == settings.drain_delay + settings.drain_timeout + 10
    readiness = container["readinessProbe"]
    assert settings.drain_delay > readiness["periodSeconds"] * readiness["failureThreshold"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod["securityContext"]["runAsNonRoot"]
    assert deployment["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    assert deployment["replicas"] >= manifests()["HorizontalPodAutoscaler"]["spec"]["minReplicas"] == 2


def test_the_pods_command_serves_from_database_and_bucket_with_the_environment_of_the_manifests(
    tmp_path: Path, postgres_url: str, object_store: Bucket
) -> None:
    (container,) = manifests()["Deployment"]["spec"]["template"]["spec"]["containers"]
    given = dict(manifests()["ConfigMap"]["data"])
    given |= {variable["name"]: variable["value"].replace("/data", str(tmp_path)) for variable in container["env"] if "value" in variable}
    given |= {"PURVEYOR_DATABASE": postgres_url, "PURVEYOR_BLOBS": object_store.url, "PURVEYOR_PULL_THROUGH": "false"}
    del given["AWS_REGION"]  # of the store that is here, as its credentials
    with Contained(tmp_path / "index", container["command"], given) as server:
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            assert server.http.get(f"{server.url}{container[probe]['httpGet']['path'][1:]}").status_code == 200
        assert server.http.get(f"{server.url}health/ready").status_code == 200
        numbers = server.http.get(f"{server.url}metrics", headers={"X-Forwarded-For": "192.0.2.7"}).raise_for_status().text
        assert "purveyor_database_connections_limit 8.0" in numbers
        hosted = dict([wheel("acme", "1.0")])
        server.host(*hosted.items())
        assert server.files("acme") == hosted
        terminate(server)
        until(lambda: server.http.get(f"{server.url}health/ready").status_code == 503)
        terminate(server)
        assert exit_code(server) == 0


@contextmanager
def nginx(folder: Path, servers: list[LiveServer]) -> Iterator[str]:
    """nginx with the configuration of deploy/, before these servers, as the only change; its URL."""
    assert NGINX is not None
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    text = (DEPLOY / "nginx.conf").read_text()
    for number, server in enumerate(servers, 1):
        text = text.replace(f"server-{number}:8080", str(httpx2.URL(server.url).netloc.decode()))
    text = text.replace("listen 8080", f"listen 127.0.0.1:{port}").replace("/run/nginx.pid", str(folder / "nginx.pid"))
    here = "".join(f"    {kind}_temp_path {folder / kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    configuration = folder / "nginx.conf"
    configuration.write_text(text.replace("http {\n", f"http {{\n{here}"))
    folder.chmod(0o755)
    command = [NGINX, "-p", str(folder), "-c", str(configuration), "-e", str(folder / "errors")]
    checked = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    with subprocess.Popen([*command, "-g", "daemon off;"], stderr=subprocess.DEVNULL) as process:
        try:
            url = f"http://127.0.0.1:{port}/"
            until(lambda: answers(f"{url}health/live"))
            yield url
        finally:
            process.terminate()


def answers(url: str) -> bool:
    try:
        return httpx2.get(url, trust_env=False).status_code == 200
    except httpx2.HTTPError:
        return False


@pytest.mark.skipif(NGINX is None, reason="nginx is not installed")
def test_behind_nginx_servers_are_restarted_one_after_the_other_and_no_request_fails(tmp_path: Path) -> None:
    seen: list[int] = []
    stop = Event()
    with LiveServer(tmp_path / "data", log_level="info") as first, ServerBeside(tmp_path / "data") as second:
        first.host(wheel("acme", "1.0"))
        with nginx(tmp_path, [first, second]) as url, httpx2.Client(trust_env=False, timeout=30) as client:

            def install() -> None:
                while not stop.is_set():
                    seen.append(client.get(f"{url}simple/acme/").status_code)

            reader = Thread(target=install)
            reader.start()
            for server in (first, second):
                server.restart()
            stop.set()
            reader.join()
            assert set(seen) == {200}

            assert client.get(f"{url}metrics").status_code == 403
            filename, content = wheel("acme", "1.1", modules={"noise.bin": os.urandom(3 << 20)})
            answer = client.post(
                f"{url}legacy/",
                data={":action": "file_upload", "protocol_version": "1"},
                files={"content": (filename, content)},
                auth=("__token__", first.token),
            )
            assert answer.status_code == 400
            assert re.fullmatch("[0-9a-f]{32}", answer.headers["x-request-id"])  # nginx's, and in the server's log
            # Nothing that nginx adds keeps a request from being known again.
            until(lambda: "x-request-id" not in client.get(f"{url}simple/acme/").headers)


def test_no_index_can_be_called_what_the_probes_ask_for() -> None:
    (container,) = manifests()["Deployment"]["spec"]["template"]["spec"]["containers"]
    paths = [container[probe]["httpGet"]["path"] for probe in ("startupProbe", "livenessProbe", "readinessProbe")]
    assert {path.split("/")[1] for path in paths} <= ROUTES
