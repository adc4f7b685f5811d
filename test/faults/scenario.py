"""The script of a test: which request meets which fault."""

import threading

from faults import FAULTS

_RULE_KEYS = {
    "action", "nth", "from", "to", "fault", "after", "status", "code", "body", "headers", "bytes",
    "seconds", "entries", "sender_fault", "date_shift",
}
_PASS = {"fault": "pass"}


class Scenario:
    """Counts requests by action and finds the rule for each. Raises ValueError for a bad script."""

    def __init__(self, script: dict):
        self.log_bodies = bool(script.get("log_bodies", False))
        self._rules = script.get("rules", [])
        self._counts: dict = {}
        self._lock = threading.Lock()
        unknown = set(script) - {"rules", "log_bodies"}
        if unknown:
            raise ValueError(f"unknown keys of the scenario: {sorted(unknown)}")
        for rule in self._rules:
            _check(rule)

    def next(self, action: str) -> tuple:
        """Which request of this action it is, from 1, and the first rule that names it."""
        with self._lock:
            nth = self._counts[action] = self._counts.get(action, 0) + 1
        for rule in self._rules:
            if _names(rule, action, nth):
                return nth, rule
        return nth, _PASS


def _check(rule: dict) -> None:
    unknown = set(rule) - _RULE_KEYS
    if unknown:
        raise ValueError(f"unknown keys of a rule: {sorted(unknown)}")
    if rule.get("fault") not in FAULTS:
        raise ValueError(f"unknown fault {rule.get('fault')!r}; there are {sorted(FAULTS)}")
    if "action" not in rule:
        raise ValueError("a rule names an action, or * for all")


def _names(rule: dict, action: str, nth: int) -> bool:
    if rule["action"] not in (action, "*"):
        return False
    if "nth" in rule:
        wanted = rule["nth"]
        return nth in (wanted if isinstance(wanted, list) else [wanted])
    return rule.get("from", 1) <= nth <= rule.get("to", nth)
