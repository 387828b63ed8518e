import math

import pandas as pd
import pyarrow as pa
from streamlit.testing.v1 import AppTest

SCRIPT = """
import math
import pandas as pd
from dashboards.widgets import as_differences, as_p_values, as_values, table
rows = pd.DataFrame({"accuracy": [0.71449, math.nan], "difference": [0.08, -0.0123], "p": [4e-11, 0.0342]})
table(rows, as_values("accuracy", "accuracy", "absent") | as_differences("accuracy", "difference") | as_p_values("p"))
"""


def test_tables_show_text_and_keep_the_numbers_behind_it():
    app = AppTest.from_string(SCRIPT).run()
    assert not app.exception
    (found,) = app.dataframe
    assert found.value["p"].tolist() == [4e-11, 0.0342]
    assert found.value["accuracy"][0] == 0.71449
    assert math.isnan(found.value["accuracy"][1])
    shown = pa.ipc.open_stream(found.proto.arrow_data.styler.display_values).read_pandas()
    assert isinstance(shown, pd.DataFrame)
    assert shown["accuracy"].tolist() == ["71.4 %", "-"]
    assert shown["difference"].tolist() == ["+8.0 points", "-1.2 points"]
    assert shown["p"].tolist() == ["< 0.001", "0.034"]
