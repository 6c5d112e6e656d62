"""Settings: flag, else environment, else default."""

from dataclasses import fields
from pathlib import Path

import pytest

from purveyor.errors import Misconfigured
from purveyor.settings import Settings


def test_without_anything_it_is_the_defaults() -> None:
    assert Settings.from_environment({}) == Settings()


def test_a_flag_goes_before_the_environment_and_the_environment_before_the_default() -> None:
    assert Settings.from_environment({"PURVEYOR_PORT": "9"}).port == 9
    assert Settings.from_environment({"PURVEYOR_PORT": "9"}, port=7).port == 7
    assert Settings.from_environment({"PURVEYOR_PORT": "9"}, port=None).port == 9


def test_each_setting_is_read_from_the_environment_as_what_it_is() -> None:
    given = {"PURVEYOR_DATA": "/srv/index", "PURVEYOR_HOST": "::1", "PURVEYOR_EXPRESS": "no", "PURVEYOR_MAX_RATIO": "7"}
    settings = Settings.from_environment(given)
    assert (settings.data, settings.host, settings.express, settings.max_ratio) == (Path("/srv/index"), "::1", False, 7)


@pytest.mark.parametrize("text", ["true", "TRUE", "1", "yes", "on"])
def test_what_is_true(text: str) -> None:
    assert Settings.from_environment({"PURVEYOR_EXPRESS": text}).express is True


@pytest.mark.parametrize(
    ("variable", "text"), [("PURVEYOR_PORT", "eighty"), ("PURVEYOR_PORT", ""), ("PURVEYOR_EXPRESS", "maybe"), ("PURVEYOR_WORKERS", "1.5")]
)
def test_what_cannot_be_read_is_refused_with_the_variables_name(variable: str, text: str) -> None:
    with pytest.raises(Misconfigured, match=variable):
        Settings.from_environment({variable: text})


def test_a_worker_gets_the_settings_of_its_server() -> None:
    settings = Settings(host="::1", port=1, data=Path("/srv/an index"), express=False, idle_timeout=3)
    assert Settings.from_environment(settings.to_environment()) == settings


def test_every_setting_says_what_it_is() -> None:
    for setting in fields(Settings):
        assert setting.metadata["doc"].endswith(".")


def test_the_data_directory_is_never_the_current_one() -> None:
    assert Settings().data_dir.is_absolute()
