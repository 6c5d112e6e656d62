"""What is written of an index is read again as the same: settings, policies, advisories."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from packaging.utils import canonicalize_version

from purveyor.formats.index_document import read_index, write_index
from purveyor.formats.osv import read_advisory, write_advisory
from purveyor.formats.policy_document import read_policy, write_policy
from purveyor.model.advisories import Advisory, Span
from purveyor.model.files import Kind
from purveyor.model.indexes import Index, Mode, ModeFor, index_name
from purveyor.model.names import normalize
from purveyor.model.patterns import NamePattern
from purveyor.model.policy import OnAdvisory, Policy, Selector

patterns = st.from_regex(r"[a-z0-9*]{1,5}(-[a-z0-9*]{1,5}){0,2}", fullmatch=True).map(NamePattern)
numbers = st.lists(st.integers(0, 99), min_size=1, max_size=3).map(lambda parts: ".".join(map(str, parts)))
specifiers = st.lists(st.tuples(st.sampled_from(["==", "!=", "<", "<=", ">", ">="]), numbers).map("".join), max_size=2).map(",".join)
selectors = st.builds(lambda pattern, versions: Selector.of(f"{pattern.text}{versions}"), patterns, specifiers)
names = st.from_regex(r"[a-z][a-z0-9]{0,5}(/[a-z][a-z0-9]{0,5})?", fullmatch=True).map(
    lambda text: index_name(f"x{text.replace('/', '/x')}")
)


def some(item: "st.SearchStrategy[object]") -> "st.SearchStrategy[object]":
    return st.none() | st.lists(item, max_size=3).map(tuple)


plain = {
    "cooldown": st.none() | st.integers(0, 3_000_000).map(lambda seconds: timedelta(seconds=seconds * 864)),
    "allow": some(selectors),
    "deny": some(selectors),
    "kinds": some(st.sampled_from(Kind)),
    "max_size": st.none() | st.integers(0, 1 << 40),
    "blocked": st.none() | st.frozensets(st.from_regex(r"[0-9a-f]{64}", fullmatch=True), max_size=2),
    "advisories": st.none() | st.sampled_from(OnAdvisory),
}
policies = st.builds(
    Policy,
    **plain,
    for_names=st.lists(st.tuples(patterns, st.builds(Policy, **plain)), max_size=2, unique_by=lambda pair: pair[0]).map(tuple),
)
indexes = st.builds(
    Index,
    names,
    upstreams=st.lists(names | st.sampled_from(["pypi", "https://user:word@host:8443/simple/"]), max_size=3).map(tuple),
    reserved=st.lists(patterns, max_size=2).map(tuple),
    mixed=st.lists(patterns, max_size=2).map(tuple),
    modes=st.lists(st.builds(ModeFor, patterns, st.sampled_from(Mode)), max_size=2).map(tuple),
    volatile=st.booleans(),
    policy=policies,
)
versions = numbers.map(canonicalize_version)


@st.composite
def advisories(draw: st.DrawFn) -> Advisory:
    """With spans as they are read: one begins where another has ended."""
    bounds = sorted(draw(st.lists(st.integers(1, 99), max_size=6, unique=True)))
    pairs = zip(bounds[::2], bounds[1::2], strict=False)
    spans = [Span(str(first), str(last)) if draw(st.booleans()) else Span(str(first), last=str(last)) for first, last in pairs]
    listed = draw(st.frozensets(versions, max_size=4))
    return Advisory(normalize("acme"), draw(st.from_regex(r"[A-Z]{1,4}-[0-9]{1,4}", fullmatch=True)), "bad", listed, tuple(spans))


@given(policies)
def test_a_policy_is_read_as_it_was_written(policy: Policy) -> None:
    assert read_policy(write_policy(policy)) == policy


@given(indexes)
def test_an_index_is_read_as_it_was_written(index: Index) -> None:
    assert read_index(index.name, write_index(index)) == index


@given(advisories())
def test_an_advisory_is_read_as_it_was_written(advisory: Advisory) -> None:
    assert read_advisory(write_advisory(advisory)) == advisory
