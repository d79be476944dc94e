"""Charts of lessons are drawn without the internet, in every form that a page may want."""

import altair as alt
import pandas as pd


def test_a_chart_comes_as_vega_lite_for_the_notebook_and_as_a_picture_for_a_page():
    chart = alt.Chart(pd.DataFrame({"year": [1, 2], "cases": [3, 4]}), description="Cases by year").mark_line()
    with alt.renderers.enable("sandkasse"):
        forms = chart.encode(x="year", y="cases")._repr_mimebundle_()
    assert forms["application/vnd.vegalite.v5+json"]["mark"]["type"] == "line"
    assert forms["image/svg+xml"].startswith("<svg")
    assert "http" not in forms["image/svg+xml"].replace("http://www.w3.org/", "")
    assert forms["text/plain"] == "Cases by year"
