"""What a million tokens cost at whom, since when, and by which source: a contract, a price file, a list."""

from warehouse.pricebook.book import PriceBook, ruling
from warehouse.pricebook.drift import Drift, differing, drift
from warehouse.pricebook.entry import AMOUNTS, STANDARD, Price, PriceEntry, Product
from warehouse.pricebook.file import read_price_file

__all__ = [
    "AMOUNTS",
    "STANDARD",
    "Drift",
    "Price",
    "PriceBook",
    "PriceEntry",
    "Product",
    "differing",
    "drift",
    "read_price_file",
    "ruling",
]
