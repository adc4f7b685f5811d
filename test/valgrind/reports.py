#!/usr/bin/env python3
"""Reads memcheck's reports: whose errors, and what backends of few and of many messages lost.

usage: reports.py FOLDER SESSIONS     prints figures; fails for what has a frame of ours
"""

import json
import sys
import xml.etree.ElementTree as XML
from collections import Counter
from pathlib import Path

OURS = "/sqs_fdw.so"
LOST = {"Leak_DefinitelyLost", "Leak_IndirectlyLost"}


def read(path: Path) -> XML.Element:
    """A report; one whose process was killed lacks its end."""
    text = path.read_text(encoding="utf-8", errors="replace")
    if "</valgrindoutput>" not in text:
        text += "</valgrindoutput>"
    return XML.fromstring(text)


def is_ours(error: XML.Element) -> bool:
    return any(frame.findtext("obj", "").endswith(OURS) for frame in error.iter("frame"))


def describe(error: XML.Element) -> str:
    what = error.findtext("what") or error.findtext("xwhat/text") or "?"
    frames = []
    for frame in error.find("stack").iter("frame"):
        place = frame.findtext("file")
        frames.append(
            f"    {frame.findtext('fn', '?')} "
            + (
                f"({place}:{frame.findtext('line')})"
                if place
                else f"(in {frame.findtext('obj', '?')})"
            )
        )
    return "\n".join([f"{error.findtext('kind')}: {what}", *frames[:25]])


def lost_bytes(report: XML.Element) -> int:
    return sum(
        int(error.findtext("xwhat/leakedbytes", "0"))
        for error in report.iter("error")
        if error.findtext("kind") in LOST and is_ours(error)
    )


def main() -> int:
    folder, sessions = Path(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text(encoding="utf-8"))
    lost: dict[int, int] = {}
    ours, others = [], Counter()
    for path in sorted(folder.glob("*.xml")):
        report = read(path)
        if path.stem in sessions:
            lost[sessions[path.stem]] = lost_bytes(report)
        for error in report.iter("error"):
            if error.findtext("kind") in LOST:
                continue
            if is_ours(error):
                ours.append(describe(error))
            else:
                others[describe(error)] += 1
    print(
        f"memcheck: {len(list(folder.glob('*.xml')))} processes, {len(ours)} errors with a frame of ours, "
        f"{sum(others.values())} of others ({len(others)} kinds)"
    )
    for error in ours:
        print(error)
    for error, count in others.most_common(5):
        print(f"{count} x not ours: {error}")
    for count in sorted(lost):
        print(f"memcheck: {count} messages: {lost[count]} bytes lost with a frame of ours")
    if len(lost) != len(set(sessions.values())):
        print("memcheck: a backend left no report")
        return 1
    small, large = min(lost), max(lost)
    return 1 if ours or lost[large] > lost[small] else 0


if __name__ == "__main__":
    sys.exit(main())
