"""Resting orders over a corporate action."""
