from base64 import b64decode
from html.parser import HTMLParser
from io import BytesIO

import numpy as np
from PIL import Image

from workbench.datasets import open_dataset
from workbench.search import SearchResult, search_sheet


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.text, self.sources = [], "", []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.sources += [value for key, value in attrs if key in {"src", "href"}]

    def handle_data(self, data):
        self.text += data


def test_everything_is_inside_and_nothing_from_the_data_is_markup(tmp_path, settings):
    for name in ("<b>bold & co", "plain"):
        (tmp_path / "set" / name).mkdir(parents=True)
        for i in range(8):
            Image.new("RGB", (300, 100), (20 * i, 90, len(name))).save(tmp_path / "set" / name / f"{i}<i>.png")
    dataset = open_dataset(str(tmp_path / "set"), settings)
    rows = np.arange(len(dataset))
    hits = SearchResult(rows, np.linspace(1, 0, len(rows), dtype=np.float32), tuple(dataset.ids(rows)))
    (tmp_path / "set" / "plain" / "0<i>.png").unlink()
    page = Page(search_sheet(dataset, hits, '"<script>alert(1)</script>"', "about & so on"))
    assert not {"script", "b", "i", "link"} & set(page.tags)
    assert "<script>alert(1)</script>" in page.text
    assert "<b>bold & co" in page.text
    assert len(page.sources) == len(rows) - 1
    for source in page.sources:
        head, _, data = source.partition(",")
        assert head == "data:image/jpeg;base64"
        assert max(Image.open(BytesIO(b64decode(data))).size) <= 448
