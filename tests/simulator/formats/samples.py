"""Texts for the format tests: the published shapes with words of our own, and hostile words."""

from hypothesis import strategies as st

from simulator.domains import issues
from simulator.scenario import Profile, Scenario

PEOPLE = (
    {"Scenario": "Breakup/Divorce", "Age": "25-34", "Profession": "Teacher", "Emotional State": "Tired, but steady."},
    {"Scenario": "Night Gardening", "Age": 41, "Gender": "Unknown", "Past Self-Harm History": "None"},
)
QUERIES = ("How do I plan a long walk?", 'Is "no" an answer?', "What can I cook\nfor one?", "Où dormir mieux ?")

_ODD = [
    "=cmd|' /C calc'!A0",
    '"',
    "''",
    "a,b;c",
    "\x1b[31mred\x1b[0m",
    "\r\n",
    "\\",
    "{'query_id': 'x'}",
    "{",
    "[",
    "💡\u202e",
    "\ufeff",
]

hostile = st.lists(
    st.sampled_from(_ODD) | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12),
    min_size=1,
    max_size=4,
).map("".join)
"""Any text that a file can hold: no NUL, no half surrogate pairs."""

queries = hostile.filter(lambda query: bool(query.strip()))
profiles = st.lists(st.none() | hostile, min_size=10, max_size=10).map(lambda values: Profile(tuple(values)))


@st.composite
def scenarios(draw: st.DrawFn, *, self_harm: bool = True) -> Scenario:
    """Draw what every published format can carry: domain and issue of the known ones, a source with letters."""
    values = list(draw(profiles).values)
    if not self_harm:
        values[8] = None
    issue = draw(st.sampled_from(issues()))
    name = draw(st.sampled_from([issue.name, ""]))
    return Scenario(draw(queries), Profile(tuple(values)), issue.domain, name, draw(hostile) + "x")
