"""Workspaces: notebook servers with the datasets mounted read-only, started and stopped through a launcher (edge)."""
