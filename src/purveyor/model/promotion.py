"""Whether a release may go from one index to another."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from purveyor.model.demands import Demands
from purveyor.model.releases import Release

_DAY = timedelta(days=1)


def unmet(demands: Demands, release: Release, target: str, promoter: str, now: datetime) -> list[str]:
    """Every demand that the release does not meet, each as a sentence that says what to do."""
    return [
        *_withdrawn(release),
        *_too_young(demands, release, target, now),
        *_unchecked(demands, release, target),
        *_unapproved(demands, release, target, promoter),
    ]


def _withdrawn(release: Release) -> Iterator[str]:
    """Demanded by every index: what nobody shall install goes nowhere."""
    if not release.status.status.offers_files:
        because = f" ({release.status.reason})" if release.status.reason else ""
        yield f"{release.project} is {release.status.status} in {release.index}{because}: its owner must set another status first."
    for file in release.files:
        if file.yanked is not None:
            because = f" ({file.yanked.reason})" if file.yanked.reason else ""
            yield f"{file.filename} is yanked in {release.index}{because}: unyank it there, or promote another release."


def _too_young(demands: Demands, release: Release, target: str, now: datetime) -> Iterator[str]:
    ready = release.since + demands.age
    if demands.age and now < ready:
        yield (
            f"{target} takes a release after {demands.age / _DAY:g} days in {release.index}, and {release} has been there since"
            f" {release.since:%Y-%m-%d %H:%M} UTC: promote it after {ready:%Y-%m-%d %H:%M} UTC."
        )


def _unchecked(demands: Demands, release: Release, target: str) -> Iterator[str]:
    known = {check.name: check for check in release.checks}
    for name in demands.checks:
        check = known.get(name)
        record = f"`purveyor check record {release.project}=={release.version} {name} --passed --index {release.index}`"
        if check is None:
            yield f"{target} demands the check {name}, and nothing is recorded of it for these files: when it has passed, run {record}."
        elif not check.passed:
            said = f" ({check.note})" if check.note else ""
            yield f"The check {name} failed, as {check.by} recorded on {check.at:%Y-%m-%d %H:%M} UTC{said}: when it passes, run {record}."


def _unapproved(demands: Demands, release: Release, target: str, promoter: str) -> Iterator[str]:
    involved = {promoter} | {file.uploaded_by for file in release.files}
    approvers = sorted({approval.by for approval in release.approvals if approval.target == target} - involved)
    if len(approvers) < demands.approvals:
        wanted = "an approval" if demands.approvals == 1 else f"{demands.approvals} approvals"
        so_far = f"so far from {', '.join(approvers)}" if approvers else "none so far"
        yield (
            f"{target} demands {wanted} by others than those who uploaded the files and who promotes them ({so_far}): ask for"
            f" `purveyor approve {release.project}=={release.version} --from {release.index} --to {target}`."
        )
