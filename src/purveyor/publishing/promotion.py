"""Releases go from one index to another: the same bytes, all files or none, with what is known of them, and back."""

from collections.abc import Callable, Sequence
from datetime import datetime

from msgspec.structs import replace

from purveyor.errors import BadRequest, NotAllowed, NotFound, PromotionRefused
from purveyor.interfaces import Catalog, Promotions
from purveyor.model.files import parse_version
from purveyor.model.indexes import Index, IndexName
from purveyor.model.names import NormalizedName
from purveyor.model.promotion import unmet
from purveyor.model.releases import Approval, Check, Move, Promotion, Release, Rollback

_NAME_LIMIT = 100


class Promoting:
    def __init__(self, catalog: Catalog, promotions: Promotions, now: Callable[[], datetime]) -> None:
        self._catalog = catalog
        self._promotions = promotions
        self._now = now

    def release(self, index: IndexName, project: NormalizedName, version: str) -> Release:
        """The release that the index hosts, with what is recorded about it; raises `NotFound`."""
        self._index(index)
        return self._promotions.release(index, project, str(parse_version(version)))

    def promotions(self, index: IndexName, project: NormalizedName) -> Sequence[Promotion]:
        self._index(index)
        return self._promotions.promotions(index, project)

    def promote(self, move: Move) -> Promotion | None:
        """Visible to every reader on return; None where the target has all of it already.

        Raises `PromotionRefused` with every demand of the target that is not met, or what `Promotions.promote` raises; then nothing has
        changed.
        """
        if move.source == move.target:
            raise BadRequest("A release cannot be promoted to the index that it is in.", "Name two indexes.")
        move = replace(move, version=str(parse_version(move.version)))
        demands = self._index(move.target).demands
        self._index(move.source)

        def judge(release: Release) -> None:
            if complaints := unmet(demands, release, move.target, move.by, move.at):
                raise PromotionRefused([f"{release} is not promoted from {move.source} to {move.target}.", *complaints])

        return self._promotions.promote(move, judge)

    def record_check(self, index: IndexName, project: NormalizedName, version: str, check: Check) -> Release:
        self._index(index)
        if not check.name.strip() or len(check.name) > _NAME_LIMIT:
            raise BadRequest(f"A check needs a name of at most {_NAME_LIMIT} characters.", "Name it as the index that demands it does.")
        return self._promotions.record_check(index, project, str(parse_version(version)), check)

    def approve(self, source: IndexName | None, project: NormalizedName, version: str, approval: Approval) -> Release:
        """With no source given, of the release in whichever other index hosts it, if that is beyond doubt."""
        self._index(approval.target)
        if source == approval.target:
            raise BadRequest(f"{source} cannot be both where the release is and where it may go.", "Name two indexes.")
        wanted = str(parse_version(version))
        release = self._promotions.release(source, project, wanted) if source else self._only(approval.target, project, wanted)
        if any(file.uploaded_by == approval.by for file in release.files):
            raise NotAllowed(
                f"{approval.by} uploaded {release}, and cannot approve of it.", "Another person must, with a token of their own."
            )
        return self._promotions.approve(release.index, project, wanted, approval)

    def roll_back(self, index: IndexName, project: NormalizedName, to_serial: int | None, actor: str) -> Rollback:
        self._index(index)
        return self._promotions.roll_back(index, project, to_serial, actor, self._now())

    def _only(self, target: IndexName, project: NormalizedName, version: str) -> Release:
        found: dict[str, Release] = {}
        for index in self._catalog.indexes():
            if index.name != target:
                try:
                    release = self._promotions.release(index.name, project, version)
                except NotFound:
                    continue
                found.setdefault(release.digest, release)
        if not found:
            raise NotFound(f"No index but {target} hosts a release {version} of {project}.")
        if len(found) > 1:
            hosts = ", ".join(release.index for release in found.values())
            raise BadRequest(f"Several indexes host different files of {project} {version}: {hosts}.", "Say which are meant with --from.")
        return found.popitem()[1]

    def _index(self, name: IndexName) -> Index:
        for index in self._catalog.indexes():
            if index.name == name:
                return index
        raise NotFound(f"This server has no index {name}.", "`purveyor index list` shows those it has.")
