"""Continuous integration: one list of steps, as a workflow for a server, and to run here."""

from __future__ import annotations
