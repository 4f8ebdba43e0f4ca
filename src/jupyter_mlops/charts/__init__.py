"""Charts as Vega-Lite 5, which JupyterLab, Notebook and VS Code draw, with a text beside it."""
