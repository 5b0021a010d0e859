"""Baseline to bundle: lower, emit, parse back, verify, write."""

from __future__ import annotations

from policyc.compiler.bundle import BundleState, bundle_state, write_bundle
from policyc.compiler.pipeline import (
    TargetResult,
    compile_policy,
    compile_target,
    describe_result,
    evaluate_result,
    verify_artifacts,
    verify_witnesses,
)
from policyc.compiler.stale import stale_reasons

__all__ = [
    "BundleState",
    "TargetResult",
    "bundle_state",
    "compile_policy",
    "compile_target",
    "describe_result",
    "evaluate_result",
    "stale_reasons",
    "verify_artifacts",
    "verify_witnesses",
    "write_bundle",
]
