"""Chains: notebooks that run as one graph, the outputs of one as parameters of another."""
