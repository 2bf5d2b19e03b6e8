"""Needs + locks + base → a frozen plan.  Takes values, never a store."""
