import io

import numpy as np
import pytest
from PIL import Image

from workbench.errors import WorkbenchError
from workbench.figures import confusion_matrix_figure, png_bytes, reliability_figure, save_png


def predictions(n_classes, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, n_classes, 20 * n_classes)
    return labels, np.where(rng.random(len(labels)) < 0.7, labels, rng.integers(0, n_classes, len(labels)))


def texts(figure):
    from matplotlib.text import Text

    return [text.get_text() for text in figure.findobj(Text)]


def pixels(figure):
    return np.asarray(Image.open(io.BytesIO(png_bytes(figure))).convert("RGB"))


@pytest.mark.parametrize("n_classes", [1, 2, 10, 25, 102, 160])
def test_confusion_matrix_of_any_size_is_drawn(n_classes):
    labels, predicted = predictions(n_classes)
    names = [f"class {k}" for k in range(n_classes)]
    image = pixels(confusion_matrix_figure(labels, predicted, names))
    assert image.std() > 5
    assert max(image.shape) < 2600


def test_cells_say_share_of_the_row_and_count():
    shown = texts(confusion_matrix_figure(np.array([0, 0, 0, 0, 1]), np.array([0, 0, 0, 1, 1]), ["cat", "dog"]))
    assert {"75 %\n3", "25 %\n1", "100 %\n1", "cat", "dog"} <= set(shown)


def test_with_many_classes_the_worst_confusions_are_listed():
    labels = np.repeat(np.arange(40), 5)
    predicted = labels.copy()
    predicted[:4] = 7
    shown = texts(confusion_matrix_figure(labels, predicted, [f"name{k}" for k in range(40)]))
    assert any("4 of 5  name0 > name7" in text for text in shown)


@pytest.mark.filterwarnings("ignore:Glyph")
def test_names_are_shown_as_they_are_and_all_fit():
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    names = ["$x^2$ {broken", "tab\there \x1b[31m", "日本語の葉", "n" * 200]
    figure = confusion_matrix_figure(np.arange(4), np.arange(4), names)
    assert "$x^2$ {broken" in texts(figure)
    assert "tab here [31m" in texts(figure)
    assert pixels(figure).std() > 5
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    for label in figure.axes[0].get_yticklabels() + figure.axes[0].get_xticklabels():
        box = label.get_window_extent(canvas.get_renderer())
        assert box.x0 >= 0
        assert box.y0 >= 0


def test_a_class_without_images_is_grey():
    figure = confusion_matrix_figure(np.array([0, 1]), np.array([0, 2]), ["a", "b", "c"])
    shares = figure.axes[0].images[0].get_array()
    assert shares.mask[2].all()
    assert not shares.mask[:2].any()


def test_a_label_without_a_name_is_refused():
    with pytest.raises(WorkbenchError, match="a prediction is outside of the 2 class names"):
        confusion_matrix_figure(np.array([0, 1]), np.array([0, 2]), ["a", "b"])


def test_reliability_shows_the_calibration_curve():
    rng = np.random.default_rng(0)
    probability = rng.uniform(0.5, 1, 4000)
    scores = np.stack([np.log(probability / (1 - probability)), np.zeros(4000)], axis=1)
    labels = (rng.random(4000) > probability).astype(int)
    line = reliability_figure(scores, labels).axes[0].lines[1]
    confidence, accuracy = line.get_data()
    np.testing.assert_allclose(accuracy, confidence, atol=0.07)
    assert confidence.min() > 0.5


@pytest.mark.parametrize("spread", [0, 4])
def test_reliability_of_noise_and_of_constant_scores(spread):
    rng = np.random.default_rng(0)
    scores = spread * rng.normal(size=(80, 3))
    figure = reliability_figure(scores, rng.integers(0, 3, 80))
    assert "confidence" in texts(figure)
    assert pixels(figure).std() > 5


def test_equal_figures_give_equal_files(tmp_path):
    labels, predicted = predictions(5)
    for name in ("a.png", "b.png"):
        save_png(confusion_matrix_figure(labels, predicted, list("abcde")), tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_pyplot_is_not_imported():
    import subprocess
    import sys

    code = (
        "import sys, numpy as np; from workbench.figures import *; assert 'matplotlib' not in sys.modules; "
        "png_bytes(confusion_matrix_figure(np.arange(3), np.arange(3), list('abc'))); "
        "print('matplotlib.pyplot' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
