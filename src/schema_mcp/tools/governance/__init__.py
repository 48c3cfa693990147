"""Tools about who may do what, and who did it."""

from schema_mcp.tools.governance.approvals import list_approvals, request_approval, review_approval
from schema_mcp.tools.governance.trail import query_audit

__all__ = ["list_approvals", "query_audit", "request_approval", "review_approval"]
