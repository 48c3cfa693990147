"""Tools about long work: how far is it, what came of it, going on and giving up."""

from schema_mcp.tools.tasks.changing import cancel_task, resume_task
from schema_mcp.tools.tasks.reading import get_task, list_tasks
from schema_mcp.tools.tasks.state import TaskState, state_of

__all__ = ["TaskState", "cancel_task", "get_task", "list_tasks", "resume_task", "state_of"]
