"""Judges of requests: what each provider refuses, by its documentation or by what users report.

A judge takes a request as plain data and gives the rules that it breaks, each with its reason and source. It knows
nothing of drivers; the facts about models are its own (`models.json`). What no rule speaks of is accepted.
"""

from __future__ import annotations

from .base import Rule, RuleBook, SentRequest, Violation
from .judging import judge, judge_request, rules_for

__all__ = ["Rule", "RuleBook", "SentRequest", "Violation", "judge", "judge_request", "rules_for"]
