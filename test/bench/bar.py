"""The bar that the benchmark is held against, and how today's figures are printed beside it."""

import textwrap
from dataclasses import asdict, dataclass

NOT_BUILT = "not built yet"
WIDTHS = (47, 11, 10, 18, 6)
HEAD = ("figure", "must", "aim", "today", "")


@dataclass
class Bound:
    """A must and an aim, both the larger or both the smaller the better."""

    must: float
    aim: float | None = None
    at_least: bool = False

    def judge(self, value: float) -> str:
        if self.aim is not None and self._holds(value, self.aim):
            return "aim"
        return "must" if self._holds(value, self.must) else "MISSED"

    def _holds(self, value: float, bound: float) -> bool:
        return value >= bound if self.at_least else value <= bound


@dataclass
class Line:
    figure: str
    must: str
    aim: str
    today: str
    verdict: str
    value: float | None


def measured(
    figure: str, bound: Bound, value: float | str, form: str = "{:.2f}", note: str = ""
) -> Line:
    """A figure, or the words why there is none."""
    sign = "≥" if bound.at_least else "≤"
    must = f"{sign} {_number(bound.must)}"
    aim = "" if bound.aim is None else f"{sign} {_number(bound.aim)}"
    if isinstance(value, str):
        return Line(figure, must, aim, value, "", None)
    return Line(figure, must, aim, form.format(value) + note, bound.judge(value), value)


def _number(value: float) -> str:
    return f"{value:,.0f}".replace(",", " ") if value >= 1000 else f"{value:g}"


def print_table(lines: list[Line]) -> None:
    _print_row(HEAD)
    _print_row(tuple("-" * width for width in WIDTHS))
    for line in lines:
        _print_row((line.figure, line.must, line.aim, line.today, line.verdict))


def _print_row(cells: tuple) -> None:
    wrapped = [textwrap.wrap(cell, width) or [""] for cell, width in zip(cells, WIDTHS)]
    for number in range(max(map(len, wrapped))):
        parts = [cell[number] if number < len(cell) else "" for cell in wrapped]
        print("  ".join(part.ljust(width) for part, width in zip(parts, WIDTHS)).rstrip())


def as_json(lines: list[Line]) -> list[dict]:
    return [asdict(line) for line in lines]
