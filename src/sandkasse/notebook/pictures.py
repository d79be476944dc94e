"""How a lesson's Altair charts are drawn: by the page itself, without the internet, and as a picture beside it."""

from typing import Any

_SHOWN_AS = "https://vega.github.io/schema/vega-lite/v5.json"
_MIME = "application/vnd.vegalite.v5+json"


def draw(spec: dict[str, Any], **_options: Any) -> dict[str, Any]:
    """Give a chart in every form that a page may want.

    `altair.renderers.enable("sandkasse")` finds this function by the package's entry point. JupyterLab draws the
    specification itself, with its own scripts; a page written from the notebook shows the picture; a screen reader
    reads the description.

    Args:
        spec: The chart in Vega-Lite.

    Returns:
        MIME bundle.
    """
    import vl_convert  # large, and wanted only where charts are drawn

    return {
        _MIME: {**spec, "$schema": _SHOWN_AS},
        "image/svg+xml": vl_convert.vegalite_to_svg(spec),
        "text/plain": spec.get("description", "a picture"),
    }
