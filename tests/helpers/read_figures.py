"""What a reader sees of a figure: its texts and where they lie."""

from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

KINDS = ["pdf", "svg", "png", "csv", "txt"]  # files of a figure


def boxes_of_text(figure: Figure) -> list[tuple[str, Bbox]]:
    """(text, box in pixels) of every piece of text that is drawn."""
    renderer = figure.canvas.get_renderer()
    figure.draw(renderer)
    shown = [t for t in figure.findobj(Text) if t.get_visible() and t.get_text().strip()]
    unseen = ticks_out_of_view(figure)
    return [(t.get_text(), t.get_window_extent(renderer)) for t in shown if t not in unseen]


def ticks_out_of_view(figure: Figure) -> list[Text]:
    """Labels of ticks beyond an axis' limits: matplotlib has them but does not draw them."""
    unseen = []
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
                if not low <= tick.get_loc() <= high:
                    unseen += [tick.label1, tick.label2]
    return unseen


def check_texts(figure: Figure, margin: float = 1.0) -> None:
    """No text is cut off at the figure's edge, and none lies on another.

    margin: pixels that a text may stick out, or two may share: boxes are larger than letters.
    """
    width, height = figure.bbox.size
    boxes = boxes_of_text(figure)
    for text, box in boxes:
        assert box.x0 >= -margin and box.y0 >= -margin, text
        assert box.x1 <= width + margin and box.y1 <= height + margin, text
    for i, (text, one) in enumerate(boxes):
        for other, two in boxes[i + 1 :]:
            across = min(one.x1, two.x1) - max(one.x0, two.x0)
            down = min(one.y1, two.y1) - max(one.y0, two.y0)
            assert across <= margin or down <= margin, (text, other)
