"""Whether the kernel that a notebook wants is installed."""

from __future__ import annotations

from ..errors import MlopsError
from ..notebook.document import Notebook


def require_kernel(name: str, notebook: Notebook) -> None:
    """Raise ``rerun.no-kernel`` where no kernel of that name is installed."""
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    kernels = KernelSpecManager()
    try:
        kernels.get_kernel_spec(name)
    except NoSuchKernel:
        there_are = ", ".join(sorted(kernels.find_kernel_specs())) or "none"
        raise MlopsError(
            "rerun.no-kernel",
            f"There is no kernel named `{name}`; there are: {there_are}.",
            hint="choose one of them in JupyterLab (Kernel, Change Kernel) and save the "
            f"notebook, or install it: `python -m ipykernel install --user --name {name}`.",
            place=notebook.place(),
        ) from None
