"""Three-way merge of texts, line by line: what two people changed in different places goes together by itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

Choice = Literal["mine", "theirs", "both"]
Lines = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Settled:
    """Lines nobody disputes; `by` says whose change they are, "" for nobody's."""

    lines: Lines
    by: Literal["", "mine", "theirs", "both"] = ""


@dataclass(frozen=True, slots=True)
class Dispute:
    """A place that both changed, each otherwise; `line` is where mine begins in my text, from 1."""

    base: Lines
    mine: Lines
    theirs: Lines
    line: int

    def chosen(self, choice: Choice) -> Lines:
        """Return the lines that a choice takes; both is mine, then theirs."""
        if choice == "both":
            # Where one text ends here without a newline, the other must not be glued to it.
            joint = () if not self.mine or self.mine[-1].endswith("\n") or not self.theirs else ("\n",)
            return (*self.mine, *joint, *self.theirs)
        return self.mine if choice == "mine" else self.theirs


@dataclass(frozen=True, slots=True)
class Merge:
    """The parts of the merged text, in order."""

    parts: tuple[Settled | Dispute, ...]

    @property
    def disputes(self) -> tuple[Dispute, ...]:
        """Return what somebody must decide."""
        return tuple(part for part in self.parts if isinstance(part, Dispute))

    def count(self, by: str) -> int:
        """Return how many places one side alone changed (`mine`, `theirs`), or both alike (`both`)."""
        return sum(1 for part in self.parts if isinstance(part, Settled) and part.by == by)

    def text(self, choices: Sequence[Choice] = ()) -> str:
        """Return the merged text with one choice per dispute, in order; raise ValueError when they are not as many."""
        wanted = iter(choices)
        if len(choices) != len(self.disputes):
            raise ValueError(f"{len(self.disputes)} choices are needed, {len(choices)} were given")
        lines = (part.lines if isinstance(part, Settled) else part.chosen(next(wanted)) for part in self.parts)
        return "".join(line for part in lines for line in part)


def merge_texts(base: str, mine: str, theirs: str) -> Merge:
    """Merge two texts that began as `base`. Lines end in LF; no text is lost or made up."""
    texts = tuple(tuple(text.splitlines(keepends=True)) for text in (base, mine, theirs))
    parts: list[Settled | Dispute] = []
    at = [0, 0, 0]
    for places, length in _in_step(*texts):
        gap = tuple(text[start:end] for text, start, end in zip(texts, at, places, strict=True))
        parts += _resolve(*gap, line=at[1] + 1)
        if length:
            parts.append(Settled(texts[0][places[0] : places[0] + length]))
        at = [place + length for place in places]
    return Merge(tuple(parts))


def _in_step(base: Lines, mine: Lines, theirs: Lines) -> Iterator[tuple[tuple[int, int, int], int]]:
    """Yield where all three texts agree: the places in each and how many lines; last the ends, with none."""
    ours = SequenceMatcher(None, base, mine).get_matching_blocks()
    others = SequenceMatcher(None, base, theirs).get_matching_blocks()
    first = second = 0
    while first < len(ours) and second < len(others):
        one, two = ours[first], others[second]
        start, end = max(one.a, two.a), min(one.a + one.size, two.a + two.size)
        if start < end:
            yield (start, one.b + start - one.a, two.b + start - two.a), end - start
        if one.a + one.size < two.a + two.size:
            first += 1
        else:
            second += 1
    yield (len(base), len(mine), len(theirs)), 0


def _resolve(base: Lines, mine: Lines, theirs: Lines, *, line: int) -> Iterator[Settled | Dispute]:
    if mine == theirs:
        if mine or base:
            yield Settled(mine, "both")
    elif mine == base:
        yield Settled(theirs, "theirs")
    elif theirs == base:
        yield Settled(mine, "mine")
    else:
        # What both begin and end with alike is settled.
        before = _alike(mine, theirs)
        after = _alike(mine[before:][::-1], theirs[before:][::-1])
        if before:
            yield Settled(mine[:before], "both")
        yield Dispute(base, mine[before : len(mine) - after], theirs[before : len(theirs) - after], line + before)
        if after:
            yield Settled(mine[len(mine) - after :], "both")


def _alike(one: Lines, two: Lines) -> int:
    return next((count for count, (a, b) in enumerate(zip(one, two, strict=False)) if a != b), min(len(one), len(two)))
