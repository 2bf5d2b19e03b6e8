"""Requirements × imports × traces → findings: what each step needs, what it does not, and why."""
