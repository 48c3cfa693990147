"""Take the store to registries: plan, apply, drift."""

from schema_mcp.tools.deployment.applying import apply_plan
from schema_mcp.tools.deployment.drift import detect_drift
from schema_mcp.tools.deployment.planning import plan_deployment
from schema_mcp.tools.deployment.plans import get_plan
from schema_mcp.tools.deployment.reconcile import reconcile_drift
from schema_mcp.tools.deployment.rollback import rollback_change
from schema_mcp.tools.deployment.sync import get_sync_status

__all__ = [
    "apply_plan",
    "detect_drift",
    "get_plan",
    "get_sync_status",
    "plan_deployment",
    "reconcile_drift",
    "rollback_change",
]
