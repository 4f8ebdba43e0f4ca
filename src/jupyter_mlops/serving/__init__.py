"""The model server: contract, predictor, HTTP protocols, metrics and the log of predictions.

Runs in serving images, which hold neither JupyterLab nor MLflow; nothing is imported here.
"""
