"""Eight publishers and eight readers, each request to a server at random: what is promised holds, also while servers are killed."""

from pathlib import Path

import pytest

from tests.cluster.cluster import Cluster, Reaper
from tests.cluster.traffic import Traffic, check_everything

SHORT, LONG = 4.0, pytest.param(60.0, marks=pytest.mark.slow)


@pytest.mark.parametrize("seconds", [SHORT, LONG])
def test_what_one_server_acknowledges_all_have_at_once_and_no_page_goes_back(cluster: Cluster, tmp_path: Path, seconds: float) -> None:
    traffic = Traffic(cluster)
    traffic.run_for(seconds)
    traffic.stop()
    assert traffic.ledger.acknowledged
    assert traffic.ledger.refusals == []
    check_everything(cluster, traffic.ledger, tmp_path)


@pytest.mark.parametrize("seconds", [LONG])
def test_the_same_holds_while_servers_are_killed_and_started_again(cluster: Cluster, tmp_path: Path, seconds: float) -> None:
    traffic, reaper = Traffic(cluster), Reaper(cluster, seed=int(seconds))
    reaper.start()
    traffic.run_for(seconds)
    reaper.stop()
    traffic.stop()
    assert reaper.kills
    assert traffic.ledger.acknowledged
    check_everything(cluster, traffic.ledger, tmp_path)
