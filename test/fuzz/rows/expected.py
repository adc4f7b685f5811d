"""What must become of a body, as far as Python can tell: a second opinion, on JSON and on text."""

import json
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Optional

from bodies import COLUMNS

# Beyond it Python's reader may give up, and near 1024 the project's: no opinion.
MOST_DEPTH = 900
ENCODINGS = {"utf8": "utf-8", "latin1": "latin-1", "ascii": "utf-8"}  # of the fuzzer's databases
HALF = re.compile("[\ud800-\udfff]")


@dataclass
class Verdict:
    rejected: Optional[bool]  # None: it depends on the types
    text: Optional[str] = None  # the column txt, where the body is an object; None for NULL
    knows_text: bool = False


class Scalar(str):
    """A number, as it stands in the body."""


def depth_of(text: str) -> int:
    """The most brackets inside each other, outside of strings; 0 for less than matters."""
    deepest = depth = 0
    if text.count("[") + text.count("{") <= MOST_DEPTH:
        return 0
    for bracket in re.findall(r"[\[\]{}]", re.sub(r'"(?:[^"\\]|\\.)*"', "", text, flags=re.DOTALL)):
        depth += 1 if bracket in "[{" else -1
        deepest = max(deepest, depth)
    return deepest


def has_half_a_pair(value) -> bool:
    """Whether a lone surrogate is anywhere inside: RFC 8259 has no such text, and Python does."""
    if isinstance(value, str):
        return HALF.search(value) is not None
    if isinstance(value, dict):
        return any(has_half_a_pair(key) or has_half_a_pair(value[key]) for key in value)
    return isinstance(value, list) and any(has_half_a_pair(element) for element in value)


def _refuse(word: str):
    raise ValueError(f"{word} is not JSON")


def parse(text: str):
    """The value of a body; ValueError where it is no JSON. Numbers are Scalars."""
    if text[:1] == "\ufeff" or not text.strip(" \t\n\r"):
        raise ValueError("no JSON")
    pairs = []

    def keep(members):
        # Duplicates, too: half a pair counts wherever it is.
        pairs.extend(members)
        return dict(members)

    decoder = json.JSONDecoder(
        parse_int=Scalar,
        parse_float=Scalar,
        parse_constant=_refuse,
        object_pairs_hook=keep,
        strict=True,
    )
    value = decoder.decode(text.strip(" \t\n\r"))
    if has_half_a_pair(value) or any(has_half_a_pair(list(pair)) for pair in pairs):
        raise ValueError("half a surrogate pair")
    return value


def judge(body: str, good: bool, database: str) -> Verdict:
    if depth_of(body) > MOST_DEPTH:
        return Verdict(None)
    try:
        value = parse(body)
    except RecursionError:
        return Verdict(None)
    except ValueError:
        return Verdict(True)
    if not isinstance(value, dict) or value.get("tag") is None:
        return Verdict(True)
    if any(
        isinstance(value.get(name), str) and not is_text(value[name], database) for name in COLUMNS
    ):
        return Verdict(True)
    text = value.get("txt")
    if text is None:
        return Verdict(False if good else None, None, True)
    if isinstance(text, bool):
        return Verdict(False if good else None, "true" if text else "false", True)
    if not isinstance(text, str):
        return Verdict(False if good else None)
    return Verdict(False if good else None, text, True)


def is_text(text: str, database: str) -> bool:
    """Whether the database can hold it, whatever the column's type."""
    if "\0" in text:
        return False
    try:
        text.encode(ENCODINGS[database])
        return True
    except UnicodeEncodeError:
        return False


def same_document(body: str, landed: str) -> bool:
    """Whether jsonb holds the value that the body's member doc has."""
    value = json.loads(landed, parse_int=Scalar, parse_float=Scalar) if landed else None
    return plain(parse(body).get("doc")) == plain(value)


def plain(value):
    """Numbers by their value."""
    if isinstance(value, Scalar):
        return Decimal(value)
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    return [plain(element) for element in value] if isinstance(value, list) else value
