"""Gateways translate between our words and a provider's wire, and do nothing else."""
