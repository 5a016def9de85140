"""Draws the sample page: an invented invoice, A4 at 300 dpi, and beside it the text that stands on it.

`python examples/draw_invoice.py` writes invoice.png and invoice.txt next to this file; it needs nothing but Pillow.
"""

from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

WIDTH, HEIGHT, DPI = 2480, 3508, 300
LEFT, RIGHT = 210, 2270
BLACK, GREY, PALE = 0, 90, 232

SENDER = ("Halden & Moor Instruments Ltd", "14 Lantern Row, Westmarch WM3 8QT", "United Kingdom")
CONTACT = ("Phone +44 1632 960 417", "accounts@haldenmoor.example", "www.haldenmoor.example")
CUSTOMER = (
    "Bill to",
    "Pellworth Analytics GmbH",
    "Attn. Accounts Payable",
    "Speicherweg 27",
    "20457 Hamburg",
    "Germany",
)
FACTS = (
    ("Invoice number", "HM-2026-004187"),
    ("Invoice date", "14 May 2026"),
    ("Delivery date", "11 May 2026"),
    ("Customer number", "C-30592"),
    ("Your order", "PO-77410 / K. Brandt"),
)
HEADINGS = ("Pos.", "Article", "Description", "Qty", "Unit price", "Amount")
ITEMS = (
    ("HM-1120", "Bench power supply, 30 V / 5 A", 4, 18_950),
    ("HM-1188", "Digital multimeter, 6000 counts", 6, 9_240),
    ("HM-2045", "Oscilloscope probe, 200 MHz", 12, 3_875),
    ("HM-2310", "Function generator, 25 MHz", 2, 41_600),
    ("HM-3007", "Precision resistor set, 0.1 %", 5, 6_415),
    ("HM-3416", "Shielded test cable, 1.5 m", 20, 1_290),
    ("HM-4002", "Thermocouple type K, glass fibre", 15, 1_765),
    ("HM-4471", "Calibration certificate (ISO 17025)", 6, 7_800),
    ("HM-5100", "Rack mounting kit, 19 inch", 2, 5_430),
    ("FREIGHT", "Packing and insured freight", 1, 8_650),
)
VAT_PERCENT = 19
TERMS = (
    "Payment is due within 30 days of the invoice date, without deduction. For payment within",
    "10 days we grant a discount of 2 % on the net amount. Please quote the invoice number with",
    "your transfer. The goods remain our property until they have been paid for in full. Complaints",
    "about visible defects are to be made in writing within eight days of delivery.",
)
FOOTER = (
    ("Halden & Moor Instruments Ltd", "Managing director: Ruth Ellery"),
    ("Bank: Northgate Savings", "Account 5518 2204 97"),
    ("VAT ID: GB 000 4187 22", "Company number: 0551 8220"),
)


def money(cents: int) -> str:
    """1234.50 and the like: thousands apart by a comma."""
    return f"{cents / 100:,.2f}"


@dataclass(slots=True)
class Page:
    """The drawing, and the lines of text in the order in which they were drawn."""

    image: Image.Image = field(default_factory=lambda: Image.new("L", (WIDTH, HEIGHT), 255))
    lines: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.pen = ImageDraw.Draw(self.image)

    pen: ImageDraw.ImageDraw = field(init=False)

    def put(
        self, x: int, y: int, text: str, size: int = 42, *, anchor: str = "ls", bold: bool = False, ink: int = 0
    ) -> None:
        """One piece of text with its baseline at y; it is in no line yet."""
        font = ImageFont.load_default(size=size)
        self.pen.text((x, y), text, ink, font, anchor, stroke_width=1 if bold else 0)

    def line(self, x: int, y: int, text: str, size: int = 42, *, bold: bool = False, ink: int = 0) -> None:
        """A line of its own."""
        self.put(x, y, text, size, bold=bold, ink=ink)
        self.lines.append(text)

    def rule(self, y: int, width: int = 3, left: int = LEFT) -> None:
        self.pen.line((left, y, RIGHT, y), GREY, width)


def letterhead(page: Page) -> None:
    page.pen.rectangle((LEFT, 170, LEFT + 150, 320), fill=BLACK)
    page.pen.polygon(((LEFT + 30, 290), (LEFT + 75, 200), (LEFT + 120, 290)), fill=255)
    page.line(LEFT + 190, 232, SENDER[0], 66, bold=True)
    page.line(LEFT + 190, 300, f"{SENDER[1]}, {SENDER[2]}", 36, ink=GREY)
    page.rule(370, 5)
    page.put(LEFT, 430, CONTACT[0], 34, ink=GREY)
    page.put((LEFT + RIGHT) // 2, 430, CONTACT[1], 34, anchor="ms", ink=GREY)
    page.put(RIGHT, 430, CONTACT[2], 34, anchor="rs", ink=GREY)
    page.lines.append(" ".join(CONTACT))


def addresses(page: Page) -> None:
    """The customer on the left and the invoice's facts on the right, row by row as one reads them."""
    page.line(LEFT, 590, CUSTOMER[0], 34, ink=GREY)
    for at, (text, (name, value)) in enumerate(zip(CUSTOMER[1:], FACTS, strict=True)):
        y = 656 + at * 60
        page.put(LEFT, y, text, 44, bold=at == 0)
        page.put(1350, y, name, 40, ink=GREY)
        page.put(RIGHT, y, value, 42, anchor="rs", bold=at == 0)
        page.lines.append(f"{text} {name} {value}")


def table(page: Page) -> int:
    """The items; the y of its end."""
    page.line(LEFT, 1120, "INVOICE", 92, bold=True)
    page.pen.rectangle((LEFT, 1190, RIGHT, 1276), fill=PALE)
    row(page, 1248, HEADINGS, bold=True)
    y = 1350
    for at, (article, text, count, cents) in enumerate(ITEMS, 1):
        row(page, y, (str(at), article, text, str(count), money(cents), money(count * cents)))
        page.rule(y + 30, 1)
        y += 82
    return y


def row(page: Page, y: int, cells: tuple[str, ...], *, bold: bool = False) -> None:
    """Six cells: three from the left, three numbers to the right."""
    places = ((LEFT + 20, "ls"), (350, "ls"), (620, "ls"), (1600, "rs"), (1920, "rs"), (RIGHT - 20, "rs"))
    for (x, anchor), text in zip(places, cells, strict=True):
        page.put(x, y, text, 42, anchor=anchor, bold=bold)
    page.lines.append(" ".join(cells))


def totals(page: Page, y: int) -> int:
    """Net, VAT and total; the y of its end."""
    net = sum(count * cents for _, _, count, cents in ITEMS)
    vat = (net * VAT_PERCENT + 50) // 100
    rows = (("Net amount", net), (f"VAT {VAT_PERCENT} %", vat), ("Total due (EUR)", net + vat))
    for at, (name, cents) in enumerate(rows):
        last = at == len(rows) - 1
        if last:
            page.rule(y - 58, 4, 1350)
        page.put(1350, y, name, 48 if last else 42, bold=last)
        page.put(RIGHT - 20, y, money(cents), 48 if last else 42, anchor="rs", bold=last)
        page.lines.append(f"{name} {money(cents)}")
        y += 86
    return y


def terms(page: Page, y: int) -> None:
    page.line(LEFT, y, "Terms of payment", 46, bold=True)
    for at, text in enumerate(TERMS, 1):
        page.line(LEFT, y + 12 + at * 64, text, 42)
    page.line(LEFT, y + 400, "Thank you for your order.", 42)


def footer(page: Page) -> None:
    page.rule(3230)
    for at in range(len(FOOTER[0])):
        y = 3300 + at * 54
        page.put(LEFT, y, FOOTER[0][at], 32, ink=GREY)
        page.put((LEFT + RIGHT) // 2, y, FOOTER[1][at], 32, anchor="ms", ink=GREY)
        page.put(RIGHT, y, FOOTER[2][at], 32, anchor="rs", ink=GREY)
        page.lines.append(" ".join(column[at] for column in FOOTER))
    page.put((LEFT + RIGHT) // 2, 3430, "Page 1 of 1", 30, anchor="ms", ink=GREY)
    page.lines.append("Page 1 of 1")


def draw() -> Page:
    """The whole invoice."""
    page = Page()
    letterhead(page)
    addresses(page)
    end = table(page)
    terms(page, totals(page, end + 60) + 90)
    footer(page)
    return page


def main() -> None:
    page = draw()
    here = Path(__file__).parent
    # Eight greys are enough for smooth letters, and make a third of the file.
    page.image.point(lambda grey: round(grey * 7 / 255) * 255 // 7).save(
        here / "invoice.png", optimize=True, dpi=(DPI, DPI)
    )
    (here / "invoice.txt").write_text("\n".join(page.lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
