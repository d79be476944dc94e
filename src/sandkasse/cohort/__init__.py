"""Simulated persons: one causal model drives their registers; the truth behind them is kept apart."""
