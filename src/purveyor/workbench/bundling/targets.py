"""What a bundle is for: a Python on a platform, and which files and markers that fits."""

import re
import sys
import sysconfig
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from packaging.markers import Marker
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.tags import Tag, compatible_tags, cpython_tags, mac_platforms
from packaging.utils import InvalidWheelFilename, parse_wheel_filename
from packaging.version import InvalidVersion

from purveyor.errors import Misconfigured

_PYTHON = re.compile(r"3\.\d{1,2}\Z", re.ASCII)
_LIBC = re.compile(r"(manylinux|musllinux)_(\d{1,2})_(\d{1,3})_(\w+)\Z", re.ASCII)
_LINUX = re.compile(r"linux_(\w+)\Z", re.ASCII)
_MAC = re.compile(r"macosx_(\d{1,2})_(\d{1,2})_(\w+)\Z", re.ASCII)
_WINDOWS = {"win_amd64": "AMD64", "win32": "x86", "win_arm64": "ARM64"}
# PEP 600: the names that these had before.
_FORMER = {"manylinux2014": 17, "manylinux2010": 12, "manylinux1": 5}
_OLDEST_GLIBC, _NEWEST_GLIBC = 5, 50
# A target says 3.13 and no more; a marker may ask for 3.13.2. What fits the first or the last of them fits.
_MICROS = (0, 99)


@dataclass(frozen=True, slots=True)
class Target:
    """CPython `python`, such as 3.13, on `platform`, a platform tag; `linux_ARCH` stands for every glibc."""

    python: str
    platform: str

    def __post_init__(self) -> None:
        if not _PYTHON.match(self.python):
            raise Misconfigured(f"{self.python!r} is not a version of Python as bundles are made for.", "Give one such as 3.13.")
        if not (_LIBC.match(self.platform) or _LINUX.match(self.platform) or _MAC.match(self.platform) or self.platform in _WINDOWS):
            raise Misconfigured(
                f"{self.platform!r} is not a platform that is known.",
                "Give one such as linux_x86_64, manylinux_2_28_aarch64, musllinux_1_2_x86_64, macosx_14_0_arm64 or win_amd64.",
            )

    @property
    def tags(self) -> frozenset[Tag]:
        digits = self.python.replace(".", "")
        version, platforms = tuple(map(int, self.python.split("."))), list(_platforms(self.platform))
        specific = cpython_tags(version, abis=[f"cp{digits}"], platforms=platforms)
        return frozenset([*specific, *compatible_tags(version, f"cp{digits}", platforms)])

    def takes(self, requires_python: str | None) -> bool:
        try:
            wanted = SpecifierSet(requires_python or "")
        except InvalidSpecifier:
            return True
        return any(wanted.contains(f"{self.python}.{micro}", prereleases=True) for micro in _MICROS)

    def meets(self, marker: str | Marker) -> bool:
        """Whether the marker is true here, whatever it says of extras."""
        marker = Marker(marker) if isinstance(marker, str) else marker
        return any(marker.evaluate(environment) for environment in self._environments())

    def _environments(self) -> Iterator[dict[str, str]]:
        for micro in _MICROS:
            yield {
                **_environment(self.platform),
                "implementation_name": "cpython",
                "implementation_version": f"{self.python}.{micro}",
                "platform_python_implementation": "CPython",
                "platform_release": "",
                "platform_version": "",
                "python_full_version": f"{self.python}.{micro}",
                "python_version": self.python,
                "extra": "",
            }


class Targets:
    """Several targets; none stands for every Python and platform."""

    def __init__(self, targets: Sequence[Target]) -> None:
        self.all = tuple(targets)
        self._tags = frozenset(tag for target in targets for tag in target.tags)

    def __bool__(self) -> bool:
        return bool(self.all)

    def fit(self, filename: str, requires_python: str | None = None) -> bool:
        """Whether a distribution file of that name is of use for any of them; an sdist fits everywhere."""
        if not self.all:
            return True
        if not any(target.takes(requires_python) for target in self.all):
            return False
        if not filename.endswith(".whl"):
            return True
        try:
            return not self._tags.isdisjoint(parse_wheel_filename(filename)[3])
        except (InvalidWheelFilename, InvalidVersion, ValueError):
            return False

    def meet(self, marker: str | Marker | None) -> bool:
        return marker is None or not self.all or any(target.meets(marker) for target in self.all)


def chosen(pythons: Sequence[str], platforms: Sequence[str]) -> list[Target]:
    """Every Python on every platform; what is not given is this machine's."""
    here = Target(f"3.{sys.version_info.minor}", re.sub(r"[.-]", "_", sysconfig.get_platform()).replace("win_32", "win32"))
    return [Target(python, platform) for python in pythons or (here.python,) for platform in platforms or (here.platform,)]


def uv_platform(platform: str) -> str | None:
    """What uv calls it (`--python-platform`); None where it has no name for it."""
    if platform in _WINDOWS:
        return {"win_amd64": "x86_64-pc-windows-msvc", "win32": "i686-pc-windows-msvc", "win_arm64": "aarch64-pc-windows-msvc"}[platform]
    if match := _MAC.match(platform):
        return f"{match[3].replace('arm64', 'aarch64')}-apple-darwin"
    match = _LIBC.match(platform)
    if match and match[1] == "musllinux":
        return f"{match[4]}-unknown-linux-musl"
    if match and int(match[3]) in (17, 28, *range(31, 41)):
        return f"{match[4]}-manylinux_{match[2]}_{match[3]}"
    arch = match[4] if match else platform.removeprefix("linux_")
    return f"{arch}-unknown-linux-gnu"


def _platforms(platform: str) -> Iterator[str]:
    """Every platform tag that is right there."""
    if match := _MAC.match(platform):
        yield from mac_platforms((int(match[1]), int(match[2])), match[3])
    elif (match := _LIBC.match(platform)) and match[1] == "musllinux":
        yield from (f"musllinux_{match[2]}_{minor}_{match[4]}" for minor in range(int(match[3]), -1, -1))
        yield f"linux_{match[4]}"
    elif platform in _WINDOWS:
        yield platform
    else:
        newest, arch = (int(match[3]), match[4]) if match else (_NEWEST_GLIBC, platform.removeprefix("linux_"))
        yield from (f"manylinux_2_{minor}_{arch}" for minor in range(newest, _OLDEST_GLIBC - 1, -1))
        yield from (f"{former}_{arch}" for former, minor in _FORMER.items() if minor <= newest)
        yield f"linux_{arch}"


def _environment(platform: str) -> Mapping[str, str]:
    if platform in _WINDOWS:
        return _system("nt", "win32", "Windows", _WINDOWS[platform])
    if match := _MAC.match(platform):
        return _system("posix", "darwin", "Darwin", match[3])
    match = _LIBC.match(platform)
    return _system("posix", "linux", "Linux", match[4] if match else platform.removeprefix("linux_"))


def _system(os_name: str, sys_platform: str, system: str, machine: str) -> dict[str, str]:
    return {"os_name": os_name, "sys_platform": sys_platform, "platform_system": system, "platform_machine": machine}
