"""The synthetic builder: reproducible, balanced, consistent, and in words that give nothing away."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from functools import cache
from importlib.resources import files
from itertools import islice, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.attributes import ATTRIBUTES, KEYS, attribute_index
from simulator.build import build
from simulator.build.graph import ISSUE, bundled_graph, read_graph
from simulator.build.wording import (
    Template,
    bundled_emotions,
    bundled_queries,
    parse_template,
    pick,
    read_emotions,
    read_queries,
)
from simulator.crisis import signals_immediate_danger
from simulator.domains import DOMAINS, issues
from simulator.scenario import Scenario

ALL = 14_000
KNOWN_IDS = ["3f9465312431ecb8", "dccf0e8eaa4da1a4", "1068c1a1d3b9eff7"]


@cache
def everything() -> tuple[Scenario, ...]:
    return tuple(build(ALL, seed=7))


def value(scenario: Scenario, key: str) -> str | None:
    index = attribute_index(key)
    assert index is not None
    return scenario.profile[index]


def share(key: str, *values: str, among: Callable[[Scenario], bool] = lambda s: True) -> float:
    group = [s for s in everything() if among(s)]
    return sum(value(s, key) in values for s in group) / len(group)


def has(key: str, *values: str) -> Callable[[Scenario], bool]:
    return lambda s: value(s, key) in values


def every_query() -> Iterator[tuple[str, Template, str]]:
    for issue, templates in bundled_queries().items():
        for template in templates:
            for variant in range(template.variants):
                yield issue, template, template.render(variant)


# --------------------------------------------------------------------------------------------- keyed, even, distinct


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(-(2**40), 2**70), few=st.integers(0, 60), missing=st.sampled_from([0.0, 0.3]))
def test_fewer_scenarios_are_a_prefix_of_more(seed: int, few: int, missing: float) -> None:
    assert list(build(few, seed, missing=missing)) == list(islice(build(90, seed, missing=missing), few))


def test_the_same_seed_gives_the_same_scenarios_and_another_seed_others() -> None:
    assert list(build(300, 7)) == list(everything()[:300])
    assert not {s.id for s in build(300, 8)} & {s.id for s in everything()}


def test_a_known_scenario_stays_as_it_is() -> None:
    """Scenario ids hang on every word: a change of texts or probabilities must be meant."""
    assert [s.id for s in build(3, 0)] == KNOWN_IDS


def test_any_prefix_is_balanced_over_domains_and_issues() -> None:
    domains: Counter[str] = Counter()
    names: Counter[str] = Counter()
    for scenario in everything()[:2000]:
        domains[scenario.domain] += 1
        names[scenario.issue] += 1
        counts = [domains[d] for d in DOMAINS]
        assert max(counts) - min(counts) <= 1
        per_issue = [names[i.name] for i in issues()]
        assert max(per_issue) - min(per_issue) <= 1
    assert {(s.issue, s.domain) for s in everything()} == {(i.name, i.domain) for i in issues()}
    assert set(Counter(s.issue for s in everything()).values()) == {100}


def test_fourteen_thousand_scenarios_are_all_different() -> None:
    assert len({s.id for s in everything()}) == ALL
    assert len({s.query for s in everything()}) == ALL
    assert len({value(s, "emotional_state") for s in everything()}) > ALL / 4
    assert {s.source for s in everything()} == {"synthetic"}


def test_missing_takes_values_away_and_changes_nothing_else() -> None:
    whole, holed = list(build(700, 3)), list(build(700, 3, missing=0.4))
    for before, after in zip(whole, holed, strict=True):
        assert (before.query, before.domain, before.issue) == (after.query, after.domain, after.issue)
        assert all(b == a or a is None for b, a in zip(before.profile, after.profile, strict=True))
    for place in range(len(ATTRIBUTES)):
        assert 0.3 < sum(s.profile[place] is None for s in holed) / len(holed) < 0.5
    assert all(s.profile.known == 0 for s in build(50, 3, missing=1))
    assert all(s.profile.known == 0b11_1111_1111 for s in whole)


@pytest.mark.parametrize(("n", "missing"), [(-1, 0.0), (1, -0.1), (1, 1.1), (1, float("nan"))])
def test_bad_arguments_are_refused_at_once(n: int, missing: float) -> None:
    with pytest.raises(ValueError, match=r"cannot build|share of missing"):
        build(n, 0, missing=missing)


def test_running_out_of_different_scenarios_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    one = {i.name: (parse_template(f"Is this [the first|the second] question about {i.name}?"),) for i in issues()}
    monkeypatch.setattr("simulator.build.builder.bundled_queries", lambda: one)
    assert len(list(build(280, 0, missing=1))) == 280
    with pytest.raises(ValueError, match="no scenario 280 that differs"):
        list(build(281, 0, missing=1))


# ------------------------------------------------------------------------------------------------ consistency rules


def test_values_are_of_the_papers_vocabulary() -> None:
    for attribute in ATTRIBUTES:
        if attribute.vocabulary:
            assert {value(s, attribute.key) for s in everything()} == set(attribute.vocabulary)


def test_the_graph_has_the_papers_edges() -> None:
    assert {node.key: set(node.parents) for node in bundled_graph().nodes} == {
        "age": {ISSUE},
        "gender": {ISSUE},
        "marital_status": {ISSUE, "gender"},
        "education_level": {ISSUE, "age"},
        "profession": {ISSUE, "age", "education_level"},
        "economic_status": {"profession", "marital_status"},
        "health_status": {ISSUE, "age"},
        "mental_health_status": {"economic_status", "health_status", "education_level"},
        "past_self_harm_history": {"mental_health_status"},
        "emotional_state": {"mental_health_status", "education_level"},
    }


def test_every_combination_of_parents_has_a_distribution() -> None:
    graph = bundled_graph()
    values = {ISSUE: tuple(i.name for i in issues())} | {node.key: node.values for node in graph.nodes}
    for node in graph.nodes:
        for combination in product(*(values[parent] for parent in node.parents)):
            assert sum(node.probabilities(dict(zip(node.parents, combination, strict=True)))) == pytest.approx(1)


def test_young_people_rarely_hold_a_phd() -> None:
    assert share("education_level", "PhD", among=has("age", "18-24")) < 0.01
    assert share("education_level", "PhD", among=has("age", "35-44")) > 0.05


def test_serious_illness_is_more_likely_from_55_on() -> None:
    def elsewhere(s: Scenario) -> bool:
        return s.domain != "Health"

    old = share("health_status", "Serious Illness", among=lambda s: elsewhere(s) and value(s, "age") == "55+")
    young = share("health_status", "Serious Illness", among=lambda s: elsewhere(s) and value(s, "age") == "18-24")
    assert old > 3 * young > 0


def test_relationship_issues_imply_married_or_divorced_more_often() -> None:
    couples = share("marital_status", "Married", "Divorced", among=lambda s: s.domain == "Relationship")
    others = share("marital_status", "Married", "Divorced", among=lambda s: s.domain != "Relationship")
    assert couples > others + 0.08


def test_self_harm_history_follows_severe_depression_or_anxiety() -> None:
    severe = share("past_self_harm_history", "Yes", among=has("mental_health_status", "Severe Depression"))
    anxious = share("past_self_harm_history", "Yes", among=has("mental_health_status", "Anxiety"))
    others = share("past_self_harm_history", "Yes", among=has("mental_health_status", "None", "Mild Depression"))
    assert severe > anxious > 3 * others > 0


def test_despair_goes_with_severe_depression() -> None:
    rows = bundled_graph()["emotional_state"].rows
    place = bundled_graph()["emotional_state"].values.index("despairing")
    despair = {mental: row[place] for mental, row in rows.items()}
    assert despair.pop("Severe Depression") > 0.4
    assert max(despair.values()) < 0.05
    words = re.compile(r"despair|hopeless|no hope|no way out|burden", re.IGNORECASE)
    found = Counter(value(s, "mental_health_status") for s in everything() if words.search(s.profile[9] or ""))
    assert found["Severe Depression"] > 0.8 * found.total()


def test_finance_professions_are_rarely_in_severe_difficulty() -> None:
    finance = share("economic_status", "Severe Difficulty", among=has("profession", "Financial Practitioner"))
    others = share("economic_status", "Severe Difficulty", among=has("profession", *ATTRIBUTES[3].vocabulary))
    assert finance < 0.03 < 0.07 < others


# ------------------------------------------------------------------------------------------------------------ words

TELLING = re.compile(
    r"""\b(\d+|years?[ ]old|in[ ]my[ ](twenties|thirties|forties|fifties|sixties)
    |male|female|woman|man|non-binary|single|married|unmarried|divorc\w*|widow\w*|husband|wife
    |teacher|engineer|freelanc\w*|researcher|sales(person|man|woman)|student|unemployed
    |phd|doctorate|bachelor'?s|master'?s|high[ ]school
    |chronic|serious[ ](illness|disease)|depress\w*|anxi\w*|mild|severe|suicid\w*|self-harm\w*)\b""",
    re.IGNORECASE | re.VERBOSE,
)
"""Words that state a value of the profile: those of the vocabularies that mean nothing else ("good" or "other" do),
and words for age, gender or a spouse. The words of the issue's own name may be said."""


def test_no_query_states_the_profile() -> None:
    for issue, _, query in every_query():
        told = TELLING.search(query)
        assert told is None or told.group().casefold() in issue.casefold(), query


def test_queries_are_natural_in_form() -> None:
    for _, _, query in every_query():
        assert query.isascii()
        assert query.isprintable()
        assert 8 <= len(query.split()) <= 40, query
        assert re.fullmatch(r"[A-Z].*[.?]", query), query
        assert not re.search(r"  |\s[.,?!]|[,.?!]{2}|\b(\w+) \1\b|\b(by|before|until|from) (in|on|at) ", query), query
    for templates in bundled_queries().values():
        assert sum("?" in template.render(0) for template in templates) >= 4


@pytest.mark.slow
def test_no_query_raises_the_alarm() -> None:
    assert [query for _, _, query in every_query() if signals_immediate_danger(query)] == []


def test_emotional_states_are_one_to_three_sentences() -> None:
    lengths: Counter[int] = Counter()
    for scenario in everything():
        text = value(scenario, "emotional_state")
        assert text is not None
        assert text.isascii()
        assert text.isprintable()
        sentences = re.findall(r"[A-Z][^.]*\.", text)
        assert " ".join(sentences) == text
        lengths[len(sentences)] += 1
    assert set(lengths) == {1, 2, 3}


@given(st.lists(st.integers(1, 4), min_size=1, max_size=5))
def test_the_variants_of_a_template_are_all_different(sizes: list[int]) -> None:
    text = " ".join("[" + "|".join(f"w{i}" for i in range(size)) + "]" for size in sizes)
    template = parse_template(text)
    written = [template.render(v) for v in range(template.variants)]
    assert len(set(written)) == len(written)
    assert written[0] == " ".join(["w0"] * len(sizes))


def test_picking_reaches_every_variant_and_stays_inside() -> None:
    templates = (parse_template("[a|b|c]"), parse_template("[d|e]"))
    seen: dict[str, int] = defaultdict(int)
    for step in range(1200):
        seen[pick(templates, step / 1200)] += 1
    assert seen == {"a": 200, "b": 200, "c": 200, "d": 300, "e": 300}
    assert pick(templates, 1 - 2**-53) == "e"


def test_slots_are_filled_and_capitalised() -> None:
    template = parse_template("{Who} met {who}.", {"who": ["a friend", "my aunt"]})
    assert template.variants == 4
    assert template.render(0) == "A friend met a friend."
    assert template.render(1) == "My aunt met a friend."


@pytest.mark.parametrize("text", ["[a|b", "a|b]", "{nowhere}", "[a [b|c]]", "a {", "[a|{who}]"])
def test_malformed_templates_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="template"):
        parse_template(text, {"who": ["my aunt"]})


# ------------------------------------------------------------------------------------------------- checking the data


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[gender]", "[sex]", "not the ten attributes"),
        ("[ 0.46,  0.18,  0.07,  0.22,  0.07 ]", "[ 0.46,  0.18,  0.07,  0.22,  0.17 ]", "sum to 1"),
        ("[ 0.46,  0.18,  0.07,  0.22,  0.07 ]", "[ 0.46,  0.18,  0.07,  0.29 ]", "sum to 1"),
        ("[ 0.46,  0.18,  0.07,  0.22,  0.07 ]", "[ 1.46, -0.68,  0.07,  0.08,  0.07 ]", "sum to 1"),
        ('"Custody Battle" ', '"Custody Row" ', "is no issue"),
        ("{ low = 1.1 }", "{ high = 1.1 }", "unknown value"),
        ("{ low = 1.1 }", "{ low = -1.1 }", "negative"),
        ('parents = ["mental_health_status"]', 'parents = ["mental_health_status", "age"]', "parents of past_self"),
        ('given = "issue"', "", "needs parents, given and rows"),
    ],
)
def test_a_wrong_graph_is_refused(old: str, new: str, message: str) -> None:
    text = data("graph.toml")
    assert old in text
    with pytest.raises(ValueError, match=message):
        read_graph(text.replace(old, new, 1))


def test_a_graph_without_a_default_row_or_with_a_cycle_is_refused() -> None:
    with pytest.raises(ValueError, match="no row for"):
        read_graph(re.sub(r'(?m)^"\*".*\n', "", data("graph.toml"), count=1))
    text = data("graph.toml").replace('parents = ["issue"]', 'parents = ["issue", "profession"]', 1)
    with pytest.raises(ValueError, match="cycle"):
        read_graph(text.replace("[age.rows]", "[age.times.profession]\n[age.rows]", 1))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"Custody Battle" = [', '"Custody Row" = [', "Custody Battle"),
        ('"It ended {ago}.', '"It ended {then}.', "unknown slot"),
        ('    "It ended {ago}.', '    #"It ended {ago}.', "5 templates"),
        (
            "[moving to another city|quitting everything here|disappearing from all my chats] {soon}. {good}",
            "x",
            "only",
        ),
    ],
)
def test_wrong_queries_are_refused(old: str, new: str, message: str) -> None:
    text = data("queries.toml")
    assert old in text
    with pytest.raises(ValueError, match=message):
        read_queries(text.replace(old, new, 1))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("0.30, 0.50, 0.20", "0.30, 0.50, 0.30", "sum to 1"),
        ("numb = [", "blank = [", "not those of the graph"),
        ("[domains.Life]", "[domains.Live]", "every domain"),
        ('"PhD" = [', '"Doctor" = [', "not those of the graph"),
    ],
)
def test_wrong_emotions_are_refused(old: str, new: str, message: str) -> None:
    text = data("emotions.toml")
    assert old in text
    with pytest.raises(ValueError, match=message):
        read_emotions(text.replace(old, new, 1), bundled_graph()["emotional_state"].values)


def test_emotions_cover_every_tone_domain_and_education_level() -> None:
    education = next(a.vocabulary for a in ATTRIBUTES if a.key == "education_level")
    for tone, domain, level in product(bundled_graph()["emotional_state"].values, DOMAINS, education):
        texts = [bundled_emotions().write(tone, domain, level, (u, 0.5, 0.5, 0.5)) for u in (0.0, 0.5, 0.99)]
        assert [text.count(".") for text in texts] == [1, 2, 3]


def test_the_order_of_the_uniform_numbers_is_that_of_the_attributes() -> None:
    low = bundled_graph().draw("Burnout", [0.0] * len(KEYS))
    high = bundled_graph().draw("Burnout", [0.0] * 8 + [0.999999, 0.0])
    assert {key for key in KEYS if low[key] != high[key]} == {"past_self_harm_history"}


def data(name: str) -> str:
    return files("simulator.build").joinpath(name).read_text("utf-8")
