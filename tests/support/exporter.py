"""Pages as dcgm-exporter renders them (internal/pkg/rendermetrics/render_metrics.go)."""

from __future__ import annotations

GR = "DCGM_FI_PROF_GR_ENGINE_ACTIVE"
UTIL = "DCGM_FI_DEV_GPU_UTIL"


def line(metric: str, value: object, gpu: int = 0, host: str = "node-1", **labels: str) -> str:
    """One series of one GPU; ``labels`` replace or follow its own."""
    own = {
        "gpu": str(gpu),
        "UUID": f"GPU-{gpu}",
        "pci_bus_id": f"00000000:0{gpu}:00.0",
        "device": f"nvidia{gpu}",
        "modelName": "NVIDIA L4",
        "Hostname": host,
        "DCGM_FI_DRIVER_VERSION": "580.126.09",
    }
    pairs = ",".join(f'{key}="{text}"' for key, text in (own | labels).items() if text)
    return f"{metric}{{{pairs}}} {value}"


def page(*lines: str) -> bytes:
    """A page with these series, each under the HELP and TYPE lines of its metric."""
    out: list[str] = []
    for each in lines:
        metric = each.partition("{")[0]
        out += [f"# HELP {metric} What it is.", f"# TYPE {metric} gauge", each]
    return ("\n".join(out) + "\n").encode()
