"""Search a dataset by sentences and images: exact over the stored features, approximate where an index pays.

Pure functions that the command line and the dashboard share. Importing this package loads neither a model nor an index
library.
"""

from workbench.search.approximate import Approximate, Recall, approximate_index
from workbench.search.gallery import Gallery, open_gallery
from workbench.search.query import ImageTerm, Term, TextTerm, parse_line, parse_terms, query_vector
from workbench.search.ranking import top_rows
from workbench.search.searching import SearchResult, embed_image, nearest_images, search_images
from workbench.search.sheet import search_sheet

__all__ = [
    "Approximate",
    "Gallery",
    "ImageTerm",
    "Recall",
    "SearchResult",
    "Term",
    "TextTerm",
    "approximate_index",
    "embed_image",
    "nearest_images",
    "open_gallery",
    "parse_line",
    "parse_terms",
    "query_vector",
    "search_images",
    "search_sheet",
    "top_rows",
]
