"""The ten attributes of a profile, in the order that PENGUIN gives them (raise.md, section 2).

An attribute's place in `ATTRIBUTES` is its index, and its bit in every subset mask of the project.
"""

from dataclasses import dataclass
from typing import Literal

Group = Literal["demographic", "health", "emotional"]
"""The three groups of the paper; `health` is "health and psychological stability"."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """One thing that can be known about a person.

    Fields:
        name: Title Case key of the published JSON files.
        key: snake_case key of the published dataset rows.
        group: which of the paper's three groups it belongs to.
        vocabulary: the values that the paper lists; real data is free text, so this is never a closed list.
    """

    name: str
    key: str
    group: Group
    vocabulary: tuple[str, ...] = ()


ATTRIBUTES: tuple[Attribute, ...] = (
    Attribute("Age", "age", "demographic", ("18-24", "25-34", "35-44", "45-54", "55+")),
    Attribute("Gender", "gender", "demographic", ("Male", "Female", "Non-binary/Other")),
    Attribute("Marital Status", "marital_status", "demographic", ("Single", "Married", "Divorced", "Widowed")),
    Attribute(
        "Profession",
        "profession",
        "demographic",
        (
            "Teacher",
            "IT Engineer",
            "Financial Practitioner",
            "Freelancer",
            "Researcher",
            "Salesperson",
            "Service Worker",
            "Student",
            "Unemployed",
            "Other",
        ),
    ),
    Attribute(
        "Economic Status", "economic_status", "demographic", ("Stable", "Moderate", "Difficult", "Severe Difficulty")
    ),
    Attribute("Health Status", "health_status", "health", ("Good", "Chronic Disease", "Serious Illness")),
    Attribute(
        "Education Level",
        "education_level",
        "demographic",
        ("High School", "Bachelor's", "Master's", "PhD", "Other"),
    ),
    Attribute(
        "Mental Health Status",
        "mental_health_status",
        "health",
        ("None", "Mild Depression", "Severe Depression", "Anxiety", "Other"),
    ),
    Attribute("Past Self-Harm History", "past_self_harm_history", "health", ("None", "Yes")),
    Attribute("Emotional State", "emotional_state", "emotional"),
)

N_ATTRIBUTES = len(ATTRIBUTES)
NAMES: tuple[str, ...] = tuple(attribute.name for attribute in ATTRIBUTES)
KEYS: tuple[str, ...] = tuple(attribute.key for attribute in ATTRIBUTES)

SENSITIVITY_ORDER: tuple[int, ...] = (9, 7, 8, 5, 6, 4, 3, 0, 2, 1)
"""The order in which the `static` arm takes attributes (experiments.md, Arms): the paper's static subset
{Emotional State, Mental Health Status, Past Self-Harm History} first, then by published sensitivity (raise.md,
section 5), ties in canonical order of the paper's axis."""

_INDEX = {spelling.casefold(): i for i, a in enumerate(ATTRIBUTES) for spelling in (a.name, a.key)}


def attribute_index(name: str) -> int | None:
    """Return the index of an attribute from its Title Case or snake_case name, or None where there is no such one."""
    return _INDEX.get(" ".join(name.split()).casefold())
