"""Negotiation, whatever a client sends."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from purveyor.formats.representation import HTML, JSON, LEGACY_HTML, content_coding, format_parameter, media_type

OURS = (JSON, HTML, LEGACY_HTML)
NAMES = st.sampled_from((*OURS, "*/*", "application/*", "text/*", "image/png", "application/json"))
WEIGHTS = st.integers(0, 1000).map(lambda thousandths: thousandths / 1000)
CODINGS = ("zstd", "gzip")


@given(st.text())
def test_any_text_gives_one_of_our_types_or_none(accept: str) -> None:
    assert media_type(accept) in (*OURS, None)
    assert content_coding(accept, CODINGS) in (*CODINGS, "identity")
    assert format_parameter(accept) in (*OURS, None)


@given(st.dictionaries(NAMES, WEIGHTS, min_size=1))
def test_a_type_that_is_named_with_weight_zero_is_never_given(wanted: dict[str, float]) -> None:
    given_type = media_type(", ".join(f"{name};q={weight}" for name, weight in wanted.items()))
    assert given_type is None or wanted.get(given_type, 1) > 0


@given(st.dictionaries(st.sampled_from((*CODINGS, "identity", "br", "*")), WEIGHTS))
def test_a_coding_with_weight_zero_is_never_given(wanted: dict[str, float]) -> None:
    coding = content_coding(", ".join(f"{name};q={weight}" for name, weight in wanted.items()), CODINGS)
    assert coding == "identity" or wanted.get(coding, wanted.get("*", 0)) > 0


@given(st.dictionaries(st.sampled_from((*OURS, "*/*", "image/png")), WEIGHTS, min_size=1), st.randoms())
def test_the_order_of_a_list_does_not_matter_where_weights_differ(wanted: dict[str, float], chance: Random) -> None:
    if len(set(wanted.values())) < len(wanted):
        return
    elements = [f"{name};q={weight}" for name, weight in wanted.items()]
    shuffled = chance.sample(elements, len(elements))
    assert media_type(", ".join(elements)) == media_type(",".join(shuffled))


@given(st.permutations(OURS))
def test_among_types_liked_alike_the_most_expressive_is_given_in_any_order(order: list[str]) -> None:
    assert media_type(", ".join(order)) == JSON


@given(st.sampled_from(OURS), WEIGHTS.filter(bool))
def test_the_only_type_that_is_named_is_given(name: str, weight: float) -> None:
    assert media_type(f"{name.upper()} ; Q={weight}") == name
