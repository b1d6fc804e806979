"""Draws addon/icon.png and addon/logo.png: a house whose voice is the bars of a sound, and the name beside it.

    python addon/artwork/draw.py     (needs Pillow)

Coordinates are those of the icon, 128 by 128; everything is drawn larger and scaled down, for smooth edges.
"""

from pathlib import Path

from PIL import Image, ImageDraw

INK, GLOW = "#1d7a5d", "#5bbd97"
SCALE = 8
ADDON = Path(__file__).parents[1]

ROOF = [(12, 60), (64, 14), (116, 60)]
WALLS = [(26, 56), (26, 112), (102, 112), (102, 56)]
BARS = [(44, 10), (54, 20), (64, 30), (74, 17), (84, 8)]
"""Middle and half the height of each."""

Point = tuple[float, float]


class Canvas:
    def __init__(self, width: int, height: int) -> None:
        self._size = (width, height)
        self._image = Image.new("RGBA", (width * SCALE, height * SCALE))
        self._draw = ImageDraw.Draw(self._image)

    def line(self, points: list[Point], colour: str, width: float, move: Point = (0, 0), factor: float = 1) -> None:
        """With round ends and corners."""
        there = [((x * factor + move[0]) * SCALE, (y * factor + move[1]) * SCALE) for x, y in points]
        thick = width * factor * SCALE
        self._draw.line(there, colour, round(thick), joint="curve")
        for x, y in there:
            self._draw.ellipse((x - thick / 2, y - thick / 2, x + thick / 2, y + thick / 2), colour)

    def ring(self, middle: Point, radius: float, colour: str, width: float, begin: float = 0, end: float = 360) -> None:
        x, y, outer = middle[0] * SCALE, middle[1] * SCALE, (radius + width / 2) * SCALE
        self._draw.arc((x - outer, y - outer, x + outer, y + outer), begin, end, colour, round(width * SCALE))

    def save(self, file: Path) -> None:
        self._image.resize(self._size, Image.Resampling.LANCZOS).save(file, optimize=True)


def house(canvas: Canvas, move: Point = (0, 0), factor: float = 1) -> None:
    canvas.line(list(WALLS), INK, 9, move, factor)
    canvas.line(list(ROOF), INK, 9, move, factor)
    for x, half in BARS:
        canvas.line([(x, 80 - half / 1.4), (x, 80 + half / 1.4)], GLOW, 6, move, factor)


def name(canvas: Canvas) -> None:
    """Koe, in strokes."""
    canvas.line([(116, 24), (116, 76)], INK, 9)
    canvas.line([(144, 24), (117, 52), (145, 76)], INK, 9)
    canvas.ring((174, 58), 18, INK, 9)
    canvas.ring((221, 58), 18, INK, 9, 35, 360)
    canvas.line([(204, 58), (239, 58)], INK, 9)


def main() -> None:
    icon = Canvas(128, 128)
    house(icon)
    icon.save(ADDON / "icon.png")
    logo = Canvas(250, 100)
    house(logo, (4, 6), 0.74)
    name(logo)
    logo.save(ADDON / "logo.png")


if __name__ == "__main__":
    main()
