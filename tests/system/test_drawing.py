"""The drawing canvas in a real browser: by mouse, by touch and by keyboard alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.boards import FedBoard, live, serving
from tests.support.browser import NEEDS_CHROMIUM, browser, expect, playwright, tab

pytestmark = NEEDS_CHROMIUM
__all__ = ["browser", "tab"]

# A page of ours without a script of its own, on which a canvas of 800 by 450 is put.
HARNESS = """async () => {
  const { DrawingCanvas } = await import("/drawing.js");
  const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href: "/drawing.css" });
  const loaded = new Promise((resolve) => link.addEventListener("load", resolve));
  document.head.append(link);
  await loaded;
  const host = document.createElement("div");
  host.className = "drawing-host";
  host.style.width = "min(800px, 100%)";
  host.style.aspectRatio = "16 / 9";
  host.style.background = "rgb(90 90 90)";
  const before = Object.assign(document.createElement("button"), { textContent: "before" });
  const after = Object.assign(document.createElement("button"), { textContent: "after" });
  document.body.replaceChildren(before, host, after);
  window.canvas = new DrawingCanvas(host, { label: "Zones", width: 1600, height: 900 });
  window.told = [];
  for (const name of ["change", "leave"]) canvas.addEventListener(name, () => told.push(name));
}"""  # noqa: E501
TRIANGLE = {"id": "t", "kind": "polygon", "points": [[0.2, 0.2], [0.4, 0.2], [0.3, 0.5]]}
ELLIPSE = {"id": "e", "kind": "ellipse", "box": [0.5, 0.5, 0.7, 0.8]}


@pytest.fixture
def page(tab: playwright.Page) -> Iterator[playwright.Page]:
    with serving(FedBoard(live("door"))) as server:
        tab.set_viewport_size({"width": 1000, "height": 700})
        tab.goto(server.url + "login")
        tab.evaluate(HARNESS)
        yield tab


def shapes(page: playwright.Page) -> list[dict[str, Any]]:
    return page.evaluate("canvas.shapes")


def show(page: playwright.Page, *given: dict[str, Any]) -> None:
    page.evaluate("given => canvas.show(given)", list(given))


def draw(page: playwright.Page, kind: str) -> None:
    page.evaluate("kind => canvas.draw(kind, { tag: 'mask', name: 'Window' })", kind)


def at(page: playwright.Page, x: float, y: float) -> tuple[float, float]:
    """Return where on the page a place of the frame is."""
    box = page.locator("svg.drawing").bounding_box()
    return box["x"] + x * box["width"], box["y"] + y * box["height"]


def drag(page: playwright.Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    page.mouse.move(*at(page, *start))
    page.mouse.down()
    page.mouse.move(*at(page, *end), steps=4)
    page.mouse.up()


def near(points: list[list[float]], wanted: list[tuple[float, float]]) -> bool:
    pairs = zip(points, wanted, strict=True)
    return all(abs(x - u) < 0.01 and abs(y - v) < 0.01 for (x, y), (u, v) in pairs)


def press(page: playwright.Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def test_a_polygon_is_drawn_by_clicks_and_closed_on_its_first_point(page: playwright.Page) -> None:
    draw(page, "polygon")
    corners = [(0.1, 0.1), (0.5, 0.1), (0.5, 0.6), (0.1, 0.6)]
    for corner in [*corners, corners[0]]:
        page.mouse.click(*at(page, *corner))
    (drawn,) = shapes(page)
    assert near(drawn["points"], corners)
    assert (drawn["kind"], drawn["tag"], drawn["name"]) == ("polygon", "mask", "Window")
    assert page.evaluate("[canvas.drawing, canvas.selected]") == [None, drawn["id"]]
    expect(page.get_by_role("button", name="Window: polygon of 4 points")).to_be_focused()


def test_a_polygon_is_drawn_by_keyboard_alone(page: playwright.Page) -> None:
    draw(page, "polygon")
    press(page, "Space", *["Shift+ArrowRight"] * 5, "Space", *["Shift+ArrowDown"] * 10, "Space")
    press(page, "ArrowLeft", "Space", "Backspace", "Enter")
    (drawn,) = shapes(page)
    assert drawn["points"] == [[0.5, 0.5], [0.6, 0.5], [0.6, 0.7]]
    draw(page, "polygon")
    press(page, "Space", "Enter")
    expect(page.get_by_role("status")).to_have_text("A polygon needs three points.")
    press(page, "Escape")
    assert page.evaluate("canvas.drawing") is None
    assert len(shapes(page)) == 1


def test_an_ellipse_is_drawn_by_dragging_and_by_keyboard(page: playwright.Page) -> None:
    draw(page, "ellipse")
    drag(page, (0.2, 0.2), (0.4, 0.6))
    draw(page, "ellipse")
    press(page, "Shift+ArrowUp", "Enter")
    first, second = (each["box"] for each in shapes(page))
    assert near([first[:2], first[2:]], [(0.2, 0.2), (0.4, 0.6)])
    assert second == [0.44, 0.38, 0.56, 0.58]


def test_shapes_and_points_are_dragged_and_an_edge_gives_a_new_point(page: playwright.Page) -> None:
    show(page, TRIANGLE, ELLIPSE)
    drag(page, (0.3, 0.3), (0.4, 0.4))
    moved = [(0.3, 0.3), (0.5, 0.3), (0.4, 0.6)]
    assert near(shapes(page)[0]["points"], moved)
    drag(page, (0.4, 0.6), (0.4, 0.9))
    assert near(shapes(page)[0]["points"], [*moved[:2], (0.4, 0.9)])
    drag(page, (0.4, 0.3), (0.4, 0.1))
    assert near(shapes(page)[0]["points"], [(0.3, 0.3), (0.4, 0.1), (0.5, 0.3), (0.4, 0.9)])
    page.mouse.click(*at(page, 0.6, 0.65))
    drag(page, (0.7, 0.65), (0.9, 0.65))
    box = shapes(page)[1]["box"]
    assert near([box[:2], box[2:]], [(0.5, 0.5), (0.9, 0.8)])
    drag(page, (0.6, 0.65), (0.6, 1.5))
    assert shapes(page)[1]["box"][3] == 1, "a shape does not leave the frame"


def test_keys_walk_move_size_and_delete(page: playwright.Page) -> None:
    show(page, TRIANGLE, ELLIPSE)
    page.get_by_role("button", name="before").focus()
    press(page, "Tab", "Tab")
    assert page.evaluate("canvas.selected") == "t"
    press(page, "Shift+ArrowRight", "ArrowDown")
    assert shapes(page)[0]["points"][0] == [0.22, 0.202]
    press(page, "Tab", "Shift+ArrowLeft")
    assert shapes(page)[0]["points"] == [[0.2, 0.202], [0.42, 0.202], [0.32, 0.502]]
    press(page, "Insert")
    assert shapes(page)[0]["points"][1] == [0.31, 0.202]
    press(page, "Delete", "Delete")
    assert len(shapes(page)[0]["points"]) == 3
    expect(page.get_by_role("status")).to_contain_text("This point is needed")
    press(page, "Tab", "Tab", "+")
    assert page.evaluate("canvas.selected") == "e"
    assert shapes(page)[1]["box"] == [0.495, 0.4925, 0.705, 0.8075]
    press(page, "-", "Delete")
    assert [each["id"] for each in shapes(page)] == ["t"]
    assert page.evaluate("canvas.selected") == "t"
    press(page, "Tab", "Tab", "Tab", "Tab")
    expect(page.get_by_role("button", name="after")).to_be_focused()


def test_escape_leaves_the_point_then_the_shape_then_the_canvas(page: playwright.Page) -> None:
    show(page, TRIANGLE)
    page.get_by_role("button", name="before").focus()
    press(page, "Tab", "Tab", "Tab", "Escape")
    expect(page.get_by_role("button", name="polygon of 3 points")).to_be_focused()
    press(page, "Escape")
    expect(page.get_by_role("application", name="Zones")).to_be_focused()
    press(page, "Escape")
    assert page.evaluate("told") == ["leave"]


def test_everything_can_be_undone_and_done_again(page: playwright.Page) -> None:
    show(page)
    states = [shapes(page)]
    for number in range(60):
        page.evaluate(
            "n => canvas.show([...canvas.shapes, { id: `s${n}`, kind: 'ellipse',"
            " box: [0, 0, 0.1 + n / 100, 0.5] }], { fresh: false })",
            number,
        )
        states.append(shapes(page))
    page.locator("svg.drawing").focus()
    for state in reversed(states[:-1]):
        press(page, "Control+z")
        assert shapes(page) == state
    press(page, "Control+z")
    expect(page.get_by_role("status")).to_have_text("Nothing to undo")
    for n, state in enumerate(states[1:]):
        press(page, "Control+y" if n % 2 else "Control+Shift+z")
        assert shapes(page) == state


def test_a_key_that_repeats_is_one_change(page: playwright.Page) -> None:
    show(page, ELLIPSE)
    page.evaluate("canvas.focus('e')")
    for _ in range(20):
        page.keyboard.down("ArrowRight")
    page.keyboard.up("ArrowRight")
    assert shapes(page)[0]["box"][0] == 0.54
    press(page, "Control+z")
    assert shapes(page) == [ELLIPSE]


def test_a_finger_draws_and_drags(page: playwright.Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    finger = page.context.new_cdp_session(page)

    def touch(*places: tuple[float, float]) -> None:
        for number, place in enumerate(places):
            x, y = at(page, *place)
            kind = "touchMove" if number else "touchStart"
            finger.send(
                "Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]}
            )
        finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

    draw(page, "polygon")
    for corner in [(0.2, 0.2), (0.7, 0.2), (0.7, 0.7), (0.2, 0.2)]:
        touch(corner)
    (drawn,) = shapes(page)
    assert near(drawn["points"], [(0.2, 0.2), (0.7, 0.2), (0.7, 0.7)])
    touch((0.7, 0.7), (0.6, 0.8), (0.5, 0.9))
    assert near(shapes(page)[0]["points"], [(0.2, 0.2), (0.7, 0.2), (0.5, 0.9)])


def test_an_owner_with_a_history_of_its_own_is_asked(page: playwright.Page) -> None:
    asked = page.evaluate(
        """async () => {
          const { DrawingCanvas } = await import("/drawing.js");
          const host = document.querySelector(".drawing-host");
          const other = new DrawingCanvas(host, { label: "Other", history: false });
          const heard = [];
          for (const name of ["undo", "redo", "change"]) other.addEventListener(name, () => heard.push(name));
          other.show([{ kind: "ellipse", box: [0.1, 0.1, 0.2, 0.2] }]);
          other.change(other.shapes[0].id, { name: "Face" });
          other.undo();
          other.redo();
          return [heard, other.shapes[0].name];
        }"""  # noqa: E501
    )
    assert asked == [["change", "undo", "redo"], "Face"]


def test_numbers_convert_to_pixels_and_back(page: playwright.Page) -> None:
    both = page.evaluate(
        """async (shape) => {
          const { inPixels, inFractions } = await import("/shapes.js");
          const pixels = inPixels(shape, 1000, 500);
          return [pixels.points, inFractions(pixels, 1000, 500)];
        }""",
        TRIANGLE,
    )
    assert both == [[[200, 100], [400, 100], [300, 250]], TRIANGLE]
