"""A value that is valid for a JSON schema, drawn from a keyed stream: what a guided decoder would give."""

import random
import re._parser as patterns  # type: ignore[import-not-found,unused-ignore]
from collections.abc import Mapping, Sequence
from typing import Any

_TEXT = """calm tea rest friend morning walk listen small step window letter garden safe plan quiet ask week help again
slow talk with today nurse light someone bread note open kind doctor before after together sleep"""
WORDS = _TEXT.split()

_LONGEST = 8
"""Items of an array and repeats of a pattern that has no upper bound."""


def value(schema: Any, rng: random.Random, root: Mapping[str, Any] | None = None) -> Any:
    """Return a value valid for `schema`; `root` is where `$ref` starts (the schema itself, if None)."""
    if schema is True or schema == {}:
        return sentence(rng, 3)
    root = schema if root is None else root
    if "$ref" in schema:
        return value(_resolve(schema["$ref"], root), rng, root)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return rng.choice(schema["enum"])
    for choice in ("anyOf", "oneOf"):
        if choice in schema:
            return value(rng.choice(schema[choice]), rng, root)
    if "allOf" in schema:
        merged: dict[str, Any] = {}
        for part in schema["allOf"]:
            merged |= _resolve(part["$ref"], root) if "$ref" in part else part
        return value(merged, rng, root)
    kind = schema.get("type", "object" if "properties" in schema else "string")
    return _OF_TYPE[rng.choice(kind) if isinstance(kind, list) else kind](schema, rng, root)


def sentence(rng: random.Random, words: int) -> str:
    """Return so many words of no meaning, the first one with a capital letter."""
    return " ".join(rng.choices(WORDS, k=words)).capitalize() + "."


def _resolve(reference: str, root: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Any = root
    for part in reference.removeprefix("#").strip("/").split("/"):
        found = found[part]
    return found  # type: ignore[no-any-return]


def _object(schema: Mapping[str, Any], rng: random.Random, root: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value(part, rng, root) for name, part in schema.get("properties", {}).items()}


def _array(schema: Mapping[str, Any], rng: random.Random, root: Mapping[str, Any]) -> list[Any]:
    items = [value(part, rng, root) for part in schema.get("prefixItems", ())]
    least = schema.get("minItems", 0)
    wanted = rng.randint(least, schema.get("maxItems", max(least, 3)))
    of = schema.get("items", {})
    while of is not False and len(items) < wanted:
        item = value(of, rng, root)
        if not (schema.get("uniqueItems") and item in items):
            items.append(item)
    return items


def _string(schema: Mapping[str, Any], rng: random.Random, _: Mapping[str, Any]) -> str:
    if "pattern" in schema:
        return _matching(patterns.parse(schema["pattern"]), rng)
    least, most = schema.get("minLength", 0), schema.get("maxLength", 60)
    text = sentence(rng, 8)
    while len(text) < least:
        text += " " + sentence(rng, 8)
    return text[: max(least, min(most, 60))]


def _integer(schema: Mapping[str, Any], rng: random.Random, _: Mapping[str, Any]) -> int:
    least = schema["exclusiveMinimum"] + 1 if "exclusiveMinimum" in schema else schema.get("minimum", 0)
    most = schema["exclusiveMaximum"] - 1 if "exclusiveMaximum" in schema else schema.get("maximum", least + 10)
    return rng.randint(int(least), int(most))


def _number(schema: Mapping[str, Any], rng: random.Random, _: Mapping[str, Any]) -> float:
    least = schema.get("minimum", schema.get("exclusiveMinimum", 0))
    most = schema.get("maximum", schema.get("exclusiveMaximum", least + 1))
    return float(least + (most - least) * (0.01 + 0.98 * rng.random()))


_OF_TYPE: dict[str, Any] = {
    "object": _object,
    "array": _array,
    "string": _string,
    "integer": _integer,
    "number": _number,
    "boolean": lambda schema, rng, root: rng.random() < 0.5,
    "null": lambda schema, rng, root: None,
}


def _matching(pattern: Sequence[Any], rng: random.Random) -> str:
    """Return a text that matches a parsed pattern of literals, sets, repeats, groups and branches."""
    text = ""
    for operation, argument in pattern:
        name = str(operation)
        if name == "LITERAL":
            text += chr(argument)
        elif name == "ANY":
            text += rng.choice("abcdefgh ")
        elif name == "IN":
            text += _one_of(argument, rng)
        elif name in {"MAX_REPEAT", "MIN_REPEAT"}:
            least, most, inner = argument
            text += "".join(_matching(inner, rng) for _ in range(rng.randint(least, min(int(most), least + _LONGEST))))
        elif name == "SUBPATTERN":
            text += _matching(argument[-1], rng)
        elif name == "BRANCH":
            text += _matching(rng.choice(argument[1]), rng)
        elif name != "AT":
            raise ValueError(f"the fake server draws no text for {name} in a pattern")
    return text


def _one_of(members: Sequence[Any], rng: random.Random) -> str:
    operation, argument = rng.choice([member for member in members if str(member[0]) != "NEGATE"])
    name = str(operation)
    if str(members[0][0]) == "NEGATE":
        taken = {chr(a) for o, a in members[1:] if str(o) == "LITERAL"}
        return next(letter for letter in "abcdefghxyz0" if letter not in taken)
    if name == "LITERAL":
        return chr(argument)
    if name == "RANGE":
        return chr(rng.randint(*argument))
    return {"CATEGORY_DIGIT": "7", "CATEGORY_SPACE": " ", "CATEGORY_WORD": "w"}[str(argument)]
